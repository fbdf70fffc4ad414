"""X-ray angiograms on real nodes: a frame gives a segmentation, a sequence a sequence of them."""

import json

import numpy as np
import pytest
import slicer
from CoronarySegModule import angiogram_nodes
from CoronarySegModule.angiogram_nodes import MEASURED_ATTRIBUTE, frames_of, is_angiogram, write_angiogram
from slicer_samples import oblique_matrix, volume_node

from CoronarySegLib.errors import InputError
from CoronarySegLib.provenance import Provenance
from CoronarySegLib.worker.angiograms import AngiogramOutcome

SHAPE = (40, 56)


def frame_node(name="angiogram", level=100):
    array = np.full((1, *SHAPE), level, np.uint8)
    array[0, 18:22] = level // 3
    return volume_node(name, array, oblique_matrix())


def sequence_node(levels=(90, 100, 110)):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "run")
    node.SetIndexName("time")
    node.SetIndexUnit("s")
    for number, level in enumerate(levels):
        frame = frame_node(f"frame {number}", level)
        node.SetDataNodeAtValue(frame, str(number / 15))
        slicer.mrmlScene.RemoveNode(frame)
    return node


def outcome_of(count, best=0):
    masks = np.zeros((count, *SHAPE), bool)
    for number in range(count):
        masks[number, 18:22, 5 : 20 + 10 * number] = True
    about = Provenance("0.1", "by hand 1", {"angiogram": "ab"}, "a CPU", {"network": 0.1})
    return AngiogramOutcome(
        masks, tuple(range(count)), best, "px", ({"frame": 1, "vessel": "vessel 1", "length_px": 40.0},), (), about,
        ("No pixel size.",),
    )


def mask_in(segmentation, volume):
    segment_id = segmentation.GetSegmentation().GetSegmentIDs()[0]
    return slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment_id, volume)


def test_a_volume_of_one_slice_is_an_angiogram_and_a_ct_is_not(scene, oblique_volume):
    assert is_angiogram(frame_node())
    assert is_angiogram(sequence_node())
    assert not is_angiogram(oblique_volume)
    assert not is_angiogram(None)
    assert not is_angiogram(scene.AddNewNodeByClass("vtkMRMLSequenceNode", "empty"))
    with pytest.raises(InputError, match="'patient' is no X-ray angiogram"):
        frames_of(oblique_volume)


def test_a_frame_gives_a_segmentation_on_its_pixels(scene):
    node, outcome = frame_node(), outcome_of(1)
    written = write_angiogram(node, outcome)
    assert np.array_equal(mask_in(written.segmentation, node)[0] > 0, outcome.masks[0])
    segment = written.segmentation.GetSegmentation().GetNthSegment(0)
    assert segment.GetName() == "Coronary arteries"
    assert written.warnings == ("No pixel size.",)
    about = json.loads(written.segmentation.GetAttribute(MEASURED_ATTRIBUTE))
    assert about["unit"] == "px"
    assert about["vessels"][0]["length_px"] == 40.0
    assert about["provenance"]["model"] == "by hand 1"


def test_a_second_run_renews_the_segmentation(scene):
    node = frame_node()
    first = write_angiogram(node, outcome_of(1)).segmentation
    again = write_angiogram(node, outcome_of(1)).segmentation
    assert again is first
    assert again.GetSegmentation().GetNumberOfSegments() == 1


def test_a_sequence_gives_a_sequence_of_segmentations_with_its_index(scene):
    node, outcome = sequence_node(), outcome_of(3, best=2)
    before = scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    written = write_angiogram(node, outcome)
    made = written.sequence
    assert made.GetNumberOfDataNodes() == 3
    assert [made.GetNthIndexValue(i) for i in range(3)] == [node.GetNthIndexValue(i) for i in range(3)]
    assert made.GetIndexUnit() == "s"
    for number in range(3):
        item = made.GetNthDataNode(number)
        assert item.IsA("vtkMRMLSegmentationNode")
        found = item.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
        assert found.GetExtent()[1] - found.GetExtent()[0] + 1 == 15 + 10 * number
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == before


def test_a_browser_that_plays_the_run_plays_its_vessels(scene):
    node = sequence_node()
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "browser")
    browser.SetAndObserveMasterSequenceNodeID(node.GetID())
    made = write_angiogram(node, outcome_of(3, best=2)).sequence
    assert browser.IsSynchronizedSequenceNode(made, True)
    assert browser.GetSelectedItemNumber() == 2


def test_a_frame_with_nothing_found_is_empty_and_no_error(scene):
    outcome = outcome_of(3)
    outcome.masks[1] = False
    made = write_angiogram(sequence_node(), outcome).sequence
    assert made.GetNthDataNode(1).GetSegmentation().GetNumberOfSegments() == 1


def test_a_node_that_changed_or_went_is_said_so_and_the_scene_stays(scene):
    node = sequence_node()
    count = scene.GetNumberOfNodes()
    with pytest.raises(ValueError, match="'run' changed since the run started"):
        write_angiogram(node, outcome_of(2))
    assert scene.GetNumberOfNodes() == count
    scene.RemoveNode(node)
    with pytest.raises(ValueError, match="removed from the scene"):
        write_angiogram(node, outcome_of(3))


def test_the_run_reads_the_frames_and_refuses_an_unknown_device(scene):
    assert frames_of(sequence_node((90, 100))).shape == (2, *SHAPE)
    with pytest.raises(ValueError, match="Unknown device 'abacus'"):
        angiogram_nodes.angiogram_run(frame_node(), device="abacus")
