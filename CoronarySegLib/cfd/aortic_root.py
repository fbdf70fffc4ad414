"""The stretch of aorta that carries the coronary ostia, and one tree over it and both coronary systems.

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
from ..postprocessing.boxes import bounding_box, cropped, points_of, spacing_zyx
from ..volume import Volume

AORTA = "Aorta"
STEP_MM = 0.5
FAR_MM = 6.0
"""An ostium farther than this from the aorta belongs to another patient, or the aorta's mask is not the lumen."""
FARTHEST_MM = 75.0
"""From the ostia: what is farther away is no part of the root."""
WALL_MM, WALL_BLUR_MM = 35.0, 1.0
"""Round the ostia: the walls that say which way the aorta runs, and the width of what is no wall but voxels' steps."""
SPARE_MM = 5.0
"""The aorta is drawn this much beyond its cuts."""
MOUTH_MM = 3.0
"""Stretch of a coronary behind its ostium over which its calibre there is taken."""
DEEP_MM = 1.5
"""Beside its own radius, a coronary is led this far into the aorta, so that its end lies well inside."""


@dataclass(frozen=True)
class RootOptions:
    """How much of the aorta is kept below and above the ostia, along its axis, where the mask has as much; where it has
    less than ``smallest_mm``, the root is refused."""

    below_mm: float = 20.0
    above_mm: float = 35.0
    smallest_mm: float = 5.0

    def __post_init__(self) -> None:
        if not 0.0 < self.smallest_mm <= min(self.below_mm, self.above_mm):
            raise ValueError(f"at least {self.smallest_mm:g} mm of aorta are needed below and above the ostia")


@dataclass(frozen=True)
class AorticStretch:
    """The aorta round the ostia. ``mask``: its voxels, cropped, 5 mm longer than ``low_mm`` to ``high_mm``, which are
    heights over ``middle_lps_mm`` along ``axis`` (to the head). ``curve_lps_mm`` (k, 3) and ``radius_mm`` (k,): its
    course from ``low_mm`` to ``high_mm``. ``levels_mm``: the height of each ostium."""

    mask: Volume
    middle_lps_mm: np.ndarray
    axis: np.ndarray
    low_mm: float
    high_mm: float
    curve_lps_mm: np.ndarray
    radius_mm: np.ndarray
    levels_mm: dict[str, float]

    def height_of(self, points_lps_mm: np.ndarray) -> np.ndarray:
        return (points_lps_mm - self.middle_lps_mm) @ self.axis

    @property
    def course(self) -> CentrelineBranch:
        """The aorta's centreline, upwards."""
        return _aorta(-1, self.curve_lps_mm, self.radius_mm)


def aortic_stretch(
    aorta: Volume, trees: Mapping[str, CentrelineTree], options: RootOptions = RootOptions()
) -> AorticStretch:
    """The piece of ``aorta`` (a mask, not 0 is aortic lumen) that the ostia of ``trees`` lie at.

    Raises InputError for an empty aorta and for an ostium away from it.
    """
    ostia = {key: tree.ostium_lps_mm for key, tree in trees.items()}
    middle = np.mean(list(ostia.values()), axis=0)
    part, places = _piece_at(aorta, ostia, middle)
    axis = _axis(part, middle)
    height = (places - middle) @ axis
    levels = {key: float((ostium - middle) @ axis) for key, ostium in ostia.items()}
    low = max(min(levels.values()) - options.below_mm, float(height.min()))
    high = min(max(levels.values()) + options.above_mm, float(height.max()))
    kept = (height > low - SPARE_MM) & (height < high + SPARE_MM)
    array = part.array.copy()
    array[tuple(np.argwhere(array)[~kept].T)] = 0
    part = cropped(part.with_array(array), bounding_box(array != 0))
    curve, radius = _course(places[kept], middle, axis, np.arange(low, high, STEP_MM), part.geometry.voxel_mm3)
    return AorticStretch(part, middle, axis, low, high, curve, radius, levels)


def led_in(tree: CentrelineTree, stretch: AorticStretch) -> CentrelineTree:
    """``tree`` with its root carried on into the aorta, towards the aorta's own centreline, until it is well inside."""
    root = tree.branches[0]
    ostium = root.points_lps_mm[0]
    aorta = points_of(stretch.mask.geometry, np.argwhere(stretch.mask.array))
    gap = float(np.linalg.norm(aorta - ostium, axis=1).min())
    inward = _axis_point(stretch, ostium) - ostium
    radius = mouth_radius_mm(root)
    depth = min(gap + radius + DEEP_MM, 0.9 * float(np.linalg.norm(inward)))
    steps = max(2, round(depth / STEP_MM))
    share = np.linspace(depth, 0.0, steps, endpoint=False)[:, None] / np.linalg.norm(inward)
    return tree.with_branches((_before(root, ostium + share * inward, radius), *tree.branches[1:]))


def mouth_radius_mm(root: CentrelineBranch) -> float:
    """Calibre of a coronary at its ostium; the very first points lie in a corner of the mask as often as not."""
    return float(np.median(root.radius_mm[root.arc_mm <= max(MOUTH_MM, root.arc_mm[1])]))


