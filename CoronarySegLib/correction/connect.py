"""What is missing: a gap closed between two clicks, a distal branch added by two clicks or by one on its end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ..centreline.tree import CentrelineBranch, CentrelineTree
from ..errors import InputError
from ..postprocessing.boxes import Box, inside_distance, points_of
from .grafting import AT_END_MM, grafted
from .path import cheapest_way
from .picking import Place, labelled_voxel, piece_at, place_at, required_place
from .record import Correction, corrected
from .regrow import STEP_MM, Regrown, regrown
from .remove import centreline_voxels
from .retrace import traced_branches
from .state import SYSTEMS, CaseState

LONGEST_MM = 150.0
MARGIN_MM, MARGIN_SHARE = 8.0, 0.35
"""A vessel runs round the heart: its way may leave the straight line by this share of the distance."""
GOAL_MM = 3.0
"""The way may reach the vessel this far from where it was clicked."""
ON_PIECE_MM = 1.2
DAUGHTER_SHARE = 0.8
END_CALIBRE_MM = 4.0
DOUBTFUL = 0.4


@dataclass(frozen=True)
class _Piece:
    """A piece of lumen without centreline at a click: its box, voxels and the label it has."""

    box: Box
    mask: np.ndarray
    value: int


def bridge(
    state: CaseState, first_lps_mm, second_lps_mm, *, by: str = "", when: datetime | None = None
) -> tuple[CaseState, Correction]:
    """Lumen along the cheapest way between two clicks, one of them on a tree.

    The other may lie on a piece that lost its connection, which then joins the tree with its own centrelines, or at the
    end of a vessel that is missing. Raises InputError when no click is on a tree, when both are on different trees, or
    when they are connected already.
    """
    clicks = [np.asarray(first_lps_mm, float), np.asarray(second_lps_mm, float)]
    hosts = [_host(state, click) for click in clicks]
    if hosts[0] is None and hosts[1] is None:
        raise InputError("Neither click is on a vessel with a centreline. Click the vessel first, then the far end.")
    if hosts[0] is not None and hosts[1] is not None:
        return _filled(state, hosts, clicks, by, when)
    host, target = (hosts[0], clicks[1]) if hosts[0] is not None else (hosts[1], clicks[0])
    return _connected(state, host, target, clicks, "bridge", by, when)


def add_branch(
    state: CaseState, end_lps_mm, *, by: str = "", when: datetime | None = None
) -> tuple[CaseState, Correction]:
    """Lumen from a click on the end of a missing vessel (or on a piece that lost its connection) back to the tree."""
    click = np.asarray(end_lps_mm, float)
    if _host(state, click) is not None:
        raise InputError("The click is on the tree already. Click the far end of the branch that is missing.")
    host = _nearest_place(state, click)
    return _connected(state, host, click, [click], "add branch", by, when)


def _host(state: CaseState, click: np.ndarray) -> Place | None:
    """The vessel with a centreline whose lumen is under a click."""
    place = place_at(state, click)
    if place is None:
        return None
    voxel = labelled_voxel(state, click, (SYSTEMS[place.system],))
    if place.away_mm <= max(place.radius_mm, 0.8):
        return place
    near = voxel is not None and np.linalg.norm(points_of(state.geometry, voxel[None])[0] - click) <= 0.6
    return place if near and _piece(state, click) is None else None


def _nearest_place(state: CaseState, click: np.ndarray) -> Place:
    """The point of any centreline nearest to a click, however far."""
    if not state.trees:
        raise InputError("There is no tree to add a branch to. Compute the centrelines first.")
    branches = [b.points_lps_mm for tree in state.trees.values() for b in tree.branches]
    points = np.concatenate(branches)
    nearest = points[int(np.argmin(np.linalg.norm(points - click, axis=1)))]
    return required_place(state, nearest)


def _connected(state: CaseState, host: Place, target, clicks, kind: str, by: str, when) -> tuple[CaseState, Correction]:
    value, piece = SYSTEMS[host.system], _piece(state, target)
    distance = float(np.linalg.norm(host.lps_mm - target))
    if distance > LONGEST_MM:
        raise InputError(f"The clicks are {distance:.0f} mm apart. Bridge it in pieces of up to {LONGEST_MM:.0f} mm.")
    box = state.box_round(np.stack([host.lps_mm, target]), MARGIN_MM + MARGIN_SHARE * distance)
    own = _own(state, box, value, piece)
    anywhere = kind == "add branch"
    goal = _goal(state, box, value, host, piece, anywhere)
    way = cheapest_way(state, box, target, goal, own)
    points = way.points_lps_mm[::-1]
    if anywhere:
        host = required_place(state, points[0])
    course = _outside(state, points, value, piece)
    lumen = regrown(state, course, _radius_at(state, host, piece), None if piece is None else
                    _piece_radius(state, piece, course[-1]))
    whole, after = _painted(state, lumen, piece, value)
    graft = _graft(state, host, lumen, piece)
    tree = grafted(state.trees[host.system], host.branch, host.point, graft)
    return corrected(
        state, kind, host.system, _said(state, host, lumen, graft, way.speed, piece), clicks, box=whole, after=after,
        tree=tree, by=by, when=when,
    )


def _filled(state: CaseState, hosts, clicks, by: str, when) -> tuple[CaseState, Correction]:
    """A gap of the mask that the centreline crosses already: lumen only, the tree stays."""
    first, second = hosts
    if first.system != second.system:
        raise InputError("The clicks are on the left and on the right tree, which do not meet. Click one tree only.")
    value = SYSTEMS[first.system]
    voxels = [labelled_voxel(state, place.lps_mm, (value,)) for place in hosts]
    if any(voxel is None for voxel in voxels):
        raise InputError("There is no lumen at one of the clicks. Click on the lumen at both sides of the gap.")

    def there(box: Box, piece: np.ndarray) -> bool:
        local = voxels[1] - [part.start for part in box]
        return bool(((local >= 0) & (local < piece.shape)).all() and piece[tuple(local)])

    box, piece = piece_at(state, voxels[0], lambda b: state.labels.array[b] == value, there)
    if there(box, piece):
        raise InputError("Both clicks are on the same connected lumen already. Click on both sides of a gap.")
    around = state.box_round(np.stack([first.lps_mm, second.lps_mm]),
                             MARGIN_MM + MARGIN_SHARE * float(np.linalg.norm(first.lps_mm - second.lps_mm)))
    own = state.labels.array[around] == value
    goal = _goal(state, around, value, first, None, False)
    way = cheapest_way(state, around, second.lps_mm, goal, own)
    lumen = regrown(state, way.points_lps_mm[::-1], first.radius_mm, second.radius_mm)
    whole, after = _painted(state, lumen, None, value)
    what = f"Filled a gap in {_name(state, first)}: {_length(lumen.points_lps_mm):.0f} mm"
    return corrected(state, "bridge", first.system, what, clicks, box=whole, after=after, by=by, when=when)


# --- where the way begins and ends ----------------------------------------------------------------------------------

def _piece(state: CaseState, click: np.ndarray) -> _Piece | None:
    """The piece of lumen under a click that no centreline runs through; None for none, or for the tree itself."""
    seed = labelled_voxel(state, click, tuple(SYSTEMS.values()))
    if seed is None or np.linalg.norm(points_of(state.geometry, seed[None])[0] - click) > ON_PIECE_MM:
        return None
    value = int(state.labels.array[tuple(seed)])
    lines = np.concatenate([centreline_voxels(state, key) for key in SYSTEMS])

    def in_tree(box: Box, piece: np.ndarray) -> bool:
        local = lines - [part.start for part in box]
        local = local[((local >= 0) & (local < piece.shape)).all(axis=1)]
        return bool(piece[tuple(local.T)].any())

    box, mask = piece_at(state, seed, lambda b: state.labels.array[b] == value, in_tree)
    return None if in_tree(box, mask) else _Piece(box, mask, value)


def _own(state: CaseState, box: Box, value: int, piece: _Piece | None) -> np.ndarray:
    own = state.labels.array[box] == value
    return own if piece is None else own | _moved(piece, box)


def _goal(state: CaseState, box: Box, value: int, host: Place, piece: _Piece | None, anywhere: bool) -> np.ndarray:
    """Voxels at which the way may end: lumen of the host's tree near the place that was clicked, or anywhere."""
    if anywhere:
        goal = np.isin(state.labels.array[box], [SYSTEMS[key] for key in state.trees])
    else:
        goal = state.labels.array[box] == value
        index = np.argwhere(goal)
        away = np.linalg.norm(points_of(state.local_geometry(box), index) - host.lps_mm, axis=1)
        goal[tuple(index[away > max(GOAL_MM, host.radius_mm + 1.0)].T)] = False
    if piece is not None:
        goal &= ~_moved(piece, box)
    if not goal.any():
        raise InputError("There is no lumen where the vessel was clicked. Click on the vessel's lumen.")
    return goal


