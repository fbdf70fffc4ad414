"""``coronaryseg centreline`` from a mask to named files, and what it says of masks it cannot use."""

import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CoronarySegLib.centreline.files import read_csv, read_markups, read_vtp
from CoronarySegLib.cli.main import main

sys.path.append(str(Path(__file__).resolve().parents[1] / "centreline"))
from shapes import grid_round, mask_of, two_systems


@pytest.fixture(scope="module")
def mask_file(tmp_path_factory) -> Path:
    shape = two_systems()
    path = tmp_path_factory.mktemp("masks") / "two trees.nii.gz"
    sitk.WriteImage(mask_of(shape, grid_round(shape, (0.5, 0.5, 0.5))).to_image(), str(path))
    return path


@pytest.fixture(scope="module")
def written(mask_file) -> Path:
    folder = mask_file.parent / "result"
    assert main(["centreline", str(mask_file), "-o", str(folder), "--progress", "none"]) == 0
    return folder


def test_each_system_has_its_three_files_and_the_tables(written):
    names = {path.name for path in written.iterdir()}
    assert {f"{side}.{ending}" for side in ("left", "right") for ending in ("vtp", "csv", "mrk.json")} <= names
    assert {"vessels.csv", "stenoses.csv", "measurements.json"} <= names


def test_the_three_files_hold_the_same_tree(written):
    trees = [
        read(written / f"left.{ending}")["left"]
        for read, ending in ((read_vtp, "vtp"), (read_csv, "csv"), (read_markups, "mrk.json"))
    ]
    for tree in trees[1:]:
        assert [b.name for b in tree.branches] == [b.name for b in trees[0].branches]
        for a, b in zip(tree.branches, trees[0].branches, strict=True):
            assert np.array_equal(a.points_lps_mm, b.points_lps_mm)


def test_nothing_is_left_beside_the_folder(written):
    assert not [path for path in written.parent.iterdir() if "partial" in path.name]


def test_a_folder_in_use_is_refused(mask_file, written, capsys):
    assert main(["centreline", str(mask_file), "-o", str(written)]) == 7
    assert "--overwrite" in capsys.readouterr().err


def test_a_missing_mask_is_named(tmp_path, capsys):
    assert main(["centreline", str(tmp_path / "none.nii.gz"), "-o", str(tmp_path / "out")]) == 3
    assert "none.nii.gz" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_empty_mask_ends_with_6_and_writes_nothing(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((8, 8, 8), np.uint8)), str(tmp_path / "empty.nii.gz"))
    arguments = ["centreline", str(tmp_path / "empty.nii.gz"), "-o", str(tmp_path / "out"), "--progress", "none"]
    assert main(arguments) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["empty.nii.gz"]
