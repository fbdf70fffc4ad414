"""A lumen from centreline and radius alone: for when the mask's own surface cannot be mended, or there is no mask.

Between two points of the centreline the lumen is the hull of their spheres, and the lumen is the union of those. Every
section is round, and the topology is the tree's: where branches touch that are not neighbours they are cut apart.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..centreline.tree import CentrelineBranch, CentrelineTree
from ..postprocessing.boxes import blocks
from ..volume import Geometry
from .field_surface import surface_in
from .ruler import ruler_along

CELL = 8
LARGEST_LATTICE = 80_000_000
SPACING_OF_RADIUS = 0.3
FINEST_MM, COARSEST_MM = 0.08, 0.3
SMALLEST_RADIUS_MM = 0.2
LARGEST_SHARE = 1.3
"""The radius by area goes up to this much over the inscribed one: at a mouth the section runs into the other vessel."""
REACH = 2.0


def lofted(tree: CentrelineTree, *, spacing_mm: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) LPS mm and triangles (m, 3) of the closed surface, normals outward, ends round.

    ``spacing_mm`` of the lattice between; by default 0.3 of the smallest radius, coarser where that would not fit in
    memory. The radius is that of the section's area where it was measured, of the inscribed sphere elsewhere.
    """
    radii = [lumen_radius_mm(branch) for branch in tree.branches]
    places = np.concatenate([branch.points_lps_mm for branch in tree.branches])
    widest = max(float(radius.max()) for radius in radii)
    if spacing_mm is None:
        thinnest = min(float(np.median(radius)) for radius in radii)
        spacing_mm = float(np.clip(SPACING_OF_RADIUS * thinnest, FINEST_MM, COARSEST_MM))
    low, high = places.min(0) - widest, places.max(0) + widest
    spacing_mm = max(spacing_mm, float(np.cbrt(np.prod(high - low + 4.0 * spacing_mm) / LARGEST_LATTICE)))
    margin = (REACH + 2.0) * spacing_mm
    shape = np.ceil((high - low + 2.0 * margin) / spacing_mm / CELL).astype(int) * CELL
    geometry = Geometry(tuple(int(n) for n in shape[::-1]), (spacing_mm,) * 3, tuple(float(v) for v in low - margin))
    score = np.zeros(geometry.shape_zyx, np.float32)
    for branch, radius in zip(tree.branches, radii, strict=True):
        _draw(score, geometry, branch.points_lps_mm, radius)
    points, triangles, _ = surface_in(score, 0.5, geometry, 1, blocks(score > 0), ruler_along(tree))
    return points, triangles


def lumen_radius_mm(branch: CentrelineBranch) -> np.ndarray:
    """Radius (n,) of the round lumen that carries as much as the branch's own."""
    inscribed = np.maximum(branch.radius_mm, SMALLEST_RADIUS_MM)
    by_area = branch.area_diameter_mm / 2.0
    return np.where(np.isfinite(by_area), np.clip(by_area, inscribed, LARGEST_SHARE * inscribed), inscribed)


def _draw(score: np.ndarray, geometry: Geometry, points_mm: np.ndarray, radius_mm: np.ndarray) -> None:
    """Raise ``score`` in place to 0.5 on the wall of one branch and 1 deep inside."""
    spacing_mm = geometry.spacing_xyz_mm[0]
    voxels = _lattice_near(geometry, points_mm, radius_mm)
    at = geometry.points_lps(voxels[:, ::-1])
    start, stop = points_mm[:-1], points_mm[1:]
    course = stop - start
    squared = np.maximum((course**2).sum(1), 1e-12)
    count = min(4, len(start))
    _, near = cKDTree(0.5 * (start + stop)).query(at, k=count)
    distance = np.full(len(at), np.inf)
    for segment in near.reshape(len(at), count).T:
        share = np.clip(((at - start[segment]) * course[segment]).sum(1) / squared[segment], 0.0, 1.0)
        closest = start[segment] + share[:, None] * course[segment]
        radius = (1.0 - share) * radius_mm[segment] + share * radius_mm[segment + 1]
        distance = np.minimum(distance, np.linalg.norm(at - closest, axis=1) - radius)
    value = np.clip(0.5 - 0.5 * distance / (REACH * spacing_mm), 0.0, 1.0)
    index = tuple(voxels.T)
    score[index] = np.maximum(score[index], value)


def _lattice_near(geometry: Geometry, points_mm: np.ndarray, radius_mm: np.ndarray) -> np.ndarray:
    """Indices (n, 3) z, y, x of the samples in all cells of ``CELL`` samples a side that the branch's walls reach."""
    side_mm = CELL * geometry.spacing_xyz_mm[0]
    own = np.floor(geometry.index_of(points_mm)[:, ::-1] / CELL).astype(int)
    reach = int(np.ceil((radius_mm.max() + REACH * geometry.spacing_xyz_mm[0]) / side_mm))
    around = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = np.unique((own[:, None] + around[None]).reshape(-1, 3), axis=0)
    cells = cells[((cells >= 0) & (cells < np.array(geometry.shape_zyx) // CELL)).all(1)]
    inside = np.stack(np.meshgrid(*[np.arange(CELL)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return (CELL * cells[:, None] + inside[None]).reshape(-1, 3)
