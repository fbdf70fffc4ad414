"""A scene with results survives being saved as .mrb and loaded again."""

import numpy as np
import pytest
import slicer
import vtk
from CoronarySegModule import nodes
from slicer_samples import linear_transform, result_for, rigid_matrix


@pytest.fixture
def reloaded(oblique_volume, scene, tmp_path):
    """The scene after saving to and loading from a bundle, with what was in it before."""
    oblique_volume.SetAndObserveTransformNodeID(linear_transform(rigid_matrix()).GetID())
    result = result_for(oblique_volume)
    written = nodes.write_result(oblique_volume, result, attributes={"CoronarySeg.Version": "0.1.0"})
    expected = {
        "labels": result.labels.array,
        "points": {key: slicer.util.arrayFromModelPoints(model).copy() for key, model in written.models.items()},
    }
    bundle = tmp_path / "saved scene.mrb"
    assert scene.WriteToMRB(str(bundle))
    scene.Clear(0)
    assert scene.ReadFromMRB(str(bundle))
    return scene.GetFirstNodeByName("patient"), expected


def test_the_segmentation_is_found_again_from_its_volume(reloaded):
    volume, _ = reloaded
    assert nodes.find_segmentation(volume) is not None


@pytest.mark.parametrize(("key", "value"), [("left", 1), ("right", 2), ("calcium", 3)])
def test_segments_come_back_voxel_by_voxel(reloaded, key, value):
    volume, expected = reloaded
    segmentation = nodes.find_segmentation(volume)
    array = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, key, volume)
    assert np.array_equal(array, expected["labels"] == value)


def test_segments_come_back_with_name_colour_and_terminology(reloaded):
    volume, _ = reloaded
    segment = nodes.find_segmentation(volume).GetSegmentation().GetSegment("left")
    tag = vtk.reference("")
    segment.GetTag(segment.GetTerminologyEntryTagName(), tag)
    assert segment.GetName() == "Left coronary tree"
    assert segment.GetColor() == pytest.approx((0.89, 0.23, 0.20), abs=1e-3)
    assert "SCT^7771000^Left" in str(tag)


def test_models_come_back_with_their_part_their_transform_and_their_points(reloaded):
    volume, expected = reloaded
    models = nodes.find_models(nodes.find_segmentation(volume))
    assert set(models) == {"left", "right", "calcium"}
    for key, model in models.items():
        assert model.GetParentTransformNode() is volume.GetParentTransformNode()
        assert slicer.util.arrayFromModelPoints(model) == pytest.approx(expected["points"][key], abs=1e-3)


def test_provenance_comes_back(reloaded):
    volume, _ = reloaded
    assert nodes.find_segmentation(volume).GetAttribute("CoronarySeg.Version") == "0.1.0"


def test_a_run_after_loading_replaces_the_saved_result(reloaded, scene):
    volume, _ = reloaded
    before = scene.GetNumberOfNodes()
    segmentation = nodes.find_segmentation(volume)
    assert nodes.write_result(volume, result_for(volume)).segmentation is segmentation
    assert scene.GetNumberOfNodes() == before
