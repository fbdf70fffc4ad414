"""From a closed tree to one with flat open ends: what is distal of each cut goes, the rim is exactly on its plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..centreline.tree import CentrelineTree
from ..errors import SurfaceError
from ..reconstruction.mesh import renumbered
from .bystanders import MOST_LOST_MM, Bystanders
from .cuts import Cut, moved
from .parting import GoesOnElsewhereError, cut_through
from .patch import patch_round
from .rims import boundary_loops
from .section import Loop, loop_round, plane_axes

EDGE_PER_RADIUS = 0.3
GROWTH_AND_ROUNDNESS = ((1.7, 0.55), (2.6, 0.35))
"""A section wider than the first times the inscribed radius, or less round than the second, holds a junction or a
neighbour as well (roundness is 1 for a circle, 0.55 for an ellipse of 1 to 3.6). Flat vessels and funnels of the ostium
look alike, so what finds no place by the first pair is tried with the second."""
SMALLEST_RADIUS_MM = 0.25
"""No flow worth computing passes less, and the mask has nothing to say about it."""
SHIFTS = (0.0, -0.5, 0.5, -1.0, 1.0, -1.5, -2.0, 1.5)
"""Places tried for a cut, in radii along the branch, until the section is the vessel's alone."""
BEFORE_RADII, REACH_RADII, REACH_MM = 4.0, 4.0, 2.0
"""How far before a cut and round its vessel the surface is looked at."""
TILTS_DEG, TURNS_DEG = (20.0, 35.0, 50.0, 65.0), (0.0, -45.0, 45.0)
"""Of an inlet beside which another vessel leaves, which a plane normal to the trunk would take away: how far a plane
leans, away from that vessel or to either side of that."""
ALL_TURNS_DEG = tuple(range(0, 360, 45))
TILT_SHIFTS = (0.0, -0.5, -1.0)
"""Places where an inlet is tilted, in radii: nearer to the ostium a leaning plane takes less beside it."""
LARGEST_LOSS_SHARE = 0.25
"""Of the tree's length; where no plane spares what leaves beside the ostium, so much may go with it and is said."""


@dataclass(frozen=True)
class Spoilt:
    """A plane at which ``cut`` would take ``lost_mm`` of other vessels' centreline away, at ``places_mm`` (k, 3)."""

    cut: Cut
    lost_mm: float
    places_mm: np.ndarray


@dataclass(frozen=True)
class OpenedSurface:
    """A wall with open ends. ``points_lps_mm`` (n, 3), ``triangles`` (m, 3), normals out of the lumen.

    ``rims``: for each of ``cuts`` the vertices round its opening, in order, anticlockwise seen from outside; they lie
    exactly on the plane. ``extensions_mm``: how far each rim was moved out along its cut's normal.
    """

    points_lps_mm: np.ndarray
    triangles: np.ndarray
    rims: tuple[np.ndarray, ...]
    cuts: tuple[Cut, ...]
    extensions_mm: tuple[float, ...] = ()
    skipped: tuple[str, ...] = ()

    def rim_points(self, index: int) -> np.ndarray:
        return self.points_lps_mm[self.rims[index]]


def open_ends(
    points: np.ndarray, triangles: np.ndarray, tree: CentrelineTree, cuts: tuple[Cut, ...],
    *, edge_per_radius: float = EDGE_PER_RADIUS,
) -> OpenedSurface:
    """Cut a closed surface (n, 3) LPS mm, (m, 3) at each of ``cuts``.

    A plane that would cross a junction, leave the lumen or take another vessel away is moved along its branch by up to
    two radii, that of an inlet tilted after that; an outlet for which no place is found stays closed and is named in
    ``skipped``, and so is an inlet that takes a vessel away. Raises SurfaceError when the inlet cannot be cut or no
    outlet is left.
    """
    bystanders = Bystanders.of(tree)
    rims, kept, skipped = [], [], []
    for cut in cuts:
        shifted = [cut if shift == 0.0 else moved(cut, tree, shift * cut.radius_mm) for shift in SHIFTS]
        spoilt: list[Spoilt] = []
        found = _opened_at(points, triangles, tree, shifted, edge_per_radius, rims, bystanders, spoilt=spoilt)
        if found is None and cut.kind == "inlet":
            found, lost_mm = _inlet_that_spares_most(
                points, triangles, tree, cut, spoilt, edge_per_radius, rims, bystanders
            )
            if lost_mm > MOST_LOST_MM:
                skipped.append(
                    f"{cut.name} takes away {lost_mm:.1f} mm of what leaves beside the ostium: no plane there spares it"
                )
        if found is None:
            if cut.kind == "inlet":
                raise SurfaceError(
                    f"The surface cannot be opened at {cut.name} near {_place(cut)}: no plane there crosses the vessel "
                    "alone. Move the ostium or correct the mask there."
                )
            skipped.append(f"{cut.name} stays closed: no plane near {_place(cut)} crosses the vessel alone")
            continue
        points, triangles, rim, cut = found
        rims.append(rim)
        kept.append(cut)
    if not any(cut.kind == "outlet" for cut in kept):
        raise SurfaceError("No outlet could be cut: every branch is too short. Use a larger or finer mask.")
    used, triangles = renumbered(triangles)
    rims = tuple(np.searchsorted(used, rim) for rim in rims)
    return OpenedSurface(points[used], triangles, rims, tuple(kept), (0.0,) * len(kept), tuple(skipped))


