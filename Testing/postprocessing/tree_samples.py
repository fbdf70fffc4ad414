"""Two small coronary trees drawn as tubes, with the probability a good network would give."""

from __future__ import annotations

import numpy as np

from CoronarySegLib.inference.prediction import Prediction
from CoronarySegLib.volume import Geometry, Volume

GRID = Geometry((100, 100, 160), (0.5, 0.5, 0.5), (-40.0, -30.0, -30.0))
LUMEN_HU, FAT_HU = 400.0, -90.0

LEFT_OSTIUM, LEFT_FORK, LEFT_END, LEFT_SIDE_END = (8, -5, 15), (20, -8, 12), (34, -15, -10), (30, 10, -5)
RIGHT_OSTIUM, RIGHT_BEND, RIGHT_END = (-8, -15, 10), (-25, -18, 5), (-32, 0, -20)
LEFT = ((LEFT_OSTIUM, LEFT_FORK, 1.8), (LEFT_FORK, LEFT_END, 1.3), (LEFT_FORK, LEFT_SIDE_END, 1.2))
RIGHT = ((RIGHT_OSTIUM, RIGHT_BEND, 1.7), (RIGHT_BEND, RIGHT_END, 1.4))


def tube(start, end, radius_mm: float, grid: Geometry = GRID) -> np.ndarray:
    """Share of each voxel inside a capsule from ``start`` to ``end`` (LPS mm), float32 (z, y, x)."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    result = np.zeros(grid.shape_zyx, np.float32)
    ends = grid.index_of(np.array([start, end]))[:, ::-1]
    margin = radius_mm / min(grid.spacing_xyz_mm) + 2.0
    box = tuple(
        slice(max(int(low - margin), 0), max(min(int(high + margin) + 2, size), 0))
        for low, high, size in zip(ends.min(0), ends.max(0), grid.shape_zyx, strict=True)
    )
    index = np.stack(np.mgrid[box], -1).reshape(-1, 3)
    points = grid.points_lps(index[:, ::-1])
    course = end - start
    place = np.clip((points - start) @ course / (course @ course), 0.0, 1.0)
    distance = np.linalg.norm(points - start - place[:, None] * course, axis=1)
    result[tuple(index.T)] = np.clip(0.5 + (radius_mm - distance) / 0.5, 0.0, 1.0)
    return result


def tubes(segments, grid: Geometry = GRID) -> np.ndarray:
    return np.max([tube(*segment, grid) for segment in segments], axis=0)


def between(start, end, share: float) -> tuple[float, ...]:
    """The point at ``share`` of the way."""
    return tuple(np.asarray(start, float) * (1.0 - share) + np.asarray(end, float) * share)


def prediction_of(
    lumen: np.ndarray, *, priors: tuple[np.ndarray, np.ndarray] | None = None, calcium: np.ndarray | None = None,
    ct: np.ndarray | None = None,
) -> Prediction:
    """A prediction on GRID; ``priors`` as left and right probability on GRID."""
    if ct is None:
        ct = FAT_HU + (LUMEN_HU - FAT_HU) * lumen
    left, right = (None, None) if priors is None else (Volume(prior, GRID) for prior in priors)
    return Prediction(
        lumen=Volume(lumen.astype(np.float32), GRID), ct=Volume(ct.astype(np.float32), GRID), engine="test",
        calcium=None if calcium is None else Volume(calcium.astype(np.float32), GRID), left_prior=left,
        right_prior=right,
    )


def at(point) -> tuple[int, int, int]:
    """Array index of the voxel nearest to an LPS point."""
    return tuple(round(v) for v in GRID.index_of(point)[::-1].tolist())
