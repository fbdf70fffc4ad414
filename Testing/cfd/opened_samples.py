"""Closed surfaces and trees with known shape: what ends, lids, extensions and writers are tried on."""

from __future__ import annotations

import numpy as np
from skimage.measure import marching_cubes

from CoronarySegLib.centreline.tree import CentrelineBranch, CentrelineTree


def branch(points: list, radius: float | list, parent: int = -1, name: str = "", step_mm: float = 0.3):
    """A branch through ``points`` at even steps, radius interpolated along it."""
    points = np.asarray(points, float)
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    places = np.linspace(0.0, along[-1], max(2, round(along[-1] / step_mm) + 1))
    curve = np.stack([np.interp(places, along, points[:, i]) for i in range(3)], axis=1)
    radii = np.interp(places, np.linspace(0, along[-1], np.size(radius)), np.atleast_1d(radius).astype(float))
    return CentrelineBranch(parent, curve, radii, np.pi * radii**2, name, 1.0)


def tube_tree(length_mm: float = 30.0, radius_mm: float = 1.5, name: str = "RCA", side: str = "right"):
    return CentrelineTree(side, (branch([[0, 0, 0], [0, 0, length_mm]], radius_mm, name=name),))


def forked_tree() -> CentrelineTree:
    """LM into LAD and LCx, LAD into LAD and D1; a fifth, unnamed branch from LCx crosses the plane of LAD's end."""
    return CentrelineTree("left", (
        branch([[0, 0, 0], [8, 0, 0]], 2.0, name="LM"),
        branch([[8, 0, 0], [14, 4, 0], [20, 6, 0]], [1.7, 1.5], 0, "LAD"),
        branch([[8, 0, 0], [14, -4, 0], [20, -6, 0]], [1.7, 1.4], 0, "LCx"),
        branch([[20, 6, 0], [40, 8, 0]], [1.4, 1.0], 1, "LAD"),
        branch([[20, 6, 0], [26, 14, 2], [36, 20, 2]], [1.2, 0.9], 1, "D1"),
        branch([[20, -6, 0], [48, -8, 0]], [1.3, 1.0], 2, "LCx"),
        branch([[20, -6, 0], [26, -14, 2], [34, -20, 2]], [1.1, 0.9], 2),
    ))


def surface_of(tree: CentrelineTree, voxel_mm: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    """The closed surface of the tree's spheres swept along its branches, outward triangles, LPS mm."""
    points = np.concatenate([b.points_lps_mm for b in tree.branches])
    radii = np.concatenate([b.radius_mm for b in tree.branches])
    # No grid plane through a symmetric place of the shape: marching cubes would make triangles without area there.
    low = points.min(0) - radii.max() - (2.0 + np.array([0.137, 0.271, 0.413])) * voxel_mm
    shape = np.ceil((points.max(0) + radii.max() + 2 * voxel_mm - low) / voxel_mm).astype(int) + 1
    field = np.full(shape, 3.0)
    grid = [low[i] + voxel_mm * np.arange(shape[i]) for i in range(3)]
    for point, radius in zip(points, radii, strict=True):
        reach = radius + 3 * voxel_mm
        box = tuple(slice(*np.searchsorted(g, (p - reach, p + reach))) for g, p in zip(grid, point, strict=True))
        x, y, z = np.meshgrid(*(g[b] - p for g, b, p in zip(grid, box, point, strict=True)), indexing="ij")
        field[box] = np.minimum(field[box], np.sqrt(x * x + y * y + z * z) - radius)
    points, triangles, _, _ = marching_cubes(field, 0.0, spacing=(voxel_mm,) * 3, gradient_direction="descent")
    return points.astype(float) + low, triangles.astype(np.int64)
