"""Stand-ins on a real scene, forms, parameter nodes: what the module relies on."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import numpy as np
import pytest
import slicer
import vtk

FORM = Path(__file__).resolve().parents[2] / "CoronarySeg" / "Resources" / "UI" / "CoronarySeg.ui"


@pytest.fixture
def selector(a_desktop):
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.noneEnabled = True
    selector.setMRMLScene(a_desktop.scene)
    yield selector
    selector.setMRMLScene(None)


def volume(name: str):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.zeros((2, 2, 2), np.int16))
    return node


def test_a_selector_follows_the_scene(selector):
    node = volume("ct")
    assert selector.nodeCount() == 1
    selector.setCurrentNode(node)
    slicer.mrmlScene.RemoveNode(node)
    assert selector.currentNode() is None


def test_a_selector_without_none_takes_the_first_node(selector):
    selector.noneEnabled = False
    node = volume("ct")
    assert selector.currentNode() is node


def test_a_selector_tells_of_a_change_in_both_ways(selector):
    heard = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    selector.connect("currentNodeChanged(bool)", heard.append)
    node = volume("ct")
    selector.setCurrentNode(node)
    assert heard == [node, True]


def test_a_selector_shows_only_nodes_with_the_attribute_asked_for(selector):
    selector.addAttribute("vtkMRMLScalarVolumeNode", "Kind", "heart")
    volume("other")
    marked = volume("heart")
    marked.SetAttribute("Kind", "heart")
    selector.setMRMLScene(slicer.mrmlScene)
    assert [selector.nodeFromIndex(index) for index in range(selector.nodeCount())] == [marked]


@pytest.mark.parametrize(
    ("old", "new"),
    [('name="collapsed"', 'name="colapsed"'), ("mrmlSceneChanged(vtkMRMLScene*)", "mrmlSceneChange()"),
     ("setMRMLScene(vtkMRMLScene*)", "setScene()"), ('class="QProgressBar"', 'class="QProgresBar"'),
     ('name="SlicerParameterName"', 'name="ParameterName"'), ('name="exportButton"', 'name="showButton"')],
)
def test_a_form_with_a_misspelt_name_does_not_load(a_desktop, tmp_path, old, new):
    text = FORM.read_text(encoding="utf-8")
    path = tmp_path / "wrong.ui"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    from ui_files import UiFileError

    with pytest.raises((UiFileError, ValueError)):
        slicer.util.loadUI(str(path))


def test_a_collapsed_section_hides_what_is_in_it(a_desktop):
    import ctk
    import qt

    section = ctk.ctkCollapsibleButton("Result")
    label = qt.QLabel("x", section)
    section.show()
    section.collapsed = True
    assert not label.visible
    section.collapsed = False
    assert label.visible


@pytest.fixture
def Parameters(a_desktop):
    from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

    @parameterNodeWrapper
    class Made:
        ct: slicer.vtkMRMLScalarVolumeNode
        length: Annotated[float, WithinRange(0, 10)] = 5.0
        flag: bool = True

    return Made


def test_parameters_live_in_the_node_and_have_defaults(Parameters):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    first = Parameters(node)
    assert (first.ct, first.length, first.flag) == (None, 5.0, True)
    first.length, first.flag, first.ct = 7.5, False, volume("ct")
    again = Parameters(node)
    assert (again.ct.GetName(), again.length, again.flag) == ("ct", 7.5, False)
    assert node.GetParameter("flag") == "False"  # as the desktop writes it


def test_a_parameter_out_of_its_range_is_refused(Parameters):
    made = Parameters(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    with pytest.raises(ValueError, match="not within"):
        made.length = 11


def test_a_widget_and_a_parameter_follow_each_other_until_disconnected(Parameters):
    import qt

    box = qt.QDoubleSpinBox()
    box.setProperty("SlicerParameterName", "length")
    made = Parameters(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    heard = []
    made.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: heard.append(made.length))
    tag = made.connectGui(SimpleNamespace(box=box))
    assert (box.value, box.maximum) == (5.0, 10.0)
    box.value = 2.0
    assert made.length == 2.0
    made.length = 3.0
    assert box.value == 3.0
    made.disconnectGui(tag)
    box.value = 4.0
    assert made.length == 3.0
    assert heard[-1] == 3.0


def test_a_form_asks_for_a_parameter_that_exists(Parameters):
    import qt

    label = qt.QLineEdit()
    label.setProperty("SlicerParameterName", "lenght")
    made = Parameters(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    with pytest.raises(ValueError, match="lenght"):
        made.connectGui(SimpleNamespace(label=label))


def test_every_parameter_of_the_form_is_one_of_the_module(a_desktop):
    from CoronarySegModule.parameters import CoronarySegParameterNode

    form = ElementTree.parse(FORM)
    asked = {prop.findtext("string") for prop in form.iter("property") if prop.get("name") == "SlicerParameterName"}
    # The models are found anew at every start, so the panel fills that list and keeps the choice by hand.
    assert asked | {"model"} == set(CoronarySegParameterNode.allParameters)
    assert "model" not in asked
