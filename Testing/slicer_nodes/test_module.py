"""The module file as scripts see it: four classes, and a logic that says what is wrong and leaves the scene alone."""

from pathlib import Path

import desktop
import numpy as np
import pytest
import slicer
from slicer_samples import volume_node

from CoronarySegLib.environment import Package
from CoronarySegLib.errors import Cancelled, InputError, ModelError, NotACoronaryCTError
from CoronarySegLib.inference import DEVICES, QUALITIES

MODULE = Path(__file__).resolve().parents[2] / "CoronarySeg" / "CoronarySeg.py"


@pytest.fixture
def module(scene, tmp_path):
    return desktop.start(tmp_path).load(MODULE)


def test_the_module_describes_itself(module):
    about = slicer.modules.coronaryseg
    assert about.title == "CoronarySeg"
    assert about.categories == ("Segmentation",)
    assert "research use only" in about.helpText


def test_the_module_file_has_the_four_classes_slicer_looks_for(module):
    names = ("CoronarySeg", "CoronarySegWidget", "CoronarySegLogic", "CoronarySegTest")
    assert all(isinstance(getattr(module, name), type) for name in names)


def test_the_modules_own_test_passes_on_a_real_scene(module):
    module.CoronarySegTest().runTest()


def test_the_parameters_offer_the_qualities_and_devices_of_the_library(module):
    parameters = module.CoronarySegLogic().getParameterNode()
    assert [quality.value for quality in type(parameters.quality)] == list(QUALITIES)
    for device in DEVICES:
        parameters.device = device
    with pytest.raises(ValueError, match="abacus"):
        parameters.device = "abacus"


def test_the_button_says_that_a_volume_is_missing(module):
    assert "Select the CT volume" in module.CoronarySegLogic().reasonNotToRun(None)


def test_the_button_is_free_with_a_volume_and_all_packages(module, oblique_volume):
    assert module.CoronarySegLogic().reasonNotToRun(oblique_volume) == ""


def test_the_button_names_a_missing_package(module, oblique_volume, monkeypatch):
    missing = (Package("no_such_package", "no-such-package>=1", "nothing"),)
    monkeypatch.setattr("CoronarySegLib.environment.missing_packages", lambda: missing)
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


def test_segmenting_a_single_slice_takes_the_way_of_angiograms(module, monkeypatch):
    from CoronarySegModule import angiogram_nodes

    started = []
    monkeypatch.setattr(angiogram_nodes, "angiogram_run", lambda node, **choices: started.append((node, choices)))
    node = volume_node("angiogram", np.full((1, 40, 56), 90, np.uint8), np.eye(4))
    module.CoronarySegLogic().startSegmentation(node, model="mine", device="cpu")
    assert started == [(node, {"model": "mine", "device": "cpu", "progress": None, "ended": None})]
