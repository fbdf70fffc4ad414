"""The cheapest way between two clicks: along what is probable and what is bright and thin in the CT.

The speed of a voxel is the larger of its lumen probability and of how much it looks like a contrast-filled tube: bright
against what a grey opening leaves of its surroundings, so that the wall of a chamber is no shortcut. Ways are searched
on voxels of about 0.7 mm, which is enough for their course; sections centre them afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..postprocessing.boxes import Box, points_of
from ..volume import Geometry
from .state import SYSTEMS, CaseState

FLOOR = 0.02
"""In the cost 1/(speed² + floor): an empty voxel costs as much as fifty certain ones."""
COARSE_MM = 0.75
WIDEST_MM = 5.0
"""Bright things wider than this are no coronary artery to be followed."""
LEAST_CONTRAST_HU = 120.0
BACKGROUND_HU = 60.0
"""Muscle: what is not brighter holds no contrast."""
USUAL_LUMEN_HU = 350.0
FEW_VOXELS = 30


@dataclass(frozen=True)
class Way:
    """Points (n, 3) LPS mm from the start to the goal, and the mean speed 0..1 on the part outside of the lumen."""

    points_lps_mm: np.ndarray
    speed: float


def cheapest_way(
    state: CaseState, box: Box, start_lps_mm: np.ndarray, goal: np.ndarray, own: np.ndarray
) -> Way:
    """The way in ``box`` from a point to the nearest (in cost) voxel of ``goal``, bool (z, y, x) of the box.

    ``own`` are voxels of the same tree, which cost next to nothing; voxels of any other label are not entered. Raises
    InputError when there is no way.
    """
    from skimage.graph import MCP_Geometric

    labels = state.labels.array[box]
    blocked = (labels > 0) & ~own & ~goal & (labels != 3)
    factor = np.maximum(np.floor(COARSE_MM / state.spacing_zyx_mm).astype(int), 1)
    grid = _coarse_geometry(state.local_geometry(box), labels.shape, factor)
    speed = np.maximum(_speed(state, box, factor), _pooled(own | goal, factor, np.max))
    goals, closed = _pooled(goal, factor, np.max), _pooled(blocked, factor, np.min)
    cost = 1.0 / (np.square(speed, dtype=np.float64) + FLOOR)
    cost[closed & ~goals] = -1.0
    start = np.rint(grid.index_of(start_lps_mm)).astype(int)[::-1]
    start = tuple(int(v) for v in np.clip(start, 0, np.array(cost.shape) - 1))
    cost[start] = max(cost[start], 1.0)
    ends = np.argwhere(goals)
    finder = MCP_Geometric(cost, fully_connected=True, sampling=tuple(grid.spacing_xyz_mm[::-1]))
    totals, _ = finder.find_costs([start], ends, find_all_ends=False)
    reached = totals[tuple(ends.T)]
    if not len(ends) or not np.isfinite(reached).any():
        raise InputError("No way leads from the click to the vessel: another vessel lies between. Click closer.")
    path = np.array(finder.traceback(ends[int(np.argmin(reached))]), int)
    inside = _pooled(own | goal, factor, np.max)[tuple(path.T)]
    along = speed[tuple(path.T)][~inside]
    points = points_of(grid, path)
    points[0] = start_lps_mm
    return Way(points, float(along.mean()) if along.size else 1.0)


def _speed(state: CaseState, box: Box, factor: np.ndarray) -> np.ndarray:
    """0..1 float32 on the coarse grid."""
    shape = tuple(-(-n // f) for n, f in zip(state.labels.array[box].shape, factor, strict=True))
    speed = np.zeros(shape, np.float32)
    probability = state.local_probability(box)
    if probability is not None:
        speed = np.maximum(speed, _pooled(probability, factor, np.max))
    if state.ct is not None:
        speed = np.maximum(speed, _tubeness(state, box, factor))
    if probability is None and state.ct is None:
        speed[:] = 0.5  # nothing to go by: the straight way
    return speed


def _tubeness(state: CaseState, box: Box, factor: np.ndarray) -> np.ndarray:
    hu = _pooled(state.ct.array[box].astype(np.float32), factor, np.mean)
    hu = np.clip(hu, -100.0, 1200.0)
    spacing = state.spacing_zyx_mm * factor
    hu = ndimage.gaussian_filter(hu, 0.35 / spacing)
    window = np.maximum(2 * np.rint(0.5 * WIDEST_MM / spacing).astype(int) + 1, 3)
    above = hu - ndimage.grey_opening(hu, size=tuple(int(n) for n in window))
    lumen = np.isin(state.labels.array[box], tuple(SYSTEMS.values()))
    lumen = _pooled(lumen, factor, np.min)
    if np.count_nonzero(lumen) >= FEW_VOXELS:
        contrast = max(float(np.median(above[lumen])), LEAST_CONTRAST_HU)
        level = max(float(np.median(hu[lumen])), BACKGROUND_HU + LEAST_CONTRAST_HU)
    else:
        contrast, level = USUAL_LUMEN_HU - BACKGROUND_HU, USUAL_LUMEN_HU
    return np.clip(np.minimum(above / contrast, (hu - BACKGROUND_HU) / (level - BACKGROUND_HU)), 0.0, 1.0)


def _pooled(array: np.ndarray, factor: np.ndarray, how) -> np.ndarray:
    """Blocks of ``factor`` voxels as one; the last block is filled up with the border."""
    if (factor == 1).all():
        return array
    pad = [(0, -n % f) for n, f in zip(array.shape, factor, strict=True)]
    wide = np.pad(array, pad, mode="edge") if any(p[1] for p in pad) else array
    split = [part for n, f in zip(wide.shape, factor, strict=True) for part in (n // f, f)]
    blocks = wide.reshape(split)
    if array.dtype == bool:
        return (np.any if how is np.max else np.all)(blocks, axis=(1, 3, 5))
    return how(blocks, axis=(1, 3, 5))


def _coarse_geometry(fine: Geometry, shape, factor: np.ndarray) -> Geometry:
    middle = (factor[::-1] - 1) / 2.0
    return Geometry(
        tuple(int(-(-n // f)) for n, f in zip(shape, factor, strict=True)),
        tuple(float(s * f) for s, f in zip(fine.spacing_xyz_mm, factor[::-1], strict=True)),
        tuple(float(v) for v in fine.points_lps(middle)), fine.direction,
    )
