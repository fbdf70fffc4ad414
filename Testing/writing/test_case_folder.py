"""The case folder as a whole: complete, safe to write, and its volumes and report."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from CoronarySegLib.errors import Cancelled, OutputError
from CoronarySegLib.volume import Volume
from CoronarySegLib.writing import write_case


def read(path) -> Volume:
    return Volume.of_image(sitk.ReadImage(str(path)))


def test_every_file_named_is_there_and_nothing_else(case):
    assert sorted(path.name for path in case.all) == sorted(path.name for path in case.folder.iterdir())
    assert {"labels.nii.gz", "segmentation.seg.nrrd", "left.stl", "right.vtp", "points_distance.ply", "report.json",
            "picture.png"} <= {path.name for path in case.all}


def test_labels_lie_on_the_input_grid_voxel_for_voxel(case, result):
    labels = read(case.labels)
    assert labels.array.dtype == np.uint8
    assert np.array_equal(labels.array, result.labels.array)
    assert labels.geometry.same_grid(result.labels.geometry, tolerance_mm=1e-3)


def test_probability_lies_on_the_input_grid_to_one_part_in_500(case, result):
    probability = read(case.probability)
    assert probability.geometry.same_grid(result.labels.geometry, tolerance_mm=1e-3)
    assert np.abs(probability.array - result.probability.array).max() <= 1 / 512 + 1e-6


def test_report_says_what_went_in_and_what_came_out(case, result):
    report = json.loads(case.report.read_text(encoding="utf-8"))
    assert report["schema"] == 1
    assert "research" in report["note"]
    assert report["input"]["files"]["bytes"] == 15
    assert len(report["input"]["files"]["sha256"]) == 64
    assert report["input"]["geometry"]["size_xyz"] == list(result.labels.geometry.size_xyz)
    assert report["model"]["stages"][0]["sha256"] == "ab" * 32
    assert report["device"]["engine"] == "torch CPU"
    assert report["packages"]["numpy"]
    assert report["segmentation"]["volumes_mm3"]["left"] == pytest.approx(result.trees.volume_mm3("left"), abs=1e-3)
    assert report["segmentation"]["components"]["found"] == result.trees.components_found
    assert report["surfaces"]["left"]["watertight"] is True
    assert report["timings_s"]["vessels"] == 1.5
    assert report["warnings"] == ["The image is noisy."]


def test_a_dicom_folder_gets_one_checksum_over_names_and_contents(result, tmp_path):
    from CoronarySegLib.writing.report import describe_source

    series = tmp_path / "series"
    series.mkdir()
    (series / "1.dcm").write_bytes(b"one")
    before = describe_source(series)
    (series / "1.dcm").rename(series / "2.dcm")
    assert before["file_count"] == 1
    assert describe_source(series)["sha256"] != before["sha256"]


def test_what_is_not_wanted_is_not_written(result, tmp_path):
    files = write_case(result, tmp_path / "case", probability=False, picture=False)
    assert files.probability is None
    assert files.picture is None
    assert not list(files.folder.glob("prob*")) + list(files.folder.glob("*.png"))


def test_a_folder_in_use_is_refused(case, result):
    with pytest.raises(OutputError, match="overwrite"):
        write_case(result, case.folder, picture=False)


def test_an_earlier_case_is_replaced_on_request(result, tmp_path):
    write_case(result, tmp_path / "case", picture=False)
    (tmp_path / "case" / "old.txt").write_text("old")
    files = write_case(result, tmp_path / "case", picture=False, overwrite=True)
    assert not (files.folder / "old.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


def test_a_folder_that_is_no_case_is_never_overwritten(result, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(OutputError, match="no earlier case"):
        write_case(result, tmp_path / "thesis", overwrite=True)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"


def test_an_empty_folder_is_filled(result, tmp_path):
    (tmp_path / "case").mkdir()
    assert write_case(result, tmp_path / "case", picture=False).report.is_file()


def test_a_file_in_place_of_the_folder_is_refused(result, tmp_path):
    (tmp_path / "case").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        write_case(result, tmp_path / "case")


def test_a_place_that_cannot_hold_a_folder_is_named(result, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_case(result, tmp_path / "file" / "case", picture=False)


def test_cancelling_leaves_nothing_behind(result, tmp_path):
    with pytest.raises(Cancelled):
        write_case(result, tmp_path / "case", progress=lambda fraction, text: fraction < 0.4)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_drawn_is_a_warning_and_no_failure(result, tmp_path):
    no_grey_values = replace(result.prediction, ct=None)
    files = write_case(replace(result, prediction=no_grey_values), tmp_path / "case")
    assert files.picture is None
    assert "picture" in json.loads(files.report.read_text(encoding="utf-8"))["warnings"][-1]
