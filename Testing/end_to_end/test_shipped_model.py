"""The shipped model on a small phantom of a seed never trained on, from the CT to the case folder."""

import json

import pytest

from CoronarySegLib.cli.main import main
from CoronarySegLib.models import find_model, list_models

SIZE = ("300", "300", "220")
SPACING = ("0.6", "0.6", "0.6")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "case"
    arguments = ["demo", "-o", str(folder), "--seed", "77", "--size", *SIZE, "--spacing", *SPACING]
    assert main([*arguments, "--progress", "none"]) == 0
    return folder


def test_a_model_is_shipped_and_its_checksums_hold():
    model = find_model(None)
    assert model.card.profile == "recommended"
    assert "resunet3d" in {listed.name for listed in list_models()}


def test_the_demo_finds_both_trees(demo):
    scores = json.loads((demo / "scores.json").read_text(encoding="utf-8"))
    for tree in ("left", "right"):
        assert scores[tree]["dice"] > 0.6, tree
    assert scores["total"]["centreline_true"] > 0.75


@pytest.mark.parametrize(
    "name",
    [
        "labels.nii.gz", "probability.nii.gz", "segmentation.seg.nrrd", "left.stl", "right.stl", "left.vtp", 
        "right.vtp", "points_distance.ply", "points_confidence.ply", "report.json", "picture.png",
    ],
)
def test_the_case_folder_holds_every_output(demo, name):
    assert (demo / name).stat().st_size > 300


def test_the_report_names_the_model_and_its_checksums(demo):
    report = (demo / "report.json").read_text(encoding="utf-8")
    for stage in find_model(None).card.stages:
        assert stage.sha256 in report


def test_the_case_is_kept_when_the_folder_is_there_already(demo, capsys):
    before = sorted(p.name for p in demo.iterdir())
    assert main(["demo", "-o", str(demo), "--progress", "none"]) == 7
    assert sorted(p.name for p in demo.iterdir()) == before
