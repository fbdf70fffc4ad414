"""One click on a false branch, a vein or a stray piece takes it out, with everything distal of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from scipy import ndimage

from ..centreline.tree import CentrelineTree
from ..errors import InputError
from ..postprocessing.boxes import Box, grown, points_of
from .grafting import without_subtree
from .picking import Place, labelled_voxel, piece_at, place_at
from .record import Correction, corrected
from .state import CALCIUM, SYSTEMS, VEIN, CaseState
from .territory import Core

AROUND_MM = 4.0
OWN_LUMEN = 1.5
"""Voxels within so many radii of the branch's centreline are it; what hangs on these goes with it."""
PLAQUE = 2.5
"""Calcium within so many radii of the branch's centreline lies in its wall."""
EVERYWHERE = ndimage.generate_binary_structure(3, 3)


def remove_branch(
    state: CaseState, click_lps_mm, *, by: str = "", when: datetime | None = None
) -> tuple[CaseState, Correction]:
    """Take out the branch under a click with its subtree, back to the junction; the vessel it leaves is not touched.

    Calcium in the wall of what goes, goes. A click on a piece without a centreline takes out that piece. Raises
    InputError when nothing is there, or for the first vessel, with which the whole tree would go.
    """
    return _taken_out(state, click_lps_mm, "remove branch", 0, by, when)


def mark_vein(
    state: CaseState, click_lps_mm, *, by: str = "", when: datetime | None = None
) -> tuple[CaseState, Correction]:
    """As :func:`remove_branch`, but what goes becomes label 4, vein."""
    return _taken_out(state, click_lps_mm, "mark vein", VEIN, by, when)


def _taken_out(state: CaseState, click, kind: str, value: int, by: str, when) -> tuple[CaseState, Correction]:
    done = "Marked as vein" if value else "Removed"
    place = place_at(state, click)
    if place is None:
        system, box, gone = _stray_piece(state, click)
        what, tree = f"{done}: a piece without a centreline", None
    else:
        system, tree = place.system, state.trees[place.system]
        if place.branch == 0:
            raise InputError(
                f"This is the first vessel of the {system} tree; with it the whole tree would go. "
                "Click a side branch, or cut the tree at a plane."
            )
        box, gone = branch_voxels(state, place)
        branches = tree.subtree(place.branch)
        length_mm = sum(tree.branches[i].length_mm for i in branches)
        what = f"{done}: {_named(tree, place.branch)}, {len(branches)} branch{'es' if len(branches) > 1 else ''}, " \
               f"{length_mm:.0f} mm"
        tree = without_subtree(tree, place.branch)
    after = np.where(gone, np.uint8(value), state.labels.array[box])
    return corrected(state, kind, system, what, [click], box=box, after=after, tree=tree, by=by, when=when)


def branch_voxels(state: CaseState, place: Place) -> tuple[Box, np.ndarray]:
    """A box and which of its voxels (bool) are those of the branch at ``place`` and its subtree, calcium included."""
    tree = state.trees[place.system]
    subtree = tree.subtree(place.branch)
    box = _box_of(state, tree, subtree)
    labels = state.labels.array[box]
    lumen = labels == SYSTEMS[place.system]
    index = np.argwhere(lumen | (labels == CALCIUM))
    points = points_of(state.local_geometry(box), index)
    lower, upper = points.min(axis=0) - 10.0, points.max(axis=0) + 10.0
    kept = [i for i in range(len(tree.branches)) if i not in set(subtree)]
    to_gone = Core.of(tree, subtree).scaled_distance(points)
    to_kept = Core.of(tree, kept).near(lower, upper).scaled_distance(points)
    is_lumen = lumen[tuple(index.T)]
    others = [Core.of(t, range(len(t.branches))) for key, t in state.trees.items() if key != place.system]
    for other in others:  # the wall between two trees may hold the other one's calcium
        foreign = other.near(lower, upper).scaled_distance(points)
        to_kept = np.where(is_lumen, to_kept, np.minimum(to_kept, foreign))

    cell = _as_mask(labels.shape, index, is_lumen & (to_gone < to_kept) & (to_kept > 1.0))
    gone = _touching(cell, _as_mask(labels.shape, index, is_lumen & (to_gone <= OWN_LUMEN)) & cell)
    gone |= _crumbs(lumen & ~gone, _as_mask(labels.shape, index, is_lumen & (to_kept <= 1.2)), gone)
    plaque = ~is_lumen & (to_gone < to_kept) & (to_gone <= PLAQUE)
    return box, gone | _as_mask(labels.shape, index, plaque)


def _stray_piece(state: CaseState, click) -> tuple[str, Box, np.ndarray]:
    """System, box and voxels of the piece under a click that no centreline runs through."""
    seed = labelled_voxel(state, click, tuple(SYSTEMS.values()))
    if seed is None:
        x, y, z = click
        raise InputError(f"There is nothing at LPS ({x:.0f}, {y:.0f}, {z:.0f}) to remove. Click on the vessel.")
    value = state.labels.array[tuple(seed)]
    system = next(key for key, own in SYSTEMS.items() if own == value)
    inside = centreline_voxels(state, system)

    def has_centreline(box: Box, piece: np.ndarray) -> bool:
        local = inside - [part.start for part in box]
        local = local[((local >= 0) & (local < piece.shape)).all(axis=1)]
        return bool(piece[tuple(local.T)].any())

    box, piece = piece_at(state, seed, lambda b: state.labels.array[b] == value, has_centreline)
    if has_centreline(box, piece):
        raise InputError(
            "This part of the tree has no centreline of its own, so it is not clear where it ends. Click nearer to the "
            "branch's middle, or use the Segment Editor."
        )
    return system, box, piece


def centreline_voxels(state: CaseState, system: str) -> np.ndarray:
    """Voxels (n, 3) z, y, x in which the points of a system's centrelines lie."""
    tree = state.trees.get(system)
    if tree is None:
        return np.zeros((0, 3), int)
    return state.index_zyx(np.concatenate([branch.points_lps_mm for branch in tree.branches]))


def _box_of(state: CaseState, tree: CentrelineTree, branches: Iterable[int]) -> Box:
    parts = [tree.branches[i] for i in branches]
    widest = max(float(part.radius_mm.max()) for part in parts)
    return state.box_round(np.concatenate([part.points_lps_mm for part in parts]), 3.0 * widest + AROUND_MM)


def _touching(mask: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """The connected parts of ``mask`` that hold a seed."""
    parts, count = ndimage.label(mask, EVERYWHERE)
    wanted = np.zeros(count + 1, bool)
    wanted[parts[seeds]] = True
    wanted[0] = False
    return wanted[parts]


def _crumbs(rest: np.ndarray, core: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Parts of the rest that hung on what went and on nothing else: no centreline, not at the border of the box."""
    parts, count = ndimage.label(rest, EVERYWHERE)
    loose = np.ones(count + 1, bool)
    loose[0] = False
    loose[parts[core & rest]] = False
    for axis in range(3):
        for side in (0, -1):
            loose[np.take(parts, side, axis)] = False
    hung = np.zeros(count + 1, bool)
    hung[parts[grown(gone) & rest]] = True
    return (loose & hung)[parts]


def _as_mask(shape, index: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(index[chosen].T)] = True
    return mask


def _named(tree: CentrelineTree, index: int) -> str:
    return tree.branches[index].name or f"branch {index}"
