"""Volumes, transforms and results built by hand for the tests on nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import slicer
import vtk
from CoronarySegModule.conversion import world_geometry
from scipy.spatial.transform import Rotation

from CoronarySegLib.inference import Prediction
from CoronarySegLib.models import ModelCard, StageCard
from CoronarySegLib.volume import Geometry, Volume


def oblique_matrix() -> np.ndarray:
    """IJK to RAS: three turns, spacing 0.5 x 0.6 x 0.8 mm, origin (12, -80, 140) mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", (20, -35, 50), degrees=True).as_matrix() * (0.5, 0.6, 0.8)
    matrix[:3, 3] = (12, -80, 140)
    return matrix


def volume_node(name: str, array: np.ndarray, ijk_to_ras: np.ndarray):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, array)
    node.SetIJKToRASMatrix(vtk_matrix(ijk_to_ras))
    node.CreateDefaultDisplayNodes()
    return node


def linear_transform(matrix: np.ndarray, name: str = "moved"):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    node.SetMatrixTransformToParent(vtk_matrix(matrix))
    return node


def rigid_matrix() -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("zyx", (30, 10, -25), degrees=True).as_matrix()
    matrix[:3, 3] = (40, -25, 7)
    return matrix


def vtk_matrix(matrix: np.ndarray) -> vtk.vtkMatrix4x4:
    result = vtk.vtkMatrix4x4()
    result.DeepCopy(np.asarray(matrix, float).flatten().tolist())
    return result


def two_vessels(shape_zyx: tuple[int, int, int], *, calcium: bool = True) -> np.ndarray:
    """Labels uint8: a left vessel along x, a right vessel along z that lies elsewhere, and calcium beside the left."""
    labels = np.zeros(shape_zyx, np.uint8)
    depth, height, width = shape_zyx
    labels[6:11, 8:13, 5 : width - 8] = 1
    labels[5 : depth - 5, height - 12 : height - 7, 20:25] = 2
    if calcium:
        labels[11:13, 9:12, 15:20] = 3
    return labels


def contour_lps(labels: Volume, value: int) -> vtk.vtkPolyData:
    """The surface round one label in LPS mm."""
    array = np.ascontiguousarray(np.pad(labels.array == value, 1), np.uint8)
    image = vtk.vtkImageData()
    image.SetDimensions(*reversed(array.shape))
    image.SetOrigin(-1, -1, -1)
    image.GetPointData().SetScalars(vtk.util.numpy_support.numpy_to_vtk(array.ravel(), deep=True))
    contour = vtk.vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.5)
    transform = vtk.vtkTransform()
    transform.SetMatrix(vtk_matrix(labels.geometry.index_to_lps))
    placed = vtk.vtkTransformPolyDataFilter()
    placed.SetTransform(transform)
    placed.SetInputConnection(contour.GetOutputPort())
    placed.Update()
    return placed.GetOutput()


def labels_for(node, *, calcium: bool = True) -> Volume:
    geometry: Geometry = world_geometry(node)
    return Volume(two_vessels(geometry.shape_zyx, calcium=calcium), geometry, source="by hand")


CARD = ModelCard(
    name="by hand", profile="paper", version="3", description="none", training_data="none", training_seeds="none",
    stages=(
        StageCard(
            "whole", "ResUNet3D", {"channels": [2, 4, 4], "bottleneck": 4}, ("ct",), ("lumen",), None, (32, 32, 32),
            sha256="ab" * 32,
        ),
    ),
)


@dataclass(frozen=True)
class BuiltSurface:
    polydata: vtk.vtkPolyData


@dataclass(frozen=True)
class BuiltResult:
    """The part of a result that goes into a scene, in the library's own values where it says what made the result."""

    labels: Volume
    surfaces: dict[str, BuiltSurface]
    prediction: Prediction | None = None
    warnings: tuple[str, ...] = ("The right coronary artery is cut by the field of view.",)
    timings: dict[str, float] = field(default_factory=lambda: {"vessels": 12.3456})
    model_card: ModelCard = CARD


def result_for(node, *, calcium: bool = True) -> BuiltResult:
    """Left, right and (optionally) calcium on the grid of a node, with the surface round each in LPS mm."""
    return result_of(labels_for(node, calcium=calcium))


def result_of(labels: Volume) -> BuiltResult:
    """The result that ``labels`` are, with the surface round each of its parts in LPS mm."""
    surfaces = {
        key: BuiltSurface(contour_lps(labels, value))
        for value, key in enumerate(("left", "right", "calcium"), start=1)
        if (labels.array == value).any()
    }
    return BuiltResult(labels, surfaces, Prediction(labels, labels, engine="by hand on a CPU"))
