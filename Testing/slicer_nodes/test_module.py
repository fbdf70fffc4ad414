"""The module file as Slicer sees it: four classes, a form whose widgets the code uses, a logic for scripts."""

import importlib
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from slicer_samples import volume_node

from CoronarySegLib.errors import Cancelled, InputError, ModelError, NotACoronaryCTError
from CoronarySegLib.inference import DEVICES, QUALITIES

MODULE = Path(__file__).resolve().parents[2] / "CoronarySeg"


@pytest.fixture
def module(scene):
    return importlib.import_module("CoronarySeg")


def test_the_module_describes_itself(module):
    parent = SimpleNamespace()
    module.CoronarySeg(parent)
    assert parent.title == "CoronarySeg"
    assert parent.categories == ["Segmentation"]
    assert "research use only" in parent.helpText


def test_the_module_file_has_the_four_classes_slicer_looks_for(module):
    names = ("CoronarySeg", "CoronarySegWidget", "CoronarySegLogic", "CoronarySegTest")
    assert all(isinstance(getattr(module, name), type) for name in names)


def test_the_modules_own_test_passes_on_a_real_scene(module):
    module.CoronarySegTest().runTest()


def test_every_widget_the_code_uses_is_in_the_form():
    code = (MODULE / "CoronarySeg.py").read_text(encoding="utf-8")
    form = ElementTree.parse(MODULE / "Resources" / "UI" / "CoronarySeg.ui")
    names = {widget.get("name") for widget in form.iter("widget")}
    assert set(re.findall(r"self\.ui\.(\w+)", code)) <= names


def test_the_form_offers_the_qualities_of_the_library():
    assert choices("qualitySelector") == tuple(QUALITIES)


def test_the_form_offers_devices_the_library_knows_and_auto_first():
    assert choices("deviceSelector")[0] == "auto"
    assert set(choices("deviceSelector")) <= set(DEVICES)


def choices(name: str) -> tuple[str, ...]:
    form = ElementTree.parse(MODULE / "Resources" / "UI" / "CoronarySeg.ui")
    (selector,) = [widget for widget in form.iter("widget") if widget.get("name") == name]
    return tuple(item.findtext("property/string") for item in selector.findall("item"))


def test_the_button_says_that_a_volume_is_missing(module):
    assert "Select the CT volume" in module.CoronarySegLogic().reasonNotToRun(None)


def test_the_button_is_free_with_a_volume_and_all_packages(module, oblique_volume):
    assert module.CoronarySegLogic().reasonNotToRun(oblique_volume) == ""


def test_the_button_names_a_missing_package(module, oblique_volume, monkeypatch):
    monkeypatch.setattr(module, "REQUIRED_PACKAGES", {"torch": "torch", "no_such_package": "no-such-package"})
    assert "missing: no-such-package." in module.CoronarySegLogic().reasonNotToRun(oblique_volume)


def test_an_unknown_quality_is_refused(module, oblique_volume):
    with pytest.raises(ValueError, match=r"Unknown quality 'glorious'.*standard"):
        module.CoronarySegLogic().segment(oblique_volume, quality="glorious")


def test_a_run_without_a_volume_is_refused(module):
    with pytest.raises(ValueError, match="No volume is selected"):
        module.CoronarySegLogic().segment(None)


def ids(scene) -> list[str]:
    return [scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())]


@pytest.fixture
def air(scene):
    """A volume that is no CT of a heart."""
    return volume_node("air", np.full((20, 20, 20), -1000, np.int16), np.diag([2.0, 2.0, 2.0, 1.0]))


def test_a_volume_that_is_no_heart_ct_is_refused_and_the_scene_stays_as_it_was(module, scene, air, a_model_folder):
    before = ids(scene)
    with pytest.raises(NotACoronaryCTError):
        module.CoronarySegLogic().segment(air, model=a_model_folder)
    assert ids(scene) == before


def test_a_model_that_is_not_there_is_named_and_the_scene_stays_as_it_was(module, scene, air):
    before = ids(scene)
    with pytest.raises(ModelError, match="no_such_model"):
        module.CoronarySegLogic().segment(air, model="no_such_model")
    assert ids(scene) == before


def test_a_run_stopped_by_its_progress_leaves_the_scene_as_it_was(module, scene, air, a_model_folder):
    before = ids(scene)
    with pytest.raises(Cancelled):
        module.CoronarySegLogic().segment(air, model=a_model_folder, progress=lambda fraction, text: False)
    assert ids(scene) == before


def test_a_sheared_volume_is_refused_before_anything_runs(module, scene):
    matrix = np.eye(4)
    matrix[0, 1] = 0.3
    with pytest.raises(InputError, match="not perpendicular"):
        module.CoronarySegLogic().segment(volume_node("tilted", np.zeros((5, 5, 5), np.int16), matrix))
