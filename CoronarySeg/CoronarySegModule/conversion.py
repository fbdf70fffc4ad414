"""Between a volume node and the library's Volume: the one place where RAS becomes LPS and back.

A volume node stores voxels in its own RAS frame; parent transforms carry that frame into the world. The library gets
the world geometry, because it tells left from right by anatomy. Linear parent transforms are multiplied into the
geometry of a copy, so the user's node is never touched. A geometry that LPS spacing and direction cosines cannot
express (shear) and non-linear transforms are refused with what to do about it.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from CoronarySegLib.errors import InputError
from CoronarySegLib.volume import Geometry, Volume

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # its own inverse

# Cosine between two axes above which a grid counts as sheared. 1e-3 moves the far corner of a 200 mm field by 0.2 mm.
SHEAR_TOLERANCE = 1e-3


def volume_from_node(volume_node) -> Volume:
    """A copy of the node's voxels (z, y, x) with their grid in world LPS mm.

    Raises ValueError when no volume node is given and InputError when the node holds no usable scalar volume, lies
    under a non-linear transform or is sheared.
    """
    geometry = world_geometry(volume_node)
    array = np.array(slicer.util.arrayFromVolume(volume_node))
    return Volume(array, geometry, source=volume_node.GetName() or "")


def world_geometry(volume_node) -> Geometry:
    """The node's grid in world LPS mm, linear parent transforms applied. Errors as in :func:`volume_from_node`."""
    _require_scalar_volume(volume_node)
    matrix = RAS_TO_LPS @ node_to_world(volume_node) @ ijk_to_ras(volume_node)
    spacing_mm = np.linalg.norm(matrix[:3, :3], axis=0)
    name = volume_node.GetName()
    if not np.all(np.isfinite(matrix)) or spacing_mm.min() <= 0:
        raise InputError(f"'{name}' has a voxel spacing of zero. Load the volume again from its original files.")
    direction = matrix[:3, :3] / spacing_mm
    if np.abs(direction.T @ direction - np.eye(3)).max() > SHEAR_TOLERANCE:
        raise InputError(
            f"The voxel axes of '{name}' are not perpendicular (sheared transform or gantry tilt). "
            "Resample it onto a straight grid first, for example with the Resample Scalar Volume module."
        )
    size = volume_node.GetImageData().GetDimensions()
    return Geometry(
        tuple(reversed(size)), tuple(spacing_mm.tolist()), tuple(matrix[:3, 3].tolist()),
        tuple(direction.flatten().tolist()),
    )


def node_to_world(node) -> np.ndarray:
    """4x4 RAS mm matrix of all parent transforms of a node; identity without one. InputError when one is not linear."""
    transform = node.GetParentTransformNode()
    matrix = vtk.vtkMatrix4x4()
    if transform is not None:
        if not transform.IsTransformToWorldLinear():
            raise InputError(
                f"'{node.GetName()}' lies under the non-linear transform '{transform.GetName()}'. "
                "Harden the transform on a copy of the volume in the Transforms module, or take the volume out of it."
            )
        transform.GetMatrixTransformToWorld(matrix)
    return _array_of(matrix)


def ijk_to_ras(volume_node) -> np.ndarray:
    """4x4 matrix from voxel index (i, j, k) to the node's own RAS mm, parent transforms not applied."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return _array_of(matrix)


def surface_in_node_frame(polydata_lps: vtk.vtkPolyData, parent_to_world: np.ndarray) -> vtk.vtkPolyData:
    """A copy of a world LPS mm surface in the RAS mm frame below parent transforms ``parent_to_world`` (4x4)."""
    matrix = np.linalg.inv(parent_to_world) @ RAS_TO_LPS
    transform = vtk.vtkTransform()
    transform.SetMatrix(matrix.flatten().tolist())
    filter_ = vtk.vtkTransformPolyDataFilter()
    filter_.SetTransform(transform)
    filter_.SetInputData(polydata_lps)
    filter_.Update()
    result = vtk.vtkPolyData()
    result.DeepCopy(filter_.GetOutput())
    return result


def points_in_node_frame(points_lps_mm: np.ndarray, parent_to_world: np.ndarray) -> np.ndarray:
    """World LPS mm points (n, 3) in the RAS mm frame below parent transforms ``parent_to_world`` (4x4)."""
    matrix = np.linalg.inv(parent_to_world) @ RAS_TO_LPS
    return points_lps_mm @ matrix[:3, :3].T + matrix[:3, 3]


def points_in_world(points_ras_mm: np.ndarray, parent_to_world: np.ndarray) -> np.ndarray:
    """Points (n, 3) of the RAS mm frame below ``parent_to_world`` (4x4) in world LPS mm."""
    matrix = RAS_TO_LPS @ parent_to_world
    return points_ras_mm @ matrix[:3, :3].T + matrix[:3, 3]


def oriented_labelmap(labels: np.ndarray, volume_node) -> slicer.vtkOrientedImageData:
    """uint8 labels (z, y, x) on the node's grid as Slicer's oriented image, cropped to what is not zero.

    The crop keeps the voxel indices of the whole grid (extent), so the geometry stays that of the volume node itself.
    """
    occupied = [np.flatnonzero(labels.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    lower = [int(index[0]) if index.size else 0 for index in occupied]
    upper = [int(index[-1]) if index.size else -1 for index in occupied]
    crop = np.ascontiguousarray(
        labels[lower[0] : upper[0] + 1, lower[1] : upper[1] + 1, lower[2] : upper[2] + 1], np.uint8
    )
    image = slicer.vtkOrientedImageData()
    image.SetExtent(lower[2], upper[2], lower[1], upper[1], lower[0], upper[0])
    scalars = numpy_to_vtk(crop.ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR)
    scalars.SetName("ImageScalars")
    image.GetPointData().SetScalars(scalars)
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    image.SetGeometryFromImageToWorldMatrix(matrix)
    return image


def node_from_volume(volume: Volume, name: str):
    """Add a scalar volume node with the voxels and geometry of a library Volume to the scene and return it."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy((RAS_TO_LPS @ volume.geometry.index_to_lps).flatten().tolist())
    node.SetIJKToRASMatrix(matrix)
    slicer.util.updateVolumeFromArray(node, volume.array)
    node.CreateDefaultDisplayNodes()
    return node


def _require_scalar_volume(node) -> None:
    if node is None:
        raise ValueError("No volume is selected. Choose the CT volume to segment.")
    if not node.IsA("vtkMRMLScalarVolumeNode"):
        raise ValueError(f"'{node.GetName()}' is not a volume. Choose the CT volume to segment.")
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise InputError(f"'{node.GetName()}' is a label map, not a CT. Choose the CT volume it was drawn on.")
    image = node.GetImageData()
    if image is None or not image.GetNumberOfPoints():
        raise InputError(f"'{node.GetName()}' holds no voxels. Load the volume again.")
    if image.GetNumberOfScalarComponents() != 1:
        raise InputError(
            f"'{node.GetName()}' has {image.GetNumberOfScalarComponents()} values per voxel (a colour picture or a "
            "series of phases). Choose one volume with one value in HU per voxel."
        )


def _array_of(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