def joined_tree(stretch: AorticStretch, trees: Mapping[str, CentrelineTree]) -> tuple[CentrelineTree, dict[str, int]]:
    """The aorta, cut at each ostium's level, with ``trees`` (led in) on it; and the number of each tree's first branch.

    The first branch of a tree begins on the aorta's centreline; its daughters are those of the tree.
    """
    height = stretch.height_of(stretch.curve_lps_mm)
    curve, radius = stretch.curve_lps_mm, stretch.radius_mm
    branches: list[CentrelineBranch] = []
    below, start, first = -1, 0, {}
    for key in sorted(trees, key=lambda key: stretch.levels_mm[key]):
        at = int(np.clip(np.argmin(np.abs(height - stretch.levels_mm[key])), start + 2, len(curve) - 3))
        branches.append(_aorta(below, curve[start : at + 1], radius[start : at + 1]))
        below, start = len(branches) - 1, at
        first[key] = len(branches)
        branches += _hung_on(trees[key], curve[at], below, len(branches))
    branches.append(_aorta(below, curve[start:], radius[start:]))
    dominance = next((tree.dominance for tree in trees.values() if tree.dominance), "")
    warnings = tuple(text for tree in trees.values() for text in tree.warnings)
    return CentrelineTree("", tuple(branches), dominance, warnings), first


def _piece_at(aorta: Volume, ostia: Mapping[str, np.ndarray], middle: np.ndarray) -> tuple[Volume, np.ndarray]:
    """The aorta near the ostia, cropped, as 0 and 1, and its voxels' places (n, 3): not the descending aorta."""
    box = bounding_box(aorta.array != 0)
    if box is None:
        raise InputError("The aorta's mask is empty. Choose the label of the aorta, or export without it.")
    part = cropped(aorta, box)
    index = np.argwhere(part.array != 0)
    places = points_of(part.geometry, index)
    index = index[np.linalg.norm(places - middle, axis=1) < FARTHEST_MM]
    near = np.zeros(part.array.shape, bool)
    near[tuple(index.T)] = True
    pieces, _ = ndimage.label(near, np.ones((3, 3, 3)))
    wanted = set()
    places = points_of(part.geometry, index)
    for key, ostium in ostia.items():
        away = np.linalg.norm(places - ostium, axis=1) if len(places) else np.array([np.inf])
        if away.min() > FAR_MM:
            raise InputError(
                f"The ostium of the {key} tree lies {away.min():.0f} mm from the aorta. Check that mask and aorta "
                "belong together."
            )
        wanted.add(int(pieces[tuple(index[np.argmin(away)])]))
    array = np.isin(pieces, list(wanted)).astype(np.uint8)
    return part.with_array(array), points_of(part.geometry, np.argwhere(array))


def _axis(part: Volume, middle: np.ndarray) -> np.ndarray:
    """The direction that the walls round the ostia run along, to the head: that of least outward normal.

    What closes the mask above or below is left out as soon as it is seen to lie across; the main axis of the voxels
    would lean over to the far corner of a stump that is cut obliquely.
    """
    index = part.geometry.index_of(middle)[::-1]
    reach = np.ceil(WALL_MM / spacing_zyx(part.geometry)).astype(int)
    box = tuple(
        slice(max(int(at) - int(k), 0), int(at) + int(k) + 1) for at, k in zip(index, reach, strict=True)
    )
    near = part.array[box].astype(np.float32)
    blurred = ndimage.gaussian_filter(near, WALL_BLUR_MM / spacing_zyx(part.geometry), mode="nearest")
    slope = np.stack(np.gradient(blurred, *spacing_zyx(part.geometry)), axis=-1)[..., ::-1].reshape(-1, 3)
    slope = slope[np.linalg.norm(slope, axis=1) > 0.1 / WALL_BLUR_MM]
    slope = slope @ np.reshape(part.geometry.direction, (3, 3)).T
    weight = np.linalg.norm(slope, axis=1)
    axis = np.array([0.0, 0.0, 1.0])
    for limit in (0.85, 0.7, 0.6, 0.6):
        wall = np.abs(slope @ axis) < limit * weight
        if not wall.any():
            break
        normals = slope[wall] / weight[wall, None]
        axis = np.linalg.eigh((normals * weight[wall, None]).T @ normals)[1][:, 0]
        axis = axis if axis[2] >= 0 else -axis
    return axis


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


def _axis_point(stretch: AorticStretch, place: np.ndarray) -> np.ndarray:
    at = np.argmin(np.abs(stretch.height_of(stretch.curve_lps_mm) - stretch.height_of(place)))
    return stretch.curve_lps_mm[at]


def _aorta(parent: int, points: np.ndarray, radius: np.ndarray) -> CentrelineBranch:
    return CentrelineBranch(parent, points, radius, np.pi * radius**2, AORTA, 1.0)


def _hung_on(tree: CentrelineTree, start: np.ndarray, parent: int, offset: int) -> list[CentrelineBranch]:
    root = tree.branches[0]
    way = root.points_lps_mm[0] - start
    steps = max(2, round(float(np.linalg.norm(way)) / STEP_MM))
    lead = start + np.linspace(0.0, 1.0, steps, endpoint=False)[:, None] * way
    longer = replace(_before(root, lead, root.radius_mm[0]), parent=parent)
    return [longer, *(replace(branch, parent=branch.parent + offset) for branch in tree.branches[1:])]


def _before(root: CentrelineBranch, points: np.ndarray, radius_mm: float) -> CentrelineBranch:
    """``root`` with ``points`` (k, 3) before its own."""
    return replace(
        root, points_lps_mm=np.concatenate([points, root.points_lps_mm]),
        radius_mm=np.concatenate([np.full(len(points), radius_mm), root.radius_mm]),
        area_mm2=np.concatenate([np.full(len(points), np.nan), root.area_mm2]),
    )
