"""What a click means: the branch under it, or the piece of the segmentation under it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..centreline.tree import CentrelineBranch, CentrelineTree
from ..errors import InputError
from ..postprocessing.boxes import Box, points_of
from .state import CaseState

NEAR_MM = 2.5
"""A click this far outside of a vessel's wall still means that vessel."""
ON_MM = 2.0
"""A click this far from a labelled voxel still means that voxel."""
GROW_MM = 20.0
TANGENT_MM = 2.0


@dataclass(frozen=True)
class Place:
    """A point of a centreline: ``branch`` of the tree of ``system``, ``point`` of that branch. LPS mm.

    ``course`` is the unit direction from proximal to distal there; ``away_mm`` how far the click was from it.
    """

    system: str
    branch: int
    point: int
    lps_mm: np.ndarray
    radius_mm: float
    course: np.ndarray
    away_mm: float


def place_at(state: CaseState, click_lps_mm, *, near_mm: float = NEAR_MM) -> Place | None:
    """The point of a centreline that a click means, None when no vessel is near.

    The nearest in units of the radius, so that the surface of a trunk is the trunk's and not that of a twig beside it.
    """
    click = np.asarray(click_lps_mm, float)
    best, found = np.inf, None
    for system, tree in state.trees.items():
        for number, branch in enumerate(tree.branches):
            away = np.linalg.norm(branch.points_lps_mm - click, axis=1)
            scaled = np.where(away <= branch.radius_mm + near_mm, away / wide_radius_mm(branch), np.inf)
            if scaled.min() >= best:
                continue
            scaled[inside_parent(tree, number)] = np.inf
            k = int(np.argmin(scaled))
            if scaled[k] < best:
                best = float(scaled[k])
                found = Place(
                    system, number, k, branch.points_lps_mm[k], float(branch.radius_mm[k]), course_at(branch, k),
                    float(away[k]),
                )
    return found


def required_place(state: CaseState, click_lps_mm) -> Place:
    """As :func:`place_at`; InputError when no vessel is there."""
    found = place_at(state, click_lps_mm)
    if found is None:
        x, y, z = click_lps_mm
        raise InputError(
            f"There is no centreline within {NEAR_MM:g} mm of the click at LPS ({x:.0f}, {y:.0f}, {z:.0f}). "
            "Click on a vessel of the result."
        )
    return found


def wide_radius_mm(branch: CentrelineBranch) -> np.ndarray:
    """Radius (n,) of the circle with the area of the section, at most 1.6 times that of the inscribed sphere: an oval
    vessel reaches further than its sphere."""
    by_area = np.sqrt(np.nan_to_num(branch.area_mm2, nan=0.0) / np.pi)
    return np.maximum(np.clip(by_area, branch.radius_mm, 1.6 * branch.radius_mm), 0.2)


def inside_parent(tree: CentrelineTree, number: int) -> np.ndarray:
    """Which first points (n,) of a branch still lie in the lumen of its parent; at least the last one does not."""
    branch = tree.branches[number]
    inside = np.zeros(len(branch.points_lps_mm), bool)
    if branch.parent < 0:
        return inside
    parent = tree.branches[branch.parent]
    siblings = [tree.branches[c] for c in tree.children[branch.parent] if c != number]
    others = np.concatenate([b.points_lps_mm for b in (parent, *siblings)])
    # Of sisters the thinner one lies in the lumen of the thicker one, never the other way round.
    own = float(np.median(branch.radius_mm))
    reach = np.concatenate([wide_radius_mm(parent)] + [
        wide_radius_mm(b) if float(np.median(b.radius_mm)) > own else np.zeros(len(b.radius_mm)) for b in siblings
    ])
    reaching = branch.arc_mm <= 4.0 * float(reach.max())
    near = np.linalg.norm(branch.points_lps_mm[reaching][:, None] - others[None], axis=2) < reach[None]
    within = near.any(axis=1)
    count = len(within) if within.all() else int(np.argmin(within))
    inside[: min(count, len(inside) - 1)] = True
    return inside


def course_at(branch: CentrelineBranch, k: int) -> np.ndarray:
    """Unit direction of a branch at point ``k``, over ``TANGENT_MM`` to either side."""
    near = np.flatnonzero(np.abs(branch.arc_mm - branch.arc_mm[k]) <= TANGENT_MM)
    first, last = int(near[0]), int(near[-1])
    if first == last:
        first, last = max(k - 1, 0), min(k + 1, len(branch.points_lps_mm) - 1)
    course = branch.points_lps_mm[last] - branch.points_lps_mm[first]
    return course / max(float(np.linalg.norm(course)), 1e-9)


def labelled_voxel(state: CaseState, click_lps_mm, values: tuple[int, ...]) -> np.ndarray | None:
    """The voxel (3,) z, y, x with one of ``values`` nearest to a click, None when none is within ``ON_MM``."""
    click = np.asarray(click_lps_mm, float)
    box = state.box_round(click, ON_MM)
    index = np.argwhere(np.isin(state.labels.array[box], values))
    if not len(index):
        return None
    index += [part.start for part in box]
    away = np.linalg.norm(points_of(state.geometry, index) - click, axis=1)
    return index[int(np.argmin(away))] if away.min() <= ON_MM else None


def piece_at(
    state: CaseState, seed_zyx: np.ndarray, inside: Callable[[Box], np.ndarray], until: Callable | None = None
) -> tuple[Box, np.ndarray]:
    """The connected voxels round ``seed_zyx`` for which ``inside(box)`` is True: their box, and bool (z, y, x) in it.

    Looked for in a box that grows with the piece, so that a short one costs little. ``until(box, piece)`` True ends the
    search before the piece is complete.
    """
    from skimage.segmentation import flood

    shape = state.geometry.shape_zyx
    grow = np.ceil(GROW_MM / state.spacing_zyx_mm).astype(int)
    lower, upper = np.maximum(seed_zyx - grow, 0), np.minimum(seed_zyx + grow + 1, shape)
    while True:
        box = tuple(slice(int(a), int(b)) for a, b in zip(lower, upper, strict=True))
        piece = flood(inside(box).view(np.uint8), tuple(int(v) for v in seed_zyx - lower), connectivity=3)
        more_low, more_high = _open_sides(piece, lower, upper, shape)
        if not (more_low.any() or more_high.any()) or (until is not None and until(box, piece)):
            return box, piece
        lower = np.where(more_low, np.maximum(lower - 2 * grow, 0), lower)
        upper = np.where(more_high, np.minimum(upper + 2 * grow, shape), upper)


def _open_sides(piece: np.ndarray, lower, upper, shape) -> tuple[np.ndarray, np.ndarray]:
    low = [bool(np.take(piece, 0, axis).any()) and lower[axis] > 0 for axis in range(3)]
    high = [bool(np.take(piece, -1, axis).any()) and upper[axis] < shape[axis] for axis in range(3)]
    return np.array(low), np.array(high)