def _moved(piece: _Piece, box: Box) -> np.ndarray:
    """The piece's voxels in another box."""
    result = np.zeros(tuple(part.stop - part.start for part in box), bool)
    shared = [(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(piece.box, box, strict=True)]
    if any(high <= low for low, high in shared):
        return result
    target = tuple(slice(low - b.start, high - b.start) for (low, high), b in zip(shared, box, strict=True))
    source = tuple(slice(low - a.start, high - a.start) for (low, high), a in zip(shared, piece.box, strict=True))
    result[target] = piece.mask[source]
    return result


def _outside(state: CaseState, points: np.ndarray, value: int, piece: _Piece | None) -> np.ndarray:
    """The stretch of the way from the last point in the tree's lumen to the first one in the piece."""
    index = state.index_zyx(points)
    index = np.clip(index, 0, np.array(state.geometry.shape_zyx) - 1)
    in_piece = np.zeros(len(points), bool)
    if piece is not None:
        local = index - [part.start for part in piece.box]
        valid = ((local >= 0) & (local < piece.mask.shape)).all(axis=1)
        in_piece[valid] = piece.mask[tuple(local[valid].T)]
    in_tree = (state.labels.array[tuple(index.T)] == value) & ~in_piece
    stop = int(np.argmax(in_piece)) if in_piece.any() else len(points) - 1
    inside = np.flatnonzero(in_tree[: stop + 1])
    start = int(inside[-1]) if len(inside) else 0
    stretch = points[start : stop + 1]
    if len(stretch) >= 2:
        return stretch
    return points[max(start - 1, 0) : start + 2]


def _radius_at(state: CaseState, host: Place, piece: _Piece | None) -> float | None:
    """What is known of the calibre where the way leaves the tree: that of a vessel that ends there; of a side branch
    only that it is thinner than its parent."""
    tree = state.trees[host.system]
    branch = tree.branches[host.branch]
    if _at_end(tree, host):
        behind = branch.length_mm - branch.arc_mm <= END_CALIBRE_MM
        return float(np.median(branch.radius_mm[behind]))
    return None if piece is not None else DAUGHTER_SHARE * host.radius_mm


def _at_end(tree: CentrelineTree, host: Place) -> bool:
    branch = tree.branches[host.branch]
    left = branch.length_mm - branch.arc_mm[host.point]
    return not tree.children[host.branch] and left <= max(AT_END_MM, host.radius_mm)


def _piece_radius(state: CaseState, piece: _Piece, entry: np.ndarray) -> float:
    """Radius of the piece near where the way enters it."""
    index, depth = inside_distance(piece.mask, state.spacing_zyx_mm)
    away = np.linalg.norm(points_of(state.local_geometry(piece.box), index) - entry, axis=1)
    near = away <= max(END_CALIBRE_MM, float(away.min()) + 1.0)
    return max(float(depth[near].max()) - 0.5 * float(state.spacing_zyx_mm.mean()), 0.4)


# --- what comes of it -----------------------------------------------------------------------------------------------

def _painted(state: CaseState, lumen: Regrown, piece: _Piece | None, value: int) -> tuple[Box, np.ndarray]:
    """The labels of the box round new lumen and piece: only empty voxels become lumen."""
    box = lumen.box if piece is None else tuple(
        slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(lumen.box, piece.box, strict=True)
    )
    after = state.labels.array[box].copy()
    tube = _moved(_Piece(lumen.box, lumen.mask, value), box)
    after[tube & (after == 0)] = value
    if piece is not None and piece.value != value:
        after[_moved(piece, box)] = value
    return box, after


def _graft(state: CaseState, host: Place, lumen: Regrown, piece: _Piece | None) -> tuple[CentrelineBranch, ...]:
    """Branches of the new lumen and the piece, the first one from the axis of the vessel it leaves."""
    radius = np.interp(np.linspace(0, 1, len(lumen.points_lps_mm)), np.linspace(0, 1, len(lumen.radius_mm)),
                       lumen.radius_mm)
    course = CentrelineBranch(-1, lumen.points_lps_mm, radius, np.pi * np.square(radius))
    if piece is None:
        return (_from_axis(course, host),)
    box = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(lumen.box, piece.box, strict=True))
    mask = _moved(_Piece(lumen.box, lumen.mask, 0), box) | _moved(piece, box)
    branches = traced_branches(state, box, mask, lumen.points_lps_mm[0])
    if not branches:
        return (_from_axis(course, host),)
    return (_from_axis(branches[0], host), *branches[1:])


