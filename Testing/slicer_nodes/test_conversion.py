"""Volume nodes become library volumes in world LPS, or are refused with what to do."""

import numpy as np
import pytest
import slicer
import vtk
from CoronarySegModule import conversion
from slicer_samples import linear_transform, oblique_matrix, rigid_matrix, volume_node

from CoronarySegLib.errors import InputError


def world_ras_of_voxel(node, ijk) -> np.ndarray:
    """Where Slicer itself says a voxel is, in world RAS mm."""
    local = (np.append(ijk, 1.0) @ conversion.ijk_to_ras(node).T)[:3]
    world = np.zeros(3)
    node.TransformPointToWorld(local, world)
    return world


@pytest.mark.parametrize("ijk", [(0, 0, 0), (49, 0, 0), (0, 39, 0), (0, 0, 29), (17, 23, 11)])
def test_a_voxel_of_an_oblique_volume_lies_where_slicer_says(oblique_volume, ijk):
    geometry = conversion.volume_from_node(oblique_volume).geometry
    expected = world_ras_of_voxel(oblique_volume, ijk) * (-1, -1, 1)
    assert geometry.points_lps(ijk) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("ijk", [(0, 0, 0), (49, 39, 29), (17, 23, 11)])
def test_linear_parent_transforms_are_part_of_the_geometry(oblique_volume, ijk):
    outer, inner = linear_transform(rigid_matrix(), "outer"), linear_transform(np.diag([-1, 1, 1, 1]), "mirror")
    inner.SetAndObserveTransformNodeID(outer.GetID())
    oblique_volume.SetAndObserveTransformNodeID(inner.GetID())
    geometry = conversion.volume_from_node(oblique_volume).geometry
    expected = world_ras_of_voxel(oblique_volume, ijk) * (-1, -1, 1)
    assert geometry.points_lps(ijk) == pytest.approx(expected, abs=1e-9)


def test_voxels_are_copied_and_the_node_stays_as_it_was(oblique_volume):
    transform = linear_transform(rigid_matrix())
    oblique_volume.SetAndObserveTransformNodeID(transform.GetID())
    volume = conversion.volume_from_node(oblique_volume)
    volume.array[:] = -1000
    assert slicer.util.arrayFromVolume(oblique_volume).min() == 60
    assert oblique_volume.GetParentTransformNode() is transform
    assert np.allclose(conversion.ijk_to_ras(oblique_volume), oblique_matrix())


def test_the_array_is_in_z_y_x_order(scene):
    array = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    volume = conversion.volume_from_node(volume_node("ct", array, np.eye(4)))
    assert volume.geometry.shape_zyx == (2, 3, 4)
    assert np.array_equal(volume.array, array)


def test_a_library_volume_comes_back_from_a_new_node_unchanged(oblique_volume):
    volume = conversion.volume_from_node(oblique_volume)
    again = conversion.volume_from_node(conversion.node_from_volume(volume, "again"))
    assert again.geometry.same_grid(volume.geometry, tolerance_mm=1e-9)
    assert np.array_equal(again.array, volume.array)


def test_a_sheared_transform_is_refused_with_advice_to_resample(oblique_volume):
    shear = np.eye(4)
    shear[0, 1] = 0.2
    oblique_volume.SetAndObserveTransformNodeID(linear_transform(shear).GetID())
    with pytest.raises(InputError, match="Resample"):
        conversion.volume_from_node(oblique_volume)


def test_a_non_linear_transform_is_refused_with_advice_to_harden(oblique_volume):
    bend = vtk.vtkThinPlateSplineTransform()
    points = vtk.vtkPoints()
    for corner in ((0, 0, 0), (90, 0, 0), (0, 90, 0), (0, 0, 90), (90, 90, 90)):
        points.InsertNextPoint(corner)
    moved = vtk.vtkPoints()
    moved.DeepCopy(points)
    moved.SetPoint(4, 80, 100, 95)
    bend.SetBasisToR()
    bend.SetSourceLandmarks(points)
    bend.SetTargetLandmarks(moved)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "bent")
    node.SetAndObserveTransformToParent(bend)
    oblique_volume.SetAndObserveTransformNodeID(node.GetID())
    with pytest.raises(InputError, match=r"non-linear transform 'bent'.*Harden"):
        conversion.volume_from_node(oblique_volume)


def test_no_volume_is_said_to_be_missing(scene):
    with pytest.raises(ValueError, match="No volume is selected"):
        conversion.volume_from_node(None)


def test_a_model_is_not_taken_for_a_volume(scene):
    with pytest.raises(ValueError, match="'shape' is not a volume"):
        conversion.volume_from_node(scene.AddNewNodeByClass("vtkMRMLModelNode", "shape"))


def test_a_label_map_is_not_taken_for_a_ct(scene):
    node = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "mask")
    slicer.util.updateVolumeFromArray(node, np.ones((4, 4, 4), np.uint8))
    with pytest.raises(InputError, match="'mask' is a label map"):
        conversion.volume_from_node(node)


def test_a_volume_without_voxels_is_refused(scene):
    with pytest.raises(InputError, match="holds no voxels"):
        conversion.volume_from_node(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty"))


def test_a_colour_volume_is_refused(scene):
    node = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "picture")
    slicer.util.updateVolumeFromArray(node, np.zeros((4, 5, 6, 3), np.uint8))
    with pytest.raises(InputError, match="3 values per voxel"):
        conversion.volume_from_node(node)
