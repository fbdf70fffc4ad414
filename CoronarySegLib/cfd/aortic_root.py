"""Both coronary trees on their aortic root: one lumen and one tree, rooted where the aorta leaves the ventricle.

The flow into a coronary is then set by the geometry of its ostium instead of by a profile that somebody chose. The
aorta's own course is short and nearly straight here: slices across its main axis give centre and radius.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ..centreline.tree import CentrelineBranch, CentrelineTree
from ..errors import InputError
from ..volume import Volume

AORTA = "Aorta"
STEP_MM = 0.5
FAR_MM = 6.0
"""An ostium farther than this from the aorta belongs to another patient, or the aorta's mask is not the lumen."""
AROUND_MM = 45.0
SMALLEST_MM = 10.0
"""A stump of aorta shorter than this above or below the ostia cannot be cut across."""


@dataclass(frozen=True)
class RootOptions:
    """How much of the aorta is kept below and above the ostia, along its axis."""

    below_mm: float = 20.0
    above_mm: float = 35.0

    def __post_init__(self) -> None:
        if min(self.below_mm, self.above_mm) < SMALLEST_MM:
            raise ValueError(f"at least {SMALLEST_MM:g} mm of aorta are needed below and above the ostia")


def with_aortic_root(
    lumen: Volume, trees: Mapping[str, CentrelineTree], aorta: Volume, options: RootOptions = RootOptions()
) -> tuple[Volume, CentrelineTree]:
    """The union of coronary mask and aorta (uint8, same grid), and the tree whose root branch is the aorta.

    ``aorta``: a mask, not 0 is aortic lumen. Raises InputError for grids that differ, an empty aorta, an ostium away
    from it, or too little aorta above or below the ostia.
    """
    if not aorta.geometry.same_grid(lumen.geometry):
        raise InputError("The aorta lies on another grid than the coronary mask. Resample it to the mask's grid first.")
    ostia = {key: tree.ostium_lps_mm for key, tree in trees.items()}
    places, axis = _near(aorta, ostia)
    middle = np.mean(list(ostia.values()), axis=0)
    height = (places - middle) @ axis
    levels = {key: float((ostium - middle) @ axis) for key, ostium in ostia.items()}
    low, high = min(levels.values()) - options.below_mm, max(levels.values()) + options.above_mm
    low, high = max(low, height.min()), min(high, height.max())
    if min(levels.values()) - low < SMALLEST_MM or high - max(levels.values()) < SMALLEST_MM:
        raise InputError(
            f"The aorta's mask ends less than {SMALLEST_MM:g} mm above or below the ostia. Draw more of it, or export "
            "the trees without the aorta."
        )
    curve, radius = _course(places, middle, axis, np.arange(low, high, STEP_MM), aorta.geometry.voxel_mm3)
    joined = _joined(curve, radius, (curve - middle) @ axis, trees, levels)
    return _union(lumen, aorta, middle, axis, low, high), joined


