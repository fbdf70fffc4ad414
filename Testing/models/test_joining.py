"""Models joined to one: their mean probability, their histories, and what cannot be joined."""

from dataclasses import replace

import pytest
import torch

from CoronarySegLib.errors import ModelError
from CoronarySegLib.models import load_stage, save_model
from CoronarySegLib.models.joining import joined_model
from CoronarySegLib.models.tempering import tempered_copy
from CoronarySegLib.networks import build_network


@pytest.fixture
def another(tmp_path, a_card):
    torch.manual_seed(1)
    network = build_network("ResUNet3D", a_card.stages[0].arguments)
    card = replace(a_card, name="other", training_data="something")
    return save_model(tmp_path / "other", card, {"whole": network.state_dict()})


def test_the_joined_model_answers_with_the_mean_probability(tmp_path, a_folder, another):
    joined = joined_model([a_folder, another], tmp_path / "joined")
    image = torch.rand(1, 1, 8, 8, 8)
    alone = [torch.sigmoid(load_stage(model, "whole")(image)) for model in (a_folder, another)]
    assert (alone[0] - alone[1]).abs().max() > 1e-3
    assert torch.allclose(torch.sigmoid(load_stage(joined, "whole")(image)), sum(alone) / 2, atol=1e-5)


def test_the_card_tells_of_all_and_claims_no_figures_of_one(tmp_path, a_folder, another):
    card = joined_model([a_folder, another], tmp_path / "joined").card
    assert card.name == "joined"
    assert card.training_data == "(1) nothing (2) something"
    assert card.training_seeds == "0"
    assert "2 models" in card.description
    assert not card.figures


def test_one_model_alone_is_not_joined(tmp_path, a_folder):
    with pytest.raises(ModelError, match="two or more"):
        joined_model([a_folder], tmp_path / "joined")


def test_models_of_other_networks_are_not_joined(tmp_path, a_card, a_folder):
    arguments = {**a_card.stages[0].arguments, "bottleneck": 8}
    card = replace(a_card, name="wide", stages=(replace(a_card.stages[0], arguments=arguments),))
    network = build_network("ResUNet3D", arguments)
    wide = save_model(tmp_path / "wide", card, {"whole": network.state_dict()})
    with pytest.raises(ModelError, match=r"tiny and wide differ.*uncertainty"):
        joined_model([a_folder, wide], tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def test_a_joined_or_tempered_model_is_not_joined_again(tmp_path, a_folder, another):
    joined = joined_model([a_folder, another], tmp_path / "joined")
    with pytest.raises(ModelError, match="joined already"):
        joined_model([joined, joined], tmp_path / "twice")
    tempered = tempered_copy(a_folder, 2.0, tmp_path / "tempered")
    with pytest.raises(ModelError, match="temperature"):
        joined_model([tempered, tempered], tmp_path / "tempered_twice")


def test_an_occupied_folder_is_left_alone(tmp_path, a_folder, another):
    with pytest.raises(ModelError, match="not empty"):
        joined_model([a_folder, another], another.path)
    assert load_stage(another, "whole")