def with_wall(opened: OpenedSurface, points: np.ndarray, triangles: np.ndarray) -> OpenedSurface:
    """The same openings on a wall that was meshed anew with its free edges kept.

    Raises SurfaceError when a rim is no longer there as it was.
    """
    loops = boundary_loops(triangles)
    rims = []
    for index, cut in enumerate(opened.cuts):
        before = opened.rim_points(index).mean(0)
        nearest = min(loops, key=lambda loop: float(np.linalg.norm(points[loop].mean(0) - before)), default=None)
        if nearest is None or np.linalg.norm(points[nearest].mean(0) - before) > 0.05 * cut.radius_mm + 1e-3:
            raise SurfaceError(f"The opening {cut.name} was lost while the wall was meshed. Use another edge length.")
        rims.append(nearest)
    if len(loops) != len(rims) or len({int(rim.min()) for rim in rims}) != len(rims):
        raise SurfaceError("The wall has a hole beside its openings after meshing. Use another edge length.")
    return replace(opened, points_lps_mm=points, triangles=triangles, rims=tuple(rims))


def _inlet_that_spares_most(
    points, triangles, tree: CentrelineTree, cut: Cut, spoilt: list[Spoilt], edge_per_radius: float,
    rims: list[np.ndarray], bystanders: Bystanders,
):
    """The surface opened at a plane that leans away from what ``spoilt`` planes would take (to all sides without such
    planes), and mm of centreline that go with it; (None, 0) when nothing goes.

    The first plane that takes no more than ``MOST_LOST_MM``, else the one that takes least.
    """
    places = {place.arc_mm: place for place in (moved(cut, tree, shift * cut.radius_mm) for shift in TILT_SHIFTS)}
    beside = min(spoilt, key=lambda plane: plane.lost_mm).places_mm.mean(0) if spoilt else None
    leaning = [plane for place in places.values() for plane in _tilted(place, beside)]
    opened_at = partial(
        _opened_at, points, triangles, tree, edge_per_radius=edge_per_radius, rims=rims, bystanders=bystanders
    )
    found = opened_at([cut, *leaning], spoilt=spoilt)
    if found is not None or not spoilt:
        return found, 0.0
    least = min(spoilt, key=lambda plane: plane.lost_mm)
    if least.lost_mm > LARGEST_LOSS_SHARE * tree.length_mm:
        return None, 0.0
    return opened_at([least.cut], most_lost_mm=least.lost_mm), least.lost_mm


def _opened_at(
    points, triangles, tree: CentrelineTree, candidates: list[Cut], edge_per_radius: float, rims: list[np.ndarray],
    bystanders: Bystanders, most_lost_mm: float = MOST_LOST_MM, spoilt: list[Spoilt] | None = None,
):
    """The whole surface opened at the first of ``candidates`` that goes: points, triangles, rim and that cut, or None.

    ``candidates`` are places for one cut, which comes first. ``spoilt`` receives those that would take more than
    ``most_lost_mm`` of other vessels.
    """
    course, widest = _course_beyond(tree, candidates[0])
    for reach in (REACH_RADII * widest + REACH_MM, np.inf):
        patch = patch_round(points, triangles, course, reach)
        on_rim = np.isin(patch.vertices, np.concatenate(rims)) if rims else np.zeros(len(patch.vertices), bool)
        spares = partial(_spares, patch.points, on_rim, bystanders, most_lost_mm, spoilt)
        try:
            found = _opened(patch.points, patch.triangles, candidates, edge_per_radius, patch.joined, spares)
        except GoesOnElsewhereError:
            continue
        if found is None:
            return None
        new_points, new_triangles, rim, made = found
        points, triangles, number = patch.put_back(points, new_points, new_triangles)
        return points, triangles, number[rim], made
    return None


