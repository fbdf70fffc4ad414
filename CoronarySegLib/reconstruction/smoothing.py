"""Smoothing that says what it costs: windowed sinc for the default, Laplacian because the paper uses it."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkFiltersCore import vtkSmoothPolyDataFilter, vtkWindowedSincPolyDataFilter

from .mesh import points_of, polydata_of, vertex_normals, volume_and_area

LARGEST_SHIFT_MM = 0.1
"""More than this is no correction of smoothing any more; the rest of the loss is reported instead."""


def windowed_sinc(points: np.ndarray, triangles: np.ndarray, pass_band: float, iterations: int) -> np.ndarray:
    """New vertex positions (n, 3). A low-pass of the surface (Taubin, Zhang, Golub 1996) that hardly shrinks."""
    smoother = vtkWindowedSincPolyDataFilter()
    smoother.SetInputData(polydata_of(points, triangles))
    smoother.SetPassBand(pass_band)
    smoother.SetNumberOfIterations(iterations)
    smoother.NormalizeCoordinatesOn()
    smoother.BoundarySmoothingOff()
    smoother.FeatureEdgeSmoothingOff()
    smoother.NonManifoldSmoothingOn()
    smoother.Update()
    return points_of(smoother.GetOutput())


def laplacian(points: np.ndarray, triangles: np.ndarray, iterations: int, relaxation: float) -> np.ndarray:
    """New vertex positions (n, 3). Each step moves a vertex towards its neighbours' mean: tubes lose their radius."""
    smoother = vtkSmoothPolyDataFilter()
    smoother.SetInputData(polydata_of(points, triangles))
    smoother.SetNumberOfIterations(iterations)
    smoother.SetRelaxationFactor(relaxation)
    smoother.FeatureEdgeSmoothingOff()
    smoother.BoundarySmoothingOn()
    smoother.Update()
    return points_of(smoother.GetOutput())


def volume_restored(points: np.ndarray, triangles: np.ndarray, volume_mm3: float) -> np.ndarray:
    """Vertices moved along their normals by one common distance until the enclosed volume is ``volume_mm3``.

    A common distance, not a common factor: what a low-pass takes from a tube is about the same thickness everywhere.
    """
    total_mm = 0.0
    for _ in range(3):
        volume, area = volume_and_area(points, triangles)
        shift_mm = float(np.clip((volume_mm3 - volume) / max(area, 1e-9), -LARGEST_SHIFT_MM, LARGEST_SHIFT_MM))
        if abs(shift_mm) < 1e-5 or abs(total_mm + shift_mm) > LARGEST_SHIFT_MM:
            break
        points = points + shift_mm * vertex_normals(points, triangles)
        total_mm += shift_mm
    return points
