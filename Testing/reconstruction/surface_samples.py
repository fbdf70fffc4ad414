"""Analytic vessels as voxel shares on any grid, and what is measured on their surfaces."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkFiltersCore import vtkCleanPolyData

from CoronarySegLib.postprocessing.trees import Trees
from CoronarySegLib.reconstruction.mesh import points_of, polydata_of, triangles_of
from CoronarySegLib.reconstruction.quality import edge_faults
from CoronarySegLib.volume import Geometry, Volume

GRID = Geometry((48, 48, 48), (0.5, 0.5, 0.5), (-12.0, -12.0, -12.0))


def oblique_grid(mirrored: bool = False) -> Geometry:
    """An anisotropic grid, rotated about two axes and centred at LPS (30, -20, 100); ``mirrored`` turns one axis."""
    a, b = np.deg2rad(25.0), np.deg2rad(15.0)
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    direction = about_z @ about_x @ np.diag([1.0, 1.0, -1.0 if mirrored else 1.0])
    spacing, shape = np.array([0.4, 0.4, 0.6]), (44, 64, 64)
    origin = np.array([30.0, -20.0, 100.0]) - direction @ (spacing * (np.array(shape[::-1]) - 1) / 2.0)
    return Geometry(shape, tuple(spacing), tuple(origin), tuple(direction.ravel()))


def share(distance_mm, grid: Geometry, sub: int = 3) -> np.ndarray:
    """Share of each voxel where ``distance_mm(points)`` is below 0, by supersampling; float32 (z, y, x)."""
    k, j, i = np.indices(grid.shape_zyx)
    index = np.stack([i, j, k], -1).reshape(-1, 3)
    at_centre = distance_mm(grid.points_lps(index))
    result = (at_centre < 0).astype(np.float32)
    split = np.abs(at_centre) <= np.linalg.norm(grid.spacing_xyz_mm)
    steps = (np.arange(sub) + 0.5) / sub - 0.5
    offsets = np.array(np.meshgrid(steps, steps, steps)).reshape(3, -1).T
    inside = [distance_mm(grid.points_lps(index[split] + offset)) < 0 for offset in offsets]
    result[split] = np.mean(inside, axis=0)
    return result.reshape(grid.shape_zyx)


def capsule(start, end, radius_mm: float):
    """Signed distance to a tube with round ends."""
    start, end = np.asarray(start, float), np.asarray(end, float)

    def distance(points):
        course = end - start
        place = np.clip((points - start) @ course / (course @ course), 0.0, 1.0)
        return np.linalg.norm(points - start - place[:, None] * course, axis=1) - radius_mm

    return distance


def capsule_mm3(length_mm: float, radius_mm: float) -> float:
    return np.pi * radius_mm**2 * (length_mm + 4.0 / 3.0 * radius_mm)


def bend(bend_radius_mm: float, radius_mm: float):
    """Signed distance to three quarters of a torus in the x-y plane."""

    def distance(points):
        ring = np.hypot(np.hypot(points[:, 0], points[:, 1]) - bend_radius_mm, points[:, 2]) - radius_mm
        gone = np.minimum(points[:, 0], points[:, 1])
        return np.maximum(ring, gone)

    return distance


def joined(*distances):
    return lambda points: np.min([d(points) for d in distances], axis=0)


def trees_of(left: np.ndarray | None, right: np.ndarray | None = None, grid: Geometry = GRID) -> Trees:
    """Trees straight from voxel shares, without post-processing."""
    zero = np.zeros(grid.shape_zyx, np.float32)
    left, right = (zero if field is None else field for field in (left, right))
    lumen = np.maximum(left, right)
    labels = np.where(lumen >= 0.5, np.where(left >= right, 1, 2), 0).astype(np.uint8)
    return Trees(Volume(labels, grid), Volume(lumen, grid), 0.5, 2, 0, 0, 0, False, None)


def is_watertight_in_a_file(polydata) -> bool:
    """Closed and manifold after coordinates are rounded to single precision and equal ones merged, as in an STL."""
    rounded = polydata_of(points_of(polydata).astype(np.float32), triangles_of(polydata))
    clean = vtkCleanPolyData()
    clean.SetInputData(rounded)
    clean.ToleranceIsAbsoluteOn()
    clean.SetAbsoluteTolerance(0.0)
    clean.ConvertPolysToLinesOff()
    clean.Update()
    return edge_faults(points_of(clean.GetOutput()), triangles_of(clean.GetOutput())) == (0, 0)
