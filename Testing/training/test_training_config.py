"""Training settings: written, read back, and refused with a reason."""

from __future__ import annotations

import pytest

from CoronarySegLib.errors import TrainingError
from CoronarySegLib.training.config import TrainConfig, from_dict, paper_config, read_config, recommended_config


@pytest.mark.parametrize("config", [recommended_config("locator"), recommended_config("vessels"),
                                    paper_config(samples=10), TrainConfig(channel_weights=(1.0, 0.5, 0.5))])
def test_settings_survive_the_file(config, tmp_path):
    config.write(tmp_path / "c.json")
    assert read_config(tmp_path / "c.json") == config


def test_paper_settings_are_the_papers():
    config = paper_config(samples=20, batch=4)
    assert (config.learning_rate, config.steps, config.stage) == (1e-4, 1000, "whole")
    assert (config.dice_weight, config.bce_weight, config.patch) == (1.0, 1.0, (64, 128, 128))


def test_network_gets_the_channel_counts_of_its_stage():
    arguments = recommended_config("vessels").built_arguments()
    assert (arguments["in_channels"], arguments["out_channels"]) == (4, 3)


@pytest.mark.parametrize(("values", "named"), [
    ({"stage": "heart"}, "locator, vessels, whole"),
    ({"schedule": "step"}, "schedule must be one of"),
    ({"steps": 0}, "at least 1"),
    ({"precision": "int8"}, "precision"),
    ({"ema_decay": 1.0}, "ema_decay"),
    ({"patch_zyx": [64, 64]}, "three sizes"),
    ({"stage": "vessels", "channel_weights": [1.0]}, "3 numbers"),
    ({"learning_rat": 1.0}, "learning_rat"),
    ({"steps": "many"}, "wrong kind"),
])
def test_settings_that_cannot_work_are_refused_by_name(values, named):
    with pytest.raises(TrainingError, match=named):
        from_dict(values)


@pytest.mark.parametrize(("text", "named"), [("{", "no valid JSON"), ("[1]", "one JSON object")])
def test_a_settings_file_that_is_none_is_refused(tmp_path, text, named):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(TrainingError, match=named):
        read_config(tmp_path / "c.json")


def test_a_missing_settings_file_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="cannot be read"):
        read_config(tmp_path / "none.json")
