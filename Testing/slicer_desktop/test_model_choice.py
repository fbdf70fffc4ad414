"""Which model segments: those found on this machine, chosen in the panel."""

import json
import shutil
from pathlib import Path

import pytest

from CoronarySegLib.models import list_models


@pytest.fixture
def another_model(tmp_path) -> Path:
    """A copy of the shipped model under another name."""
    folder = tmp_path / "mine" / "other"
    shutil.copytree(list_models()[0].path, folder)
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps({**card, "name": "mine", "version": "7"}), encoding="utf-8")
    return folder


def names(panel) -> list[str]:
    return [panel.ui.modelSelector.itemText(index) for index in range(panel.ui.modelSelector.count)]


def test_the_shipped_models_are_one_entry_and_chosen_without_a_choice(panel):
    assert panel.ui.modelSelector.currentIndex == 0
    assert names(panel) == ["Shipped with CoronarySeg"]
    assert all(one.card.description in panel.ui.modelSelector.toolTip for one in list_models())


def test_a_folder_of_models_brings_them_into_the_list_and_chooses_one(panel, another_model):
    panel.ui.modelFolder.currentPath = str(another_model.parent)
    assert names(panel)[-1] == "mine 7"
    assert panel.ui.modelSelector.currentText == "mine 7"
    assert panel.parameters().model == str(another_model)


def test_the_choice_is_what_runs(a_desktop, panel, a_ct, another_model, monkeypatch):
    asked = {}
    monkeypatch.setattr(panel.logic, "startSegmentation", lambda node, **choices: asked.update(choices) or 1 / 0)
    panel.enter()
    panel.ui.modelFolder.currentPath = str(another_model)
    panel.ui.segmentButton.click()
    assert asked["model"] == str(another_model)
    panel.ui.modelSelector.currentIndex = 0
    panel.ui.segmentButton.click()
    assert asked["model"] is None


def test_a_model_that_cannot_be_used_is_not_offered(panel, another_model):
    before = names(panel)
    weights = next(another_model.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    panel.ui.modelFolder.currentPath = str(another_model)
    assert names(panel) == before


def test_a_choice_whose_folder_is_gone_falls_back_to_the_shipped_model(a_desktop, panel):
    panel.parameters().model = "/nowhere/model"
    panel.enter()
    assert panel.ui.modelSelector.currentIndex == 0
