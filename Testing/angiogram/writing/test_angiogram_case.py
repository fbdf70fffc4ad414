"""From a run to a case folder: what is found, what is written, and that it agrees."""

import json

import numpy as np
import pytest
from helpers.angiograms import bolus_run, curved_tube, drawn_angiogram, write_xa
from PIL import Image

from CoronarySegLib.angiogram.inference import AngiogramPrediction
from CoronarySegLib.angiogram.reading import checked_run, read_angiogram
from CoronarySegLib.angiogram.segmentation import segment_angiogram
from CoronarySegLib.angiogram.writing import write_case
from CoronarySegLib.cli.angiogram import frames_of
from CoronarySegLib.cli.main import main
from CoronarySegLib.errors import EmptyResultError, InputError, OutputError

LIKELY = curved_tube(10.0)


def sees_the_tube(image):
    """Stands in for a network: finds the tube wherever contrast is."""
    filled = image.array[LIKELY > 0.9].mean() < 0.85 * image.array[LIKELY < 0.1].mean()
    likely = LIKELY if filled else np.zeros_like(LIKELY)
    return AngiogramPrediction(likely, likely > 0.5, 0.5, "a stand-in")


def sees_nothing(image):
    nothing = np.zeros(image.array.shape, np.float32)
    return AngiogramPrediction(nothing, nothing > 0.5, 0.5, "a stand-in")


@pytest.fixture(scope="module")
def result():
    run = checked_run(drawn_angiogram()[None], name="drawn", white=1.0, spacing_mm=0.3, source="drawn.png")
    return segment_angiogram(run, predict=sees_the_tube)


@pytest.fixture(scope="module")
def case(result, tmp_path_factory):
    return write_case(result, tmp_path_factory.mktemp("out") / "case")


def test_a_frame_is_segmented_and_measured(result):
    assert len(result.frames) == 1
    (system,) = result.frames[0].measurements.systems.values()
    assert system.vessels[0].figures.mean_inscribed_diameter_mm == pytest.approx(3.0, abs=0.1)
    assert result.engine == "a stand-in"


def test_the_case_folder_is_complete(case):
    names = {path.relative_to(case.folder).as_posix() for path in case.folder.rglob("*") if path.is_file()}
    assert names == {
        "mask.png", "probability.png", "overlay.png", "vessels.csv", "stenoses.csv", "profiles.csv", "centreline.vtp",
        "picture.png", "report.json",
    }
    assert names == {path.relative_to(case.folder).as_posix() for path in case.all}


def test_the_written_mask_is_the_mask(case, result):
    assert np.array_equal(np.asarray(Image.open(case.masks[0])) > 0, result.frames[0].mask)
    assert Image.open(case.overlays[0]).size == (512, 512)


def test_the_report_says_unit_vessels_and_model(case):
    report = json.loads(case.report.read_text())
    assert report["unit"] == "mm"
    assert report["input"]["spacing_mm"] == 0.3
    assert report["model"]["name"] == "sees_the_tube"
    assert report["frames"][0]["vessels"][0]["mean_diameter_mm"] == pytest.approx(3.0, abs=0.1)


def test_the_profile_has_a_row_a_step_with_pixels_and_diameters(case):
    lines = (case.folder / "profiles.csv").read_text().splitlines()
    assert lines[0].startswith("frame,tree,vessel,arc_mm,x_px,y_px,diameter_mm,reference_diameter_mm")
    assert len(lines) > 200


def test_without_a_scale_columns_are_in_pixels_and_there_is_no_vtp(tmp_path):
    run = checked_run(drawn_angiogram()[None], name="drawn", white=1.0)
    files = write_case(segment_angiogram(run, predict=sees_the_tube), tmp_path / "px", picture=False)
    assert files.centreline is None
    assert "diameter_px" in (files.folder / "profiles.csv").read_text().splitlines()[0]
    assert json.loads(files.report.read_text())["unit"] == "px"


def test_all_frames_of_a_run_have_their_masks_and_empty_ones_are_said(tmp_path):
    run = read_angiogram(write_xa(tmp_path / "run.dcm", bolus_run((0.0, 0.3, 0.35, 0.3))))
    result = segment_angiogram(run, frames="all", predict=sees_the_tube)
    assert [frame.mask.any() for frame in result.frames] == [False, True, True, True]
    assert "1 of 4 frames show no vessel." in result.warnings
    files = write_case(result, tmp_path / "case", picture=False, probability=False)
    assert [path.name for path in files.masks] == [f"frame_{number:03d}.png" for number in (1, 2, 3, 4)]
    assert files.masks[0].parent.name == "mask"
    assert files.probabilities == ()
    assert len(json.loads(files.report.read_text())["frames"]) == 4


def test_no_vessel_is_an_error_and_not_an_empty_mask():
    run = checked_run(drawn_angiogram()[None], name="drawn", white=1.0)
    with pytest.raises(EmptyResultError, match="No vessel was found"):
        segment_angiogram(run, predict=sees_nothing)


def test_an_unknown_frame_is_refused():
    run = checked_run(drawn_angiogram()[None], name="drawn", white=1.0)
    with pytest.raises(InputError, match="no frame 3"):
        segment_angiogram(run, frames=2, predict=sees_the_tube)
    with pytest.raises(InputError, match="choose best, all"):
        segment_angiogram(run, frames="some", predict=sees_the_tube)


def test_a_foreign_folder_is_not_overwritten(result, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="not empty"):
        write_case(result, tmp_path)
    with pytest.raises(OutputError, match="no earlier case"):
        write_case(result, tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_line_counts_frames_from_one():
    assert (frames_of("best"), frames_of("all"), frames_of("3")) == ("best", "all", 2)
    with pytest.raises(Exception, match="choose best, all or a number"):
        frames_of("0")


def test_a_ct_model_is_refused_for_an_angiogram(tmp_path, capsys):
    Image.fromarray(np.rint(255 * drawn_angiogram(128)).astype(np.uint8)).save(tmp_path / "one.png")
    assert main(["segment", str(tmp_path / "one.png"), "-o", str(tmp_path / "out"), "--model", "resunet3d"]) == 5
    assert "angiogram" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
