import os
from dataclasses import replace
from pathlib import Path

import pytest

from CoronarySegLib.errors import ModelError
from CoronarySegLib.models import FOLDERS_VARIABLE, find_model, library, list_models, save_model


@pytest.fixture
def own_models(a_folder, monkeypatch):
    """An environment in which only the folder of ``a_folder`` is known."""
    monkeypatch.setattr(library, "SHIPPED", Path("there-is-no-such-folder"))
    monkeypatch.setenv(FOLDERS_VARIABLE, str(a_folder.path.parent))
    return a_folder


def test_a_model_is_found_by_its_folder_name(own_models):
    assert find_model("tiny") == own_models


def test_a_model_is_found_by_the_name_in_its_card(own_models, a_card, a_network):
    card = replace(a_card, name="named otherwise")
    save_model(own_models.path.parent / "folder", card, {"whole": a_network.state_dict()})
    assert find_model("named otherwise").card.name == "named otherwise"


def test_a_model_is_found_by_path_or_by_its_card_file(own_models):
    assert find_model(own_models.path) == find_model(own_models.path / "model.json") == own_models


def test_the_variable_may_name_several_folders_or_a_model_folder_itself(own_models, monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDERS_VARIABLE, os.pathsep.join([str(tmp_path / "empty"), str(own_models.path)]))
    assert [model.name for model in list_models()] == ["tiny"]


def test_an_unknown_name_lists_the_known_ones(own_models):
    with pytest.raises(ModelError, match=r"no model 'huge'.*known: tiny"):
        find_model("huge")


def test_a_missing_default_model_says_what_to_do(own_models):
    with pytest.raises(ModelError, match="Install CoronarySeg again, or give a model folder"):
        find_model(None)


def test_the_default_is_found_when_it_ships(own_models, a_card, a_network, monkeypatch, tmp_path):
    save_model(tmp_path / "shipped" / "resunet3d", a_card, {"whole": a_network.state_dict()})
    monkeypatch.setattr(library, "SHIPPED", tmp_path / "shipped")
    assert find_model().path.name == "resunet3d"
    assert [model.shipped for model in list_models()] == [True, False]


def test_a_damaged_model_is_listed_with_its_problem(own_models):
    own_models.weights_path("whole").write_bytes(b"")
    (listed,) = list_models()
    assert listed.card is None
    assert "checksum" in listed.problem


def test_every_shipped_model_is_intact_and_says_its_limits():
    for model in list_models():
        if model.shipped:
            assert model.problem == ""
            assert "not a medical device" in model.card.intended_use
