"""Straight tubes on small grids with known answers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from CoronarySegLib.volume import Geometry, Volume

GRID = Geometry((48, 48, 48), (0.5, 0.5, 0.5), (-12.0, -12.0, -12.0))


def tube_mask(
    geometry: Geometry, centre_xy: tuple[float, float], radius_mm: float, z_mm: tuple[float, float] = (-9.0, 9.0)
) -> np.ndarray:
    """Bool (z, y, x): a tube along z, in mm of the grid's own frame."""
    k, j, i = np.indices(geometry.shape_zyx)
    points = geometry.points_lps(np.stack([i, j, k], -1))
    across = np.hypot(points[..., 0] - centre_xy[0], points[..., 1] - centre_xy[1])
    return (across <= radius_mm) & (points[..., 2] >= z_mm[0]) & (points[..., 2] <= z_mm[1])


def two_trees(geometry: Geometry = GRID, radius_mm: float = 1.2) -> Volume:
    """Labels: left tree (1) at x = +5, right tree (2) at x = -5."""
    labels = np.zeros(geometry.shape_zyx, np.uint8)
    labels[tube_mask(geometry, (5.0, 0.0), radius_mm)] = 1
    labels[tube_mask(geometry, (-5.0, 0.0), radius_mm)] = 2
    return Volume(labels, geometry)


def straight_branch(x_mm: float = 0.0, radius_mm: float = 1.0, side: str = "left"):
    z = np.linspace(-9.0, 9.0, 61)
    return SimpleNamespace(
        side=side, points_lps_mm=np.c_[np.full(61, x_mm), np.zeros(61), z], radius_mm=np.full(61, radius_mm)
    )
