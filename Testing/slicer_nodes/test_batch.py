"""The batch script: what is a case, what is written, and the exit status for every outcome."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from CoronarySegModule import batch, nodes
from CoronarySegModule.batch import Failure, find_cases
from slicer_samples import result_of, two_vessels

from CoronarySegLib import __version__
from CoronarySegLib.errors import InputError, NotACoronaryCTError, OutputError


@pytest.fixture
def a_scan(tmp_path):
    """A readable volume file that is no CT of a heart."""
    path = tmp_path / "scans" / "pätient one.nii.gz"
    path.parent.mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(np.full((20, 21, 22), -1000, np.int16)), path)
    return path


@pytest.fixture
def a_broken_scan(tmp_path):
    path = tmp_path / "broken.nrrd"
    path.write_bytes(b"NRRD0004\ntype: short\n")
    return path


def names(*inputs) -> list[str]:
    return [case.name for case in find_cases(list(inputs))]


def test_a_file_is_a_case_named_without_its_suffixes(a_scan):
    assert names(a_scan) == ["pätient one"]


def test_a_folder_gives_its_volume_files_and_sub_folders_in_order(tmp_path):
    for name in ("b.nrrd", "a.nii.gz", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "series").mkdir()
    assert names(tmp_path) == ["a", "b", "series"]


def test_a_folder_of_slices_is_one_dicom_case(tmp_path):
    folder = tmp_path / "series"
    folder.mkdir()
    (folder / "IM0001").touch()
    assert names(folder) == ["series"]


def test_cases_of_the_same_name_are_kept_apart(tmp_path):
    for name in ("a.nii", "a.nrrd", "a.nii.gz"):
        (tmp_path / name).touch()
    assert sorted(names(tmp_path)) == ["a", "a_2", "a_3"]


def test_an_input_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing_here.*does not exist"):
        find_cases([tmp_path / "nothing_here"])


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="is empty"):
        find_cases([tmp_path])


FAILED = Failure("a", "a.nrrd", "InputError", "text", 3)


@pytest.mark.parametrize(
    ("case_count", "failures", "status"),
    [(1, [], 0), (3, [], 0), (1, [FAILED], 3), (3, [FAILED], 20), (2, [FAILED, FAILED], 21)],
    ids=["one written", "all written", "the only one failed", "some failed", "all failed"],
)
def test_the_exit_status_tells_how_the_run_went(case_count, failures, status):
    assert batch.exit_status(case_count, failures) == status


def test_wrong_arguments_end_with_two(capsys):
    assert batch.main(["--output"]) == 2
    assert "--output" in capsys.readouterr().err


def test_slicers_separator_before_the_arguments_is_accepted(tmp_path):
    assert batch.main(["--", str(tmp_path / "missing"), "--output", str(tmp_path / "out")]) == InputError.exit_code


def test_a_volume_that_is_no_heart_ct_ends_with_its_own_code_and_is_listed(scene, a_scan, a_model_folder, tmp_path):
    status = batch.main([str(a_scan), "--output", str(tmp_path / "out"), "--model", str(a_model_folder)])
    (failure,) = json.loads((tmp_path / "out" / "failures.json").read_text(encoding="utf-8"))
    assert status == NotACoronaryCTError.exit_code
    assert failure["case"] == "pätient one"
    assert failure["error"] == "NotACoronaryCTError"
    assert not (tmp_path / "out" / "pätient one.mrb").exists()


def test_a_broken_file_does_not_stop_the_cases_after_it(scene, a_scan, a_broken_scan, tmp_path):
    status = batch.main([str(a_broken_scan), str(a_scan), "--output", str(tmp_path / "out")])
    failures = json.loads((tmp_path / "out" / "failures.json").read_text(encoding="utf-8"))
    assert [failure["case"] for failure in failures] == ["broken", "pätient one"]
    assert status == batch.ALL_FAILED


def segment_by_hand(volume, **_options):
    """In the place of the library's run, which needs a heart: two vessels and calcium on the grid of the volume."""
    return result_of(volume.with_array(two_vessels(volume.geometry.shape_zyx)))


def run_to_bundle(scan, output, *more) -> int:
    arguments = [str(scan), "--output", str(output), "--write", "mrb", *more]
    return batch.main(arguments, segment=segment_by_hand)


def test_a_case_becomes_a_scene_that_opens_with_ct_segments_and_models(scene, a_scan, tmp_path):
    assert run_to_bundle(a_scan, tmp_path / "out") == 0
    assert scene.ReadFromMRB(str(tmp_path / "out" / "pätient one.mrb"))
    volume = scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    segmentation = nodes.find_segmentation(volume)
    assert volume.GetName() == "pätient one"
    assert tuple(segmentation.GetSegmentation().GetSegmentIDs()) == ("left", "right", "calcium")
    assert set(nodes.find_models(segmentation)) == {"left", "right", "calcium"}


def test_the_scene_of_a_case_says_what_made_the_result(scene, a_scan, tmp_path):
    run_to_bundle(a_scan, tmp_path / "out")
    scene.ReadFromMRB(str(tmp_path / "out" / "pätient one.mrb"))
    segmentation = nodes.find_segmentation(scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode"))
    said = {name: segmentation.GetAttribute(f"CoronarySeg.{name}") for name in ("Model", "Engine", "Version")}
    assert said == {"Model": "by hand 3", "Engine": "by hand on a CPU", "Version": __version__}
    assert json.loads(segmentation.GetAttribute("CoronarySeg.ModelChecksum")) == {"whole": "ab" * 32}
    assert json.loads(segmentation.GetAttribute("CoronarySeg.Timings_s")) == {"vessels": 12.35}
    assert json.loads(segmentation.GetAttribute("CoronarySeg.Warnings"))[0].startswith("The right coronary artery")


def test_nothing_of_a_case_stays_in_the_scene_for_the_next(scene, a_scan, tmp_path):
    run_to_bundle(a_scan, tmp_path / "out")
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


def test_a_scene_that_is_there_already_is_kept_unless_told_otherwise(scene, a_scan, tmp_path):
    run_to_bundle(a_scan, tmp_path / "out")
    assert run_to_bundle(a_scan, tmp_path / "out") == OutputError.exit_code
    assert run_to_bundle(a_scan, tmp_path / "out", "--overwrite") == 0


def test_one_failure_among_written_cases_is_told_by_its_own_status(scene, a_scan, a_broken_scan, tmp_path):
    assert batch.main(
        [str(a_broken_scan), str(a_scan), "--output", str(tmp_path / "out"), "--write", "mrb"], segment=segment_by_hand
    ) == batch.SOME_FAILED
