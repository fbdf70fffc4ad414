"""The ``.seg.nrrd`` as 3D Slicer reads it (the real MRML of slicer-core) and as any NRRD reader does."""

import numpy as np
import pytest
import SimpleITK as sitk

from CoronarySegLib.writing.seg_nrrd import write_seg_nrrd
from CoronarySegLib.writing.segments import SEGMENTS


@pytest.fixture(scope="module")
def segmentation(case):
    slicer = pytest.importorskip("slicer")
    node, storage = slicer.vtkMRMLSegmentationNode(), slicer.vtkMRMLSegmentationStorageNode()
    scene = slicer.vtkMRMLScene()
    scene.AddNode(node)
    scene.AddNode(storage)
    storage.SetFileName(str(case.segmentation))
    assert storage.ReadData(node) == 1
    # The scene must outlive the node.
    return node.GetSegmentation(), scene


def test_slicer_shows_the_parts_with_names_and_colours(segmentation):
    parts = [segmentation[0].GetNthSegment(i) for i in range(segmentation[0].GetNumberOfSegments())]
    assert [part.GetName() for part in parts] == [segment.name for segment in SEGMENTS]
    for part, segment in zip(parts, SEGMENTS, strict=True):
        assert part.GetColor() == pytest.approx(segment.colour, abs=1e-3)
        assert part.GetLabelValue() == segment.value


def test_slicer_reads_the_coded_meaning(segmentation):
    for segment in SEGMENTS:
        from vtkmodules.vtkCommonCore import reference

        tag = reference("")
        assert segmentation[0].GetSegment(segment.key).GetTag("TerminologyEntry", tag)
        assert str(tag) == segment.terminology


def test_slicer_keeps_the_trees_in_one_layer(segmentation):
    assert segmentation[0].GetNumberOfLayers() == 1


def test_voxels_and_grid_are_those_of_the_labels(case, result):
    image = sitk.ReadImage(str(case.segmentation))
    assert np.array_equal(sitk.GetArrayFromImage(image), result.labels.array)
    geometry = result.labels.geometry
    assert np.allclose(image.GetOrigin(), geometry.origin_lps_mm, atol=1e-9)
    assert np.allclose(image.GetDirection(), geometry.direction, atol=1e-9)


def test_extent_is_the_box_of_each_part(case, result):
    x = np.argwhere(result.labels.array == 1)[:, ::-1]
    expected = " ".join(f"{low} {high}" for low, high in zip(x.min(0), x.max(0), strict=True))
    assert sitk.ReadImage(str(case.segmentation)).GetMetaData("Segment0_Extent") == expected


def test_both_trees_are_listed_even_when_one_is_empty_and_calcium_only_when_there(result, tmp_path):
    only_left = result.labels.with_array((result.labels.array == 1).astype(np.uint8))
    write_seg_nrrd(only_left, tmp_path / "x.seg.nrrd")
    image = sitk.ReadImage(str(tmp_path / "x.seg.nrrd"))
    assert image.GetMetaData("Segment1_ID") == "right"
    assert image.GetMetaData("Segment1_Extent") == "0 -1 0 -1 0 -1"
    assert not image.HasMetaDataKey("Segment2_ID")
