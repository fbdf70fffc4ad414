"""Triangles as numpy arrays, and what can be measured on them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals

from .vectors import cross, dot, face_vectors, length


def polydata_of(points_mm: np.ndarray, triangles: np.ndarray) -> vtkPolyData:
    """Points (n, 3) and triangles (m, 3) int as polydata with its own memory, double precision."""
    points = vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(points_mm, np.float64), deep=True))
    count = len(triangles)
    cells = vtkCellArray()
    offsets = numpy_to_vtkIdTypeArray(np.arange(0, 3 * count + 1, 3, dtype=np.int64), deep=True)
    connectivity = numpy_to_vtkIdTypeArray(np.ascontiguousarray(triangles, np.int64).ravel(), deep=True)
    cells.SetData(offsets, connectivity)
    polydata = vtkPolyData()
    polydata.SetPoints(points)
    polydata.SetPolys(cells)
    return polydata


def points_of(polydata: vtkPolyData) -> np.ndarray:
    """Vertices (n, 3) float64; an empty array for empty polydata."""
    if polydata.GetNumberOfPoints() == 0:
        return np.zeros((0, 3))
    return vtk_to_numpy(polydata.GetPoints().GetData()).astype(np.float64)


def triangles_of(polydata: vtkPolyData) -> np.ndarray:
    """Vertex numbers (m, 3) int64. The polydata must hold triangles only."""
    if polydata.GetNumberOfPolys() == 0:
        return np.zeros((0, 3), np.int64)
    return vtk_to_numpy(polydata.GetPolys().GetConnectivityArray()).astype(np.int64).reshape(-1, 3)


def volume_and_area(points_mm: np.ndarray, triangles: np.ndarray) -> tuple[float, float]:
    """Enclosed volume in mm³ (positive when normals point outward) and area in mm²."""
    volumes, areas = _per_triangle(points_mm, triangles)
    return float(volumes.sum()), float(areas.sum())


def _per_triangle(points_mm: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(triangles):
        return np.zeros(0), np.zeros(0)
    # About the centroid: far from the origin the signed tetrahedra would cancel to noise.
    points = points_mm - points_mm.mean(0)
    a, b, c = (points.take(triangles[:, k], axis=0) for k in range(3))
    return dot(a, cross(b, c)) / 6.0, 0.5 * length(cross(b - a, c - a))


def parts_of(point_count: int, triangles: np.ndarray) -> tuple[int, np.ndarray]:
    """Connected parts: how many, and the part of each triangle (m,)."""
    if not len(triangles):
        return 0, np.zeros(0, int)
    rows, columns = triangles[:, :2].ravel(), triangles[:, 1:].ravel()
    graph = coo_matrix((np.ones(rows.size, np.int8), (rows, columns)), shape=(point_count, point_count))
    _, of_point = connected_components(graph, directed=False)
    used, of_triangle = renumbered(of_point[triangles[:, 0]])
    return len(used), of_triangle


def part_volumes(points_mm: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed volume in mm³ of each part (negative: the wall of a cavity) and the part of each triangle."""
    count, part = parts_of(len(points_mm), triangles)
    volumes, _ = _per_triangle(points_mm, triangles)
    return np.bincount(part, volumes, minlength=count), part


def compacted(points_mm: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without vertices that no triangle uses."""
    used, triangles = renumbered(triangles)
    return points_mm[used], triangles


def renumbered(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers (>= 0) that occur, ascending, and an array of the same shape that says which of these each is."""
    occurs = _occurs(numbers)
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[numbers]


def _occurs(numbers: np.ndarray) -> np.ndarray:
    occurs = np.zeros(int(numbers.max(initial=-1)) + 1, bool)
    occurs[numbers] = True
    return occurs


def vertex_count(triangles: np.ndarray) -> int:
    """How many vertices triangles (m, 3) use."""
    return int(np.count_nonzero(_occurs(triangles)))


def with_normals(polydata: vtkPolyData) -> vtkPolyData:
    """Point normals following the triangles' order, which is outward here; no vertex is split or turned."""
    normals = vtkPolyDataNormals()
    normals.SetInputData(polydata)
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.AutoOrientNormalsOff()
    normals.ComputePointNormalsOn()
    normals.Update()
    return normals.GetOutput()


def vertex_normals(points_mm: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals (n, 3), outward."""
    faces = face_vectors(points_mm, triangles)
    corners, count = triangles.T.ravel(), len(points_mm)
    normals = np.stack([np.bincount(corners, np.tile(faces[:, i], 3), minlength=count) for i in range(3)], axis=1)
    return normals / np.maximum(length(normals), 1e-12)[:, None]
