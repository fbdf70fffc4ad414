"""A field to triangles in LPS mm: the one place where VTK's index space meets the volume's geometry."""

from __future__ import annotations

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

from ..volume import Geometry
from .mesh import compacted, part_volumes, points_of, triangles_of


def isosurface(field: np.ndarray, threshold: float, geometry: Geometry, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) LPS mm and triangles (m, 3), normals outward, of a well-composed field.

    ``field`` (z, y, x) is sampled ``factor`` times as finely as ``geometry``, its first sample on the first voxel.
    Source: flying edges (Schroeder, Maynard, Geveci 2015), the same triangles as marching cubes.
    """
    image = vtkImageData()
    image.SetDimensions(*reversed(field.shape))
    image.SetSpacing(1.0 / factor, 1.0 / factor, 1.0 / factor)
    values = np.ascontiguousarray(field, np.float32).ravel()
    image.GetPointData().SetScalars(numpy_to_vtk(values, deep=False))
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, threshold)
    edges.ComputeNormalsOff()
    edges.ComputeGradientsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    points = geometry.points_lps(points_of(edges.GetOutput()))
    triangles = triangles_of(edges.GetOutput())
    # Flying edges orders triangles for a right-handed image; a mirrored direction turns the surface inside out.
    if np.linalg.det(geometry.index_to_lps[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    return points, triangles


def without_specks(
    points: np.ndarray, triangles: np.ndarray, smallest_mm3: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """Without the walls of cavities and closed parts below ``smallest_mm3`` (the largest part always stays); how many
    went."""
    volumes, part = part_volumes(points, triangles)
    if len(volumes) < 2:
        return points, triangles, 0
    keep = volumes >= smallest_mm3
    keep[np.argmax(volumes)] = True
    if keep.all():
        return points, triangles, 0
    points, triangles = compacted(points, triangles[keep[part]])
    return points, triangles, int((~keep).sum())


def largest_part(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The part that encloses most, the paper's component filter on the surface; how many others went."""
    return without_specks(points, triangles, np.inf)
