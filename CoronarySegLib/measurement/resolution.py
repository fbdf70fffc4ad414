"""How many voxels lie across a vessel, and how much of its wall is calcified."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from ..volume import Geometry, Volume
from .frames import parallel_frames

ANGLES = 36


def voxel_across_mm(grid: Geometry | None, tangents: np.ndarray) -> np.ndarray:
    """Largest extent of a voxel axis in the section across each of ``tangents`` (n, 3), mm: the sampling that limits
    what is seen of the lumen there. NaN (n,) without a grid."""
    if grid is None:
        return np.full(len(tangents), np.nan)
    axes = np.reshape(grid.direction, (3, 3)).T
    across = np.sqrt(np.clip(1.0 - (tangents @ axes.T) ** 2, 0.0, 1.0))
    return (across * np.asarray(grid.spacing_xyz_mm)).max(axis=1)


def calcium_round_the_wall(
    calcium: Volume | None, points_lps_mm: np.ndarray, tangents: np.ndarray, radius_mm: np.ndarray, reach_mm: float
) -> np.ndarray:
    """Degrees (n,) of the circumference with calcium between half the radius and ``reach_mm`` outside of the lumen.

    ``calcium`` is a mask (anything above zero). NaN where no mask was given.
    """
    if calcium is None:
        return np.full(len(points_lps_mm), np.nan)
    first, second = parallel_frames(points_lps_mm, tangents)
    angle = np.linspace(0.0, 2.0 * np.pi, ANGLES, endpoint=False)
    spokes = np.cos(angle)[:, None] * first[:, None, :] + np.sin(angle)[:, None] * second[:, None, :]
    step = min(calcium.geometry.spacing_xyz_mm)
    count = max(3, int(np.ceil((0.5 * radius_mm.max() + reach_mm) / (0.5 * step))) + 1)
    reach = radius_mm[:, None] * 0.5 + np.linspace(0.0, 1.0, count) * (0.5 * radius_mm[:, None] + reach_mm)
    places = points_lps_mm[:, None, None, :] + reach[:, None, :, None] * spokes[:, :, None, :]
    index = calcium.geometry.index_of(places.reshape(-1, 3))[:, ::-1].T
    hit = map_coordinates((calcium.array > 0).astype(np.uint8), index, order=0, mode="constant", cval=0)
    return hit.reshape(len(points_lps_mm), ANGLES, count).any(axis=2).mean(axis=1) * 360.0