def _course_beyond(tree: CentrelineTree, cut: Cut) -> tuple[np.ndarray, float]:
    """Centreline (k, 3) from a little before the cut to all ends beyond it, and its largest radius in mm."""
    branch, back = tree.branches[cut.branch], BEFORE_RADII * cut.radius_mm
    if cut.kind == "inlet":
        chosen = [(branch, branch.arc_mm <= cut.arc_mm + back)]
    else:
        beyond, waiting = [], list(tree.children[cut.branch])
        while waiting:
            beyond.append(waiting.pop())
            waiting += tree.children[beyond[-1]]
        chosen = [(branch, branch.arc_mm >= cut.arc_mm - back)]
        chosen += [(tree.branches[i], np.ones(len(tree.branches[i].radius_mm), bool)) for i in beyond]
    course = np.concatenate([cut.position_lps_mm[None], *(part.points_lps_mm[some] for part, some in chosen)])
    return course, max(cut.radius_mm, *(float(part.radius_mm[some].max(initial=0.0)) for part, some in chosen))


def _opened(
    points, triangles, candidates: list[Cut], edge_per_radius: float, joined: np.ndarray,
    spares: Callable[[np.ndarray, Cut], bool],
):
    def crossing(candidate: Cut) -> Loop | None:
        reach = 1.5 * candidate.radius_mm
        loop = loop_round(points, triangles, candidate.position_lps_mm, candidate.normal, reach)
        enough = max(SMALLEST_RADIUS_MM, 0.5 * candidate.radius_mm)
        return loop if loop is not None and loop.radius_mm > enough else None

    loops: dict[int, Loop | None] = {}
    for growth, roundness in GROWTH_AND_ROUNDNESS:
        for number, candidate in enumerate(candidates):
            if number not in loops:
                loops[number] = crossing(candidate)
            loop, largest = loops[number], growth * candidate.radius_mm + 0.3
            if loop is None or loop.radius_mm > largest or _roundness(loop) < roundness:
                continue
            made = cut_through(points, triangles, candidate, loop, edge_per_radius, largest, joined)
            if made is not None and spares(made[1], candidate):
                return (*made, candidate)
    return None


def _spares(
    points: np.ndarray, on_rim: np.ndarray, bystanders: Bystanders, most_lost_mm: float,
    spoilt: list[Spoilt] | None, kept_triangles: np.ndarray, cut: Cut,
) -> bool:
    """Whether what is not in ``kept_triangles`` any more is neither an earlier opening nor the wall of others."""
    gone = np.ones(len(points), bool)
    gone[kept_triangles[kept_triangles < len(points)]] = False
    if (gone & on_rim).any():
        return False
    lost_mm, places = bystanders.lost(points[gone], cut)
    if lost_mm > most_lost_mm and spoilt is not None:
        spoilt.append(Spoilt(cut, lost_mm, places))
    return lost_mm <= most_lost_mm


def _tilted(cut: Cut, beside_mm: np.ndarray | None) -> list[Cut]:
    """The plane of ``cut`` leaning away from the place ``beside_mm`` (3,) and to either side of that, or to all sides
    for None; least first."""
    away, turns_deg = plane_axes(cut.normal)[0], ALL_TURNS_DEG
    if beside_mm is not None:
        towards = beside_mm - cut.position_lps_mm
        towards = towards - (towards @ cut.normal) * cut.normal
        if towards.any():
            away, turns_deg = -towards / np.linalg.norm(towards), TURNS_DEG
    across = np.cross(cut.normal, away)
    leaning = []
    for tilt in np.radians(TILTS_DEG):
        for turn in np.radians(turns_deg):
            aside = np.cos(turn) * away + np.sin(turn) * across
            normal = np.cos(tilt) * cut.normal + np.sin(tilt) * aside
            reason = f"{cut.reason}, tilted by {np.degrees(tilt):.0f} degrees to spare what leaves beside the ostium"
            leaning.append(replace(cut, normal=normal, reason=reason))
    return leaning


def _roundness(loop: Loop) -> float:
    perimeter = np.linalg.norm(loop.points_mm - np.roll(loop.points_mm, 1, axis=0), axis=1).sum()
    return 4.0 * np.pi * loop.area_mm2 / perimeter**2


def _place(cut: Cut) -> str:
    x, y, z = cut.position_lps_mm
    return f"({x:.1f}, {y:.1f}, {z:.1f}) mm LPS"
