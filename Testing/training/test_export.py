"""Run folders to a model folder."""

from __future__ import annotations

import pytest
import torch
from training_samples import Balls

from CoronarySegLib.errors import TrainingError
from CoronarySegLib.models import load_stage, open_model
from CoronarySegLib.training.export import export_model
from CoronarySegLib.training.loop import train
from CoronarySegLib.training.sources import fixed_patches
from CoronarySegLib.training.stages import stage_spec
from CoronarySegLib.training.state import read_weights


@pytest.fixture
def trained(small_config, tmp_path):
    """A function that trains a stage for two steps and returns its run folder."""

    def run(stage: str, name: str | None = None):
        spec, folder = stage_spec(stage), tmp_path / (name or stage)
        source = Balls(channels=(len(spec.inputs), len(spec.outputs)))
        config = small_config.with_changes(stage=stage, steps=2)
        train(config, source, fixed_patches(source, 1), folder)
        return folder

    return run


def test_two_runs_become_one_recommended_model(trained, tmp_path):
    export_model([trained("vessels"), trained("locator")], tmp_path / "model")
    card = open_model(tmp_path / "model").card
    assert (card.profile, [stage.name for stage in card.stages]) == ("recommended", ["locator", "vessels"])
    assert [stage.spacing_mm for stage in card.stages] == [1.0, 0.5]


def test_one_run_of_the_whole_stage_becomes_a_paper_model(trained, tmp_path):
    export_model([trained("whole")], tmp_path / "model")
    card = open_model(tmp_path / "model").card
    assert (card.profile, card.stage("whole").spacing_mm) == ("paper", None)


def test_the_model_answers_as_the_trained_network_did(trained, tmp_path):
    run = trained("whole")
    export_model([run], tmp_path / "model", precision="float32")
    network = load_stage(open_model(tmp_path / "model"), "whole")
    saved = read_weights(run).state_dict
    assert all(torch.equal(value, saved[name]) for name, value in network.state_dict().items())


def test_the_card_carries_scores_and_steps(trained, tmp_path):
    card = export_model([trained("whole")], tmp_path / "model", figures={"dice_phantoms": 0.5}).card
    assert set(card.figures) == {"validation_dice_whole_lumen", "dice_phantoms"}
    assert "2 steps" in card.training_data


@pytest.mark.parametrize("stages", [["locator"], ["vessels"], ["locator", "whole"], []])
def test_stages_that_make_no_complete_model_are_refused(trained, tmp_path, stages):
    with pytest.raises(TrainingError, match=r"A model needs the stages locator and vessels \(two_step\); or whole"):
        export_model([trained(stage) for stage in stages], tmp_path / "model")


def test_two_runs_of_one_stage_are_refused(trained, tmp_path):
    with pytest.raises(TrainingError, match="one run per stage"):
        export_model([trained("whole"), trained("whole", "again")], tmp_path / "model")


def test_a_run_without_weights_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"holds no best\.safetensors"):
        export_model([tmp_path], tmp_path / "model")
