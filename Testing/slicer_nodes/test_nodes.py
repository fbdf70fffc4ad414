"""A result becomes segments and models that lie right, are named right and can be replaced."""

import numpy as np
import pytest
import slicer
import vtk
from CoronarySegModule import nodes
from CoronarySegModule.conversion import ijk_to_ras
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from slicer_samples import (
    BuiltResult,
    BuiltSurface,
    labels_for,
    linear_transform,
    oblique_matrix,
    result_for,
    rigid_matrix,
    volume_node,
)

PARTS = ("left", "right", "calcium")
VALUES = {"left": 1, "right": 2, "calcium": 3}


def segment_array(written, key, volume) -> np.ndarray:
    """The segment as Slicer hands it out on the grid of the volume."""
    return slicer.util.arrayFromSegmentBinaryLabelmap(written.segmentation, key, volume)


def state_of(scene) -> list:
    """Every node with its name, parent transform and segments, and every item of the subject hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)  # made here where there is none yet
    seen = []
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        segments = node.GetSegmentation().GetSegmentIDs() if node.IsA("vtkMRMLSegmentationNode") else ()
        seen.append((node.GetID(), node.GetName(), tuple(segments)))
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    seen.append(sorted(items.GetId(index) for index in range(items.GetNumberOfIds())))
    return seen


@pytest.mark.parametrize("key", PARTS)
def test_each_segment_of_an_oblique_volume_holds_exactly_the_labelled_voxels(oblique_volume, key):
    result = result_for(oblique_volume)
    written = nodes.write_result(oblique_volume, result)
    assert np.array_equal(segment_array(written, key, oblique_volume), result.labels.array == VALUES[key])


def test_segments_share_one_layer(oblique_volume):
    written = nodes.write_result(oblique_volume, result_for(oblique_volume))
    assert written.segmentation.GetSegmentation().GetNumberOfLayers() == 1


@pytest.mark.parametrize(
    ("key", "name", "code"),
    [
        ("left", "Left coronary tree", "SCT^41801008^Coronary artery~SCT^7771000^Left"),
        ("right", "Right coronary tree", "SCT^41801008^Coronary artery~SCT^24028007^Right"),
        ("calcium", "Coronary calcium", "SCT^18115005^"),
    ],
)
def test_segments_carry_names_and_terminology(oblique_volume, key, name, code):
    written = nodes.write_result(oblique_volume, result_for(oblique_volume))
    segment = written.segmentation.GetSegmentation().GetSegment(key)
    tag = vtk.reference("")
    assert segment.GetTag(segment.GetTerminologyEntryTagName(), tag)
    assert segment.GetName() == name
    assert code in str(tag)
    assert str(tag).count("~") == 6


def test_segments_and_models_have_the_same_three_different_colours(oblique_volume):
    written = nodes.write_result(oblique_volume, result_for(oblique_volume))
    segmentation = written.segmentation.GetSegmentation()
    colours = [segmentation.GetSegment(key).GetColor() for key in PARTS]
    assert colours == [written.models[key].GetDisplayNode().GetColor() for key in PARTS]
    assert len(set(colours)) == 3


def test_the_segmentation_keeps_the_grid_of_the_ct_as_reference(oblique_volume):
    written = nodes.write_result(oblique_volume, result_for(oblique_volume))
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    assert written.segmentation.GetNodeReference(role) is oblique_volume


def test_an_empty_side_is_an_empty_segment_and_missing_calcium_is_no_segment(oblique_volume):
    labels = labels_for(oblique_volume, calcium=False)
    labels.array[labels.array == 2] = 0
    written = nodes.write_result(oblique_volume, BuiltResult(labels, {}))
    assert tuple(written.segmentation.GetSegmentation().GetSegmentIDs()) == ("left", "right")
    assert not segment_array(written, "right", oblique_volume).any()


@pytest.mark.parametrize("moved", [False, True], ids=["free", "under a transform"])
@pytest.mark.parametrize("key", PARTS)
def test_the_model_surface_coincides_with_the_voxels_of_its_segment_in_the_world(oblique_volume, key, moved):
    if moved:
        oblique_volume.SetAndObserveTransformNodeID(linear_transform(rigid_matrix()).GetID())
    written = nodes.write_result(oblique_volume, result_for(oblique_volume))
    model = written.models[key]
    local = slicer.util.arrayFromModelPoints(model)
    surface = np.array([_world(model, point) for point in local])
    voxels = np.argwhere(segment_array(written, key, oblique_volume))[:, ::-1]
    centres = voxels @ ijk_to_ras(oblique_volume)[:3, :3].T + ijk_to_ras(oblique_volume)[:3, 3]
    centres = np.array([_world(oblique_volume, point) for point in centres])
    # Half a voxel from every surface point to the nearest voxel centre, and the same box.
    assert cKDTree(centres).query(surface)[0].max() < 0.5
    assert surface.mean(axis=0) == pytest.approx(centres.mean(axis=0), abs=0.2)


def test_surfaces_of_the_librarys_reconstruction_coincide_with_the_voxels(scene):
    from CoronarySegLib.postprocessing import Trees
    from CoronarySegLib.reconstruction import reconstruct

    node = volume_node("patient", np.zeros((40, 44, 48), np.int16), np.diag([-0.5, -0.5, 0.5, 1.0]))
    labels = labels_for(node, calcium=False)
    probability = gaussian_filter((labels.array > 0).astype(np.float32), 0.7)
    trees = Trees(labels, labels.with_array(probability), 0.5, 2, 0, 0, 2, False, None)
    written = nodes.write_result(node, BuiltResult(labels, reconstruct(trees)))
    for key, model in written.models.items():
        voxels = np.argwhere(segment_array(written, key, node))[:, ::-1]
        centres = voxels @ ijk_to_ras(node)[:3, :3].T + ijk_to_ras(node)[:3, 3]
        assert cKDTree(centres).query(slicer.util.arrayFromModelPoints(model))[0].max() < 0.8
        assert slicer.util.arrayFromModelPoints(model).mean(axis=0) == pytest.approx(centres.mean(axis=0), abs=0.3)


def _world(node, point) -> np.ndarray:
    world = np.zeros(3)
    node.TransformPointToWorld(point, world)
    return world


def test_results_follow_the_volume_when_its_transform_is_edited(oblique_volume):
    transform = linear_transform(rigid_matrix())
    oblique_volume.SetAndObserveTransformNodeID(transform.GetID())
    written = nodes.write_result(oblique_volume, result_for(oblique_volume))
    for node in (written.segmentation, *written.models.values()):
        assert node.GetParentTransformNode() is transform


def test_nodes_lie_in_the_subject_hierarchy_folder_of_the_volume(oblique_volume, scene):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "patient folder")
    hierarchy.CreateItem(folder, oblique_volume)
    written = nodes.write_result(oblique_volume, result_for(oblique_volume))
    for node in (written.segmentation, *written.models.values()):
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == folder


def test_attributes_are_kept_on_every_written_node(oblique_volume):
    written = nodes.write_result(oblique_volume, result_for(oblique_volume), attributes={"CoronarySeg.Model": "own 1"})
    for node in (written.segmentation, *written.models.values()):
        assert node.GetAttribute("CoronarySeg.Model") == "own 1"


def test_slicers_own_closed_surface_is_made_with_little_smoothing(oblique_volume):
    written = nodes.write_result(oblique_volume, result_for(oblique_volume))
    rule = slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule
    factor = written.segmentation.GetSegmentation().GetConversionParameter(rule.GetSmoothingFactorParameterName())
    assert float(factor) <= 0.1


# --- second run -----------------------------------------------------------------------------------------------------

def test_a_second_run_replaces_the_first_in_the_same_nodes(oblique_volume, scene):
    first = nodes.write_result(oblique_volume, result_for(oblique_volume))
    before = scene.GetNumberOfNodes()
    second_result = result_for(oblique_volume)
    second_result.labels.array[:, :8] = 0
    second_result.labels.array[0, 0, 0] = 1
    second = nodes.write_result(oblique_volume, second_result)
    assert second.segmentation is first.segmentation
    assert second.models == first.models
    assert scene.GetNumberOfNodes() == before
    assert np.array_equal(segment_array(second, "left", oblique_volume), second_result.labels.array == 1)


def test_replacing_takes_out_calcium_that_the_new_result_does_not_have(oblique_volume, scene):
    first = nodes.write_result(oblique_volume, result_for(oblique_volume))
    gone = [first.models["calcium"].GetID(), first.models["calcium"].GetDisplayNodeID()]
    second = nodes.write_result(oblique_volume, result_for(oblique_volume, calcium=False))
    assert "calcium" not in second.segmentation.GetSegmentation().GetSegmentIDs()
    assert [scene.GetNodeByID(node_id) for node_id in gone] == [None, None]


def test_a_second_run_can_add_nodes_beside_the_first(oblique_volume):
    first = nodes.write_result(oblique_volume, result_for(oblique_volume))
    second = nodes.write_result(oblique_volume, result_for(oblique_volume), replace=False)
    names = [node.GetName() for run in (first, second) for node in (run.segmentation, *run.models.values())]
    assert len(set(names)) == 8
    assert nodes.find_models(first.segmentation) == first.models
    assert nodes.find_segmentation(oblique_volume) is second.segmentation


def test_adding_into_the_same_segmentation_numbers_the_new_segments(oblique_volume):
    first = nodes.write_result(oblique_volume, result_for(oblique_volume, calcium=False))
    second = nodes.write_result(
        oblique_volume, result_for(oblique_volume, calcium=False), output_segmentation=first.segmentation, replace=False
    )
    segmentation = second.segmentation.GetSegmentation()
    names = [segmentation.GetSegment(segment_id).GetName() for segment_id in segmentation.GetSegmentIDs()]
    assert names == ["Left coronary tree", "Right coronary tree", "Left coronary tree 2", "Right coronary tree 2"]


def test_replacing_keeps_segments_the_user_drew(oblique_volume):
    first = nodes.write_result(oblique_volume, result_for(oblique_volume))
    first.segmentation.GetSegmentation().AddEmptySegment("aorta", "aorta")
    second = nodes.write_result(oblique_volume, result_for(oblique_volume))
    assert "aorta" in second.segmentation.GetSegmentation().GetSegmentIDs()


def test_replacing_after_the_volume_was_moved_follows_it(oblique_volume):
    first = nodes.write_result(oblique_volume, result_for(oblique_volume))
    transform = linear_transform(rigid_matrix())
    oblique_volume.SetAndObserveTransformNodeID(transform.GetID())
    second = nodes.write_result(oblique_volume, result_for(oblique_volume))
    assert second.segmentation is first.segmentation
    assert {node.GetParentTransformNode() for node in (second.segmentation, *second.models.values())} == {transform}


def test_results_of_two_volumes_do_not_replace_each_other(oblique_volume):
    other = volume_node("other", np.zeros((30, 40, 50), np.int16), oblique_matrix())
    first = nodes.write_result(oblique_volume, result_for(oblique_volume))
    second = nodes.write_result(other, result_for(other))
    assert first.segmentation is not second.segmentation


# --- errors leave the scene as it was -------------------------------------------------------------------------------

def broken_results(volume):
    good = result_for(volume)
    far = labels_for(volume_node("elsewhere", np.zeros((30, 40, 50), np.int16), np.eye(4)))
    return {
        "result of another grid": (BuiltResult(far, good.surfaces), "changed since the run started"),
        "surface without polygons": (BuiltResult(good.labels, {"left": BuiltSurface(None)}), "no polygons"),
        "surface of an unknown part": (BuiltResult(good.labels, {"vein": good.surfaces["left"]}), "parts: vein"),
    }


@pytest.mark.parametrize("case", ["result of another grid", "surface without polygons", "surface of an unknown part"])
@pytest.mark.parametrize("earlier", [False, True], ids=["first run", "second run"])
def test_a_result_that_does_not_fit_is_refused_and_changes_nothing(oblique_volume, scene, case, earlier):
    if earlier:
        nodes.write_result(oblique_volume, result_for(oblique_volume))
    result, text = broken_results(oblique_volume)[case]
    before = state_of(scene)
    with pytest.raises(ValueError, match=text):
        nodes.write_result(oblique_volume, result)
    assert state_of(scene) == before


def test_an_interrupted_writing_takes_its_new_nodes_out_again(oblique_volume, scene):
    class Stubborn(dict):
        def items(self):
            raise MemoryError

    before = state_of(scene)
    with pytest.raises(MemoryError):
        nodes.write_result(oblique_volume, result_for(oblique_volume), attributes=Stubborn(a="b"))
    assert state_of(scene) == before


def test_a_segmentation_with_other_segments_under_another_transform_is_refused(oblique_volume, scene):
    target = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "drawn")
    target.GetSegmentation().AddEmptySegment("aorta", "aorta")
    target.SetAndObserveTransformNodeID(linear_transform(rigid_matrix()).GetID())
    with pytest.raises(ValueError, match="'drawn' holds other segments under another transform"):
        nodes.write_result(oblique_volume, result_for(oblique_volume), output_segmentation=target)


def test_a_volume_removed_during_the_run_is_said_to_be_gone(oblique_volume, scene):
    result = result_for(oblique_volume)
    scene.RemoveNode(oblique_volume)
    with pytest.raises(ValueError, match="'patient' was removed from the scene"):
        nodes.write_result(oblique_volume, result)


def test_an_output_that_is_no_segmentation_is_refused(oblique_volume, scene):
    with pytest.raises(ValueError, match="is not a segmentation"):
        nodes.write_result(
            oblique_volume, result_for(oblique_volume), output_segmentation=scene.AddNewNodeByClass("vtkMRMLModelNode")
        )
