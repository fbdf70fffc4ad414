"""``coronaryseg train`` on a folder of pairs, as typed."""

from __future__ import annotations

import json

import pytest
import typer
from training_samples import write_case
from typer.testing import CliRunner

from CoronarySegLib.cli.train import train_command
from CoronarySegLib.errors import TrainingError
from CoronarySegLib.models import open_model
from CoronarySegLib.training.config import read_config

SMALL = {"network_arguments": {"channels": [4, 4, 8], "bottleneck": 8}, "patch_zyx": [16, 16, 16], "threads": 1,
         "workers": 0, "tensorboard": False, "device": "cpu"}


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """Run the command beside two cases in ``data`` and a small network in ``small.json``; errors come as they are."""
    for name in ("a", "b"):
        write_case(tmp_path / "data", name)
    (tmp_path / "small.json").write_text(json.dumps(SMALL))
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(train_command)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    return run


NEW = ("--data", "data", "--config", "small.json", "--stage", "locator", "--batch", "1")


def test_a_folder_is_trained_on_and_scored(typed, tmp_path):
    output = typed("--out", "run", "--steps", "2", *NEW)
    assert "Step 2 of 2" in output
    assert "Dice left" in output
    assert read_config(tmp_path / "run" / "config.json").augment


def test_a_run_goes_on_with_out_and_resume_alone(typed):
    typed("--out", "run", "--steps", "2", *NEW)
    assert "Step 3 of 3" in typed("--out", "run", "--resume", "--steps", "3")


def test_a_dry_run_estimates_and_leaves_nothing(typed, tmp_path):
    assert "s a step" in typed("--out", "run", "--steps", "100", "--dry-run", *NEW)
    assert not (tmp_path / "run").exists()


def test_the_papers_profile_trains_its_one_stage_and_writes_a_model(typed, tmp_path):
    typed("--out", "run", "--profile", "paper", "--data", "data", "--config", "small.json", "--steps", "1", "--batch",
          "1", "--export", "model")
    assert open_model(tmp_path / "model").card.profile == "paper"
    assert read_config(tmp_path / "run" / "config.json").learning_rate == 1e-4


@pytest.mark.parametrize(("arguments", "named"), [
    (("--out", "run"), "Say what to train on"),
    (("--out", "run", "--data", "data", "--phantoms", "2"), "Say what to train on"),
    (("--out", "run", "--data", "data", "--profile", "paper", "--stage", "vessels"), "one stage 'whole'"),
    (("--out", "run", "--data", "nowhere"), "does not exist"),
    (("--out", "run", "--resume", "--data", "data"), "cannot be read"),
])
def test_what_cannot_be_done_is_said(typed, arguments, named):
    with pytest.raises(TrainingError, match=named):
        typed(*arguments)


def test_a_published_system_is_trained_and_what_is_otherwise_is_said(typed, tmp_path):
    settings = {**SMALL, "network_arguments": {"coarse_channels": [2, 2], "channels": [2, 2]}}
    (tmp_path / "mask_guided.json").write_text(json.dumps(settings))
    said = typed("--out", "run", "--system", "mask-guided", "--data", "data", "--config", "mask_guided.json", "--steps",
                 "1", "--batch", "1", "--export", "model")
    assert "Not as published: mask-guided: batch is 1 instead of 4." in said
    assert "Dice coarse_lumen" in said
    card = open_model(tmp_path / "model").card
    assert (card.system, card.profile) == ("patches", "recommended")
    assert "mask-guided: batch is 1 instead of 4." in card.deviations
    cases = json.loads((tmp_path / "run" / "cases.json").read_text())
    assert sorted(cases["train"] + cases["validation"]) == ["a", "b"]


def test_the_published_systems_are_listed(typed):
    listed = typed("--list-systems")
    assert all(name in listed for name in ("mask-guided-no-gates", "sfanet-ag-att", "attention-gan", "zeng-64"))


@pytest.mark.parametrize(("arguments", "named"), [
    (("--system", "nnunet"), "no published system"), (("--system", "sfanet", "--stage", "whole"), "knows its stage"),
    (("--system", "attention-gan", "--config", "slices.json"), "--initial-from"),
    (("--stage", "locator", "--split", "none.csv"), "does not exist"),
])
def test_a_published_system_that_cannot_be_trained_so_is_refused(typed, tmp_path, arguments, named):
    (tmp_path / "slices.json").write_text(json.dumps({"threads": 1, "workers": 0}))
    with pytest.raises(TrainingError, match=named):
        typed("--out", "run", "--data", "data", *arguments)
    assert not (tmp_path / "run").exists()
