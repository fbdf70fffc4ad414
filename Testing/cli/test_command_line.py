"""What a person meets at the prompt: help, errors in one line, exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
import typer

from CoronarySegLib import __version__
from CoronarySegLib.cli.main import main
from CoronarySegLib.cli.phantom import grid_of


def write_volume(path, array, spacing=(0.5, 0.5, 0.5)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def two_trees():
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[5:35, 8:12, 8:12] = 1
    labels[5:35, 25:29, 25:29] = 2
    return labels


def app_that_raises(error: BaseException) -> typer.Typer:
    application = typer.Typer()

    @application.command()
    def only() -> None:
        raise error

    return application


def failed_line(capsys) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"coronaryseg {__version__}"


@pytest.mark.parametrize(
    "name", ["segment", "demo", "phantom", "train", "evaluate", "centreline", "models", "uncertainty", "benchmark"]
)
def test_every_subcommand_has_help(name, capsys):
    assert main([name, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from CoronarySegLib.cli.main import main; main(['--help']);"
        "print([m for m in ('torch', 'monai', 'vtk', 'vtkmodules', 'SimpleITK', 'scipy', 'numpy', 'matplotlib')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "CoronarySegLib", "--version"], capture_output=True, text=True, check=True
    )
    assert __version__ in done.stdout


def test_an_unknown_subcommand_ends_with_2(capsys):
    assert main(["paint"]) == 2
    assert "paint" in capsys.readouterr().err


def test_a_library_error_is_one_line_and_its_exit_code(capsys, tmp_path):
    assert main(["segment", "--list-series", str(tmp_path / "nothing")]) == 3
    assert failed_line(capsys).startswith("coronaryseg: ")


def test_an_unexpected_error_ends_with_70_and_a_hint(capsys):
    assert main([], application=app_that_raises(ZeroDivisionError("seven"))) == 70
    line = failed_line(capsys)
    assert "ZeroDivisionError: seven" in line
    assert "--debug" in line


def test_debug_shows_the_traceback_wherever_it_stands(capsys, tmp_path):
    assert main(["segment", "--list-series", str(tmp_path / "nothing"), "--debug"]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_ends_with_130(capsys):
    assert main([], application=app_that_raises(KeyboardInterrupt())) == 130
    assert "Stopped" in failed_line(capsys)


def test_an_output_folder_in_use_is_refused_before_any_work(capsys, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine")
    assert main(["phantom", "-o", str(tmp_path / "out"), "--size", "16", "16", "16"]) == 7
    assert "--overwrite" in failed_line(capsys)


@pytest.mark.parametrize("options", [["--orientation", "LLS"], ["--orientation", "XYZ"], ["--spacing", "0", "1", "1"],
                                     ["--calibre", "5"]])
def test_a_phantom_that_cannot_be_ends_with_2(options, capsys, tmp_path):
    assert main(["phantom", "-o", str(tmp_path / "p"), *options]) == 2
    assert capsys.readouterr().err


def test_orientation_letters_become_the_direction():
    grid = grid_of((20, 30, 40), (1.0, 1.0, 2.0), "RAS")
    assert np.allclose(np.reshape(grid.direction, (3, 3)), np.diag([-1, -1, 1]))
    assert np.allclose(grid.centre_lps_mm, 0)


def test_an_oblique_grid_is_a_rotation():
    direction = np.reshape(grid_of((20, 30, 40), (1.0, 1.0, 1.0), "LPS", 20.0).direction, (3, 3))
    assert np.allclose(direction @ direction.T, np.eye(3))
    assert np.degrees(np.arccos((np.trace(direction) - 1) / 2)) == pytest.approx(20.0)


def test_evaluate_prints_the_table_and_writes_json(capsys, tmp_path, two_trees):
    truth = write_volume(tmp_path / "truth.nii.gz", two_trees)
    predicted = write_volume(tmp_path / "predicted.nii.gz", two_trees * (two_trees == 1))
    out = tmp_path / "scores.json"
    assert main(["evaluate", str(predicted), str(truth), "--json", str(out), "--progress", "none"]) == 0
    assert "Dice" in capsys.readouterr().out
    values = json.loads(out.read_text())
    assert values["left"]["dice"] == 1.0
    assert values["right"]["centreline_found"] == 0.0


def test_evaluate_takes_case_folders_with_their_probability(capsys, tmp_path, two_trees):
    write_volume(tmp_path / "case/labels.nii.gz", two_trees)
    write_volume(tmp_path / "case/probability.nii.gz", (two_trees > 0).astype(np.float32))
    write_volume(tmp_path / "phantom/truth.nii.gz", two_trees)
    assert main(["evaluate", str(tmp_path / "case"), str(tmp_path / "phantom"), "--progress", "none"]) == 0
    assert "ROC-AUC" in capsys.readouterr().out


def test_evaluate_of_folders_ends_with_1_when_a_case_failed(capsys, tmp_path, two_trees):
    for name in ("a", "b"):
        write_volume(tmp_path / f"truth/{name}.nii.gz", two_trees)
    write_volume(tmp_path / "predicted/a.nii.gz", two_trees)
    (tmp_path / "predicted/b.nii.gz").write_bytes(b"nothing")
    assert main(["evaluate", str(tmp_path / "predicted"), str(tmp_path / "truth"), "--progress", "none"]) == 1
    assert "b: " in capsys.readouterr().out


def test_evaluate_of_an_image_names_the_mistake(capsys, tmp_path, two_trees):
    truth = write_volume(tmp_path / "truth.nii.gz", two_trees)
    image = write_volume(tmp_path / "ct.nii.gz", np.full(two_trees.shape, -800, np.int16))
    assert main(["evaluate", str(image), str(truth), "--progress", "none"]) == 3
    assert "label map" in failed_line(capsys)


def test_json_progress_is_one_object_a_line(capsys, tmp_path, two_trees):
    truth = write_volume(tmp_path / "truth.nii.gz", two_trees)
    assert main(["evaluate", str(truth), str(truth), "--progress", "json"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert set(json.loads(first)) == {"progress", "text"}


def test_an_unknown_model_lists_the_known_ones(capsys):
    assert main(["models", "show", "no-such-model"]) == 5
    assert "no-such-model" in failed_line(capsys)


def test_segment_of_a_missing_file_ends_with_3_and_leaves_nothing(capsys, tmp_path):
    out = tmp_path / "out"
    assert main(["segment", str(tmp_path / "no.nii.gz"), "-o", str(out), "--progress", "none"]) == 3
    assert "does not exist" in failed_line(capsys)
    assert not out.exists()


def test_segment_with_an_unknown_model_ends_with_5(capsys, tmp_path):
    ct = write_volume(tmp_path / "ct.nii.gz", np.full((20, 20, 20), 40, np.int16))
    arguments = ["segment", str(ct), "-o", str(tmp_path / "out"), "--model", "no-such-model", "--progress", "none"]
    assert main(arguments) == 5
    assert "no-such-model" in failed_line(capsys)


def test_segment_refuses_a_threshold_that_is_none(capsys, tmp_path):
    ct = write_volume(tmp_path / "ct.nii.gz", np.full((20, 20, 20), 40, np.int16))
    assert main(["segment", str(ct), "-o", str(tmp_path / "out"), "--threshold", "3"]) == 2
    assert "threshold" in capsys.readouterr().err


def test_segment_does_not_write_over_a_folder_that_is_in_use(capsys, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine")
    assert main(["segment", str(tmp_path / "ct.nii.gz"), "-o", str(tmp_path / "out")]) == 7
    assert "not empty" in failed_line(capsys)


def test_a_phantom_is_written_and_scores_perfectly_against_itself(capsys, tmp_path):
    folder = tmp_path / "phantom"
    grid = ["--size", "64", "64", "56", "--spacing", "2.5", "2.5", "2.5", "--orientation", "RAS", "--oblique", "10"]
    options = ["--seed", "3", "--calibre", "1.2", *grid, "--progress", "none"]
    assert main(["phantom", "-o", str(folder), *options]) == 0
    assert json.loads((folder / "tree.json").read_text())["calibre"] == 1.2
    assert main(["evaluate", str(folder), str(folder), "--json", str(tmp_path / "s.json"), "--progress", "none"]) == 0
    scores = json.loads((tmp_path / "s.json").read_text())
    assert scores["total"]["dice"] == 1.0
    assert scores["centreline_source"] == "given"