def _from_axis(branch: CentrelineBranch, host: Place) -> CentrelineBranch:
    """The branch carried back straight to the centreline of its host, without what lay behind it."""
    ahead = (branch.points_lps_mm - host.lps_mm) @ host.course
    away = np.linalg.norm(branch.points_lps_mm - host.lps_mm, axis=1)
    first = min(int(np.argmin(away)), len(branch.points_lps_mm) - 2)
    if ahead[first] < 0 and first + 1 < len(away) - 1:
        first += 1
    gap = float(np.linalg.norm(branch.points_lps_mm[first] - host.lps_mm))
    count = max(round(gap / STEP_MM), 1)
    share = np.arange(count)[:, None] / count
    lead = host.lps_mm + share * (branch.points_lps_mm[first] - host.lps_mm)
    if gap < 0.5 * STEP_MM:
        lead, first = host.lps_mm[None], first + 1 if first + 2 < len(away) else first
    return replace(
        branch, points_lps_mm=np.concatenate([lead, branch.points_lps_mm[first:]]),
        radius_mm=np.r_[np.full(len(lead), branch.radius_mm[first]), branch.radius_mm[first:]],
        area_mm2=np.r_[np.full(len(lead), np.nan), branch.area_mm2[first:]],
    )


def _said(state: CaseState, host: Place, lumen: Regrown, graft, speed: float, piece: _Piece | None) -> str:
    total = sum(branch.length_mm for branch in graft)
    gap = _length(lumen.points_lps_mm)
    if piece is None:
        text = f"Added {gap:.0f} mm to {_name(state, host)}"
    else:
        text = f"Bridged {gap:.0f} mm from {_name(state, host)} to a piece of {total - gap:.0f} mm"
    if speed < DOUBTFUL:
        text += ". The image shows little of a vessel there: check it"
    return text


def _name(state: CaseState, place: Place) -> str:
    return state.trees[place.system].branches[place.branch].name or f"branch {place.branch}"


def _length(points_lps_mm: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(points_lps_mm, axis=0), axis=1).sum())