def _near(aorta: Volume, ostia: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Voxels of the aorta round the ostia, LPS mm (n, 3), and the axis of that stretch, pointing to the head."""
    index = np.argwhere(aorta.array != 0)[:, ::-1]
    if not len(index):
        raise InputError("The aorta's mask is empty. Choose the label of the aorta, or export without it.")
    places = aorta.geometry.points_lps(index)
    for key, ostium in ostia.items():
        gap = float(np.linalg.norm(places - ostium, axis=1).min())
        if gap > FAR_MM:
            raise InputError(
                f"The ostium of the {key} tree lies {gap:.0f} mm from the aorta. Check that mask and aorta belong "
                "together."
            )
    middle = np.mean(list(ostia.values()), axis=0)
    places = places[np.linalg.norm(places - middle, axis=1) < AROUND_MM]
    spread, directions = np.linalg.eigh(np.cov(places.T))
    # A stump as wide as it is long has no axis of its own; the ascending aorta runs to the head.
    axis = directions[:, 2] if spread[2] > 1.3 * spread[1] else np.array([0.0, 0.0, 1.0])
    return places, axis if axis[2] >= 0 else -axis


def _course(
    places: np.ndarray, middle: np.ndarray, axis: np.ndarray, levels: np.ndarray, voxel_mm3: float
) -> tuple[np.ndarray, np.ndarray]:
    """Centres (k, 3) and radii (k,) of the slices at ``levels``, smooth along the axis."""
    height = (places - middle) @ axis
    bins = np.clip(np.round((height - levels[0]) / STEP_MM).astype(int), -1, len(levels))
    inside = (bins >= 0) & (bins < len(levels))
    count = np.bincount(bins[inside], minlength=len(levels))
    centres = np.stack([np.bincount(bins[inside], places[inside, i], minlength=len(levels)) for i in range(3)], axis=1)
    filled = count > 0
    # Across the axis a parabola is enough for a root; more would follow the sinuses to one side.
    curve = np.stack([
        np.polynomial.Polynomial.fit(levels[filled], (centres[filled, i] / count[filled]), 2, w=np.sqrt(count[filled]))(
            levels) for i in range(3)
    ], axis=1)
    radius = np.sqrt(ndimage.gaussian_filter1d(count.astype(float), 4.0) * voxel_mm3 / STEP_MM / np.pi)
    return curve, np.maximum(radius, 1.0)


def _joined(
    curve: np.ndarray, radius: np.ndarray, height: np.ndarray, trees: Mapping[str, CentrelineTree],
    levels: Mapping[str, float],
) -> CentrelineTree:
    """The aorta cut at each ostium's level, and each tree led from there to its own first point."""
    branches: list[CentrelineBranch] = []
    below, start = -1, 0
    for key in sorted(levels, key=levels.get):
        at = int(np.clip(np.argmin(np.abs(height - levels[key])), start + 2, len(curve) - 3))
        branches.append(_aorta(below, curve[start : at + 1], radius[start : at + 1]))
        below, start = len(branches) - 1, at
        branches += _led_in(trees[key], curve[at], below, len(branches))
    branches.append(_aorta(below, curve[start:], radius[start:]))
    first = next(iter(trees.values()))
    return CentrelineTree("", tuple(branches), first.dominance)


def _aorta(parent: int, points: np.ndarray, radius: np.ndarray) -> CentrelineBranch:
    return CentrelineBranch(parent, points, radius, np.pi * radius**2, AORTA, 1.0)


def _led_in(tree: CentrelineTree, start: np.ndarray, parent: int, offset: int) -> list[CentrelineBranch]:
    root = tree.branches[0]
    way = root.points_lps_mm[0] - start
    steps = max(2, round(float(np.linalg.norm(way)) / STEP_MM))
    lead = start + np.linspace(0.0, 1.0, steps, endpoint=False)[:, None] * way
    radius = np.full(steps, root.radius_mm[0])
    longer = replace(
        root, parent=parent, points_lps_mm=np.concatenate([lead, root.points_lps_mm]),
        radius_mm=np.concatenate([radius, root.radius_mm]),
        area_mm2=np.concatenate([np.full(steps, np.nan), root.area_mm2]),
    )
    return [longer, *(replace(branch, parent=branch.parent + offset) for branch in tree.branches[1:])]


def _union(lumen: Volume, aorta: Volume, middle, axis, low: float, high: float) -> Volume:
    index = np.argwhere(aorta.array != 0)
    places = aorta.geometry.points_lps(index[:, ::-1])
    height = (places - middle) @ axis
    kept = index[(height > low) & (height < high) & (np.linalg.norm(places - middle, axis=1) < 1.5 * AROUND_MM)]
    array = (lumen.array != 0).astype(np.uint8)
    array[tuple(kept.T)] = 1
    return lumen.with_array(_one_piece(array))


def _one_piece(array: np.ndarray) -> np.ndarray:
    """Ostia that stop a voxel short of the aorta's mask are joined to it."""
    _, count = ndimage.label(array)
    if count < 2:
        return array
    closed = ndimage.binary_closing(np.pad(array, 2), iterations=2)[2:-2, 2:-2, 2:-2]
    return np.maximum(array, closed.astype(np.uint8))
