"""Corrections pressed as a user presses them: a tool, one click or two into a view, undo."""

import sys
from pathlib import Path

import numpy as np
import pytest
import slicer

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "correction"), str(HERE.parent / "centreline")]

from correction_samples import SIDE, TWIG, middle_of, ras, whole_case  # noqa: E402


@pytest.fixture(scope="module")
def a_case():
    return whole_case()


@pytest.fixture
def corrected(a_desktop, panel, a_case):
    """The panel with a result in the scene."""
    from correction_nodes_samples import result_in_scene

    panel.parameters().result = result_in_scene(a_case)
    panel.ui.correctionSection.collapsed = False
    return panel


def click(desktop, point_lps) -> None:
    """A click into a view: Slicer puts a point into the list that is in place mode."""
    selection = slicer.app.applicationLogic().GetSelectionNode()
    node = slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID())
    node.AddControlPoint(*map(float, ras(point_lps)))
    desktop.turn()
    desktop.turn()


def labels(panel) -> np.ndarray:
    from CoronarySegModule.result_values import labels_of

    return labels_of(panel.parameters().result).array


TOOLS = ("bridgeButton", "addBranchButton", "removeBranchButton", "veinButton", "cutButton", "cutSideButton",
         "radiusButton", "renameButton")


def test_without_a_result_every_tool_says_why_it_cannot_be_used(panel):
    for name in (*TOOLS, "undoButton", "savePairButton", "followButton"):
        button = getattr(panel.ui, name)
        assert not button.enabled
        assert "Segment a CT first" in button.toolTip


def test_one_click_removes_a_branch_and_one_press_takes_that_back(a_desktop, corrected, a_case):
    corrected.ui.removeBranchButton.click()
    assert corrected.ui.correctionLabel.text.startswith("Click the branch")
    click(a_desktop, middle_of(a_case.trees["left"], SIDE))
    assert (labels(corrected) != a_case.labels.array).any()
    assert corrected.ui.statusLabel.text.startswith("Removed: D1")
    corrected.ui.undoButton.click()
    assert np.array_equal(labels(corrected), a_case.labels.array)
    assert not corrected.ui.undoButton.enabled
    assert corrected.ui.redoButton.enabled


def test_a_tool_stays_in_hand_for_the_next_click_and_is_put_down_by_its_button(a_desktop, corrected, a_case):
    corrected.ui.removeBranchButton.click()
    for branch in (SIDE, TWIG):
        click(a_desktop, middle_of(a_case.trees["left"], branch))
    from CoronarySegModule.correction_session import session_of

    assert len(session_of(corrected.parameters().result).log.entries) == 2
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    corrected.ui.removeBranchButton.click()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert not slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")


def test_two_clicks_bridge_what_one_click_removed(a_desktop, corrected, a_case):
    branch = a_case.trees["left"].branches[TWIG]
    corrected.ui.removeBranchButton.click()
    click(a_desktop, middle_of(a_case.trees["left"], TWIG))
    corrected.ui.bridgeButton.click()
    assert not corrected.ui.removeBranchButton.checked
    click(a_desktop, branch.points_lps_mm[0])
    assert corrected.ui.correctionLabel.text == "Click where it comes back or ends."
    click(a_desktop, branch.points_lps_mm[-1])
    assert corrected.ui.statusLabel.text.startswith("Added")
    voxels = a_case.index_zyx(branch.points_lps_mm[:-4])
    assert (labels(corrected)[tuple(voxels.T)] == 1).all()


def test_a_click_beside_the_vessels_says_what_to_do_and_changes_nothing(a_desktop, corrected, a_case):
    corrected.ui.veinButton.click()
    click(a_desktop, a_case.geometry.points_lps((3, 3, 3)))
    assert "Click on the vessel" in corrected.ui.statusLabel.text
    assert np.array_equal(labels(corrected), a_case.labels.array)
    assert not corrected.ui.undoButton.enabled


def test_the_name_in_the_box_goes_to_the_vessel_that_is_clicked(a_desktop, corrected, a_case):
    corrected.ui.nameBox.setCurrentText("OM2")
    corrected.ui.renameButton.click()
    click(a_desktop, middle_of(a_case.trees["left"], SIDE))
    assert [n for n in slicer.util.getNodesByClass("vtkMRMLMarkupsCurveNode") if n.GetName() == "OM2"]


def test_the_second_click_of_the_calibre_is_its_wall_and_the_first_turns_a_slice(a_desktop, corrected, a_case):
    views = a_desktop.with_views()
    branch = a_case.trees["left"].branches[SIDE]
    k = len(branch.points_lps_mm) // 2
    course = branch.points_lps_mm[k + 3] - branch.points_lps_mm[k - 3]
    across = np.cross(course, (0, 0, 1))
    corrected.ui.radiusButton.click()
    click(a_desktop, branch.points_lps_mm[k])
    node = views.sliceWidget("Red").mrmlSliceNode()
    normal = [node.GetSliceToRAS().GetElement(row, 2) for row in range(3)]
    assert abs(np.dot(normal, ras(course / np.linalg.norm(course)))) > 0.98
    click(a_desktop, branch.points_lps_mm[k] + 1.5 * across / np.linalg.norm(across))
    assert "to 1.5" in corrected.ui.statusLabel.text


def test_a_place_of_the_review_opens_the_section_with_its_tool(corrected):
    corrected.ui.correctionSection.collapsed = True
    corrected.correction.fix("vein")
    assert not corrected.ui.correctionSection.collapsed
    assert corrected.ui.veinButton.checked


def test_the_segment_editor_has_the_result_while_its_section_is_open(corrected):
    editor = corrected.ui.segmentEditor
    assert editor.segmentationNode() is None
    corrected.ui.editorSection.collapsed = False
    assert editor.segmentationNode() is corrected.parameters().result
    assert editor.sourceVolumeNode().GetName() == "patient"
    corrected.ui.editorSection.collapsed = True
    assert editor.segmentationNode() is None


def test_closing_the_scene_puts_the_tool_down(a_desktop, corrected):
    corrected.ui.removeBranchButton.click()
    a_desktop.scene.Clear(0)
    a_desktop.turn()
    assert not corrected.ui.removeBranchButton.checked
    assert not corrected.ui.removeBranchButton.enabled


# --- what follows a correction, made by the real worker --------------------------------------------------------------

def surface(panel, part: str = "left"):
    from CoronarySegModule.nodes import find_models

    return find_models(panel.parameters().result)[part]


def vessels_in_table() -> dict[str, float]:
    """Length in mm by vessel, as the table of measurements has it."""
    node = next(n for n in slicer.util.getNodesByClass("vtkMRMLTableNode") if n.GetName().endswith("vessels"))
    names, lengths = (node.GetTable().GetColumnByName(name) for name in ("Vessel", "Length (mm)"))
    return {names.GetValue(row): lengths.GetValue(row) for row in range(node.GetTable().GetNumberOfRows())}


def follow(desktop, panel) -> None:
    panel.ui.followButton.click()
    desktop.wait_until(lambda: not panel.activity.running)
    desktop.raise_errors()


def test_surfaces_and_tables_follow_a_correction_at_the_press_of_a_button(a_desktop, corrected, a_case, tmp_path):
    corrected.ui.removeBranchButton.click()
    click(a_desktop, middle_of(a_case.trees["left"], SIDE))
    with pytest.raises(ValueError, match="older than the last correction"):
        corrected.logic.saveSurfaces(corrected.parameters().result, tmp_path)
    follow(a_desktop, corrected)
    assert corrected.ui.statusLabel.text == "Surfaces and tables follow."
    tip = ras(a_case.trees["left"].branches[SIDE].points_lps_mm[-1])
    points = slicer.util.arrayFromModelPoints(surface(corrected))
    assert np.linalg.norm(points - tip, axis=1).min() > 10.0  # the branch is 35 mm long
    assert "D1" not in vessels_in_table()
    assert vessels_in_table()["LAD"] == pytest.approx(44.0, abs=3.0)
    assert "older" not in corrected.ui.correctionLabel.text
    nodes = [node for name in ("vtkMRMLTableNode", "vtkMRMLModelNode", "vtkMRMLMarkupsCurveNode")
             for node in slicer.util.getNodesByClass(name) if node.GetNodeReference("CoronarySegVolume")]
    assert len(nodes) > 5
    assert all(node.GetAttribute("CoronarySeg.Version") == "0" for node in nodes)
    assert len(corrected.logic.saveSurfaces(corrected.parameters().result, tmp_path)) == 2


def test_after_an_edit_in_the_segment_editor_centrelines_follow_too_and_a_given_name_stays(
    a_desktop, corrected, a_case, tmp_path
):
    from CoronarySegModule.result_values import centrelines_follow, labels_of, trees_of

    result = corrected.parameters().result
    corrected.ui.nameBox.setCurrentText("OM2")
    corrected.ui.renameButton.click()
    click(a_desktop, middle_of(a_case.trees["left"], SIDE))
    array = (labels(corrected) == 1).astype(np.uint8)
    twig = a_case.trees["left"].branches[TWIG].points_lps_mm
    z, y, x = a_case.index_zyx(twig[-8:]).T
    for dz, dy, dx in np.ndindex(7, 7, 7):  # the last millimetres of the twig, painted over
        array[z + dz - 3, y + dy - 3, x + dx - 3] = 0
    volume = result.GetNodeReference("CoronarySegVolume")
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, result, "left", volume)
    with pytest.raises(ValueError, match="older than the last correction"):
        corrected.logic.saveSurfaces(result, tmp_path)
    follow(a_desktop, corrected)
    assert centrelines_follow(result, labels_of(result))
    tree = trees_of(result)["left"]
    assert "OM2" in [branch.name for branch in tree.branches]
    points = np.concatenate([branch.points_lps_mm for branch in tree.branches])
    assert np.linalg.norm(points - twig[-1], axis=1).min() > 1.5
    assert "OM2" in vessels_in_table()
    assert corrected.logic.saveSurfaces(result, tmp_path)


def test_cancelling_what_follows_leaves_surfaces_and_tables_as_they_were(a_desktop, corrected, a_case, temporary):
    corrected.ui.veinButton.click()
    click(a_desktop, middle_of(a_case.trees["left"], SIDE))
    corrected.ui.veinButton.click()  # the tool is put down
    before, shape = slicer.mrmlScene.GetNumberOfNodes(), surface(corrected).GetPolyData()
    corrected.ui.followButton.click()
    assert corrected.ui.followButton.text == "Cancel"
    corrected.ui.followButton.click()
    assert not corrected.activity.running
    assert surface(corrected).GetPolyData() is shape
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert corrected.ui.followButton.enabled
    assert list(temporary.glob("CoronarySeg-worker-*")) == []


def test_removing_the_result_ends_what_follows_it(a_desktop, corrected, a_case):
    corrected.ui.removeBranchButton.click()
    click(a_desktop, middle_of(a_case.trees["left"], SIDE))
    corrected.ui.followButton.click()
    slicer.mrmlScene.RemoveNode(corrected.parameters().result)
    a_desktop.wait_until(lambda: not corrected.activity.running)
    a_desktop.turn()
    assert "was removed from the scene" in corrected.ui.statusLabel.text
    assert not corrected.ui.removeBranchButton.enabled


# --- undo and where it ends ------------------------------------------------------------------------------------------

def test_undo_survives_a_reload_of_the_module(a_desktop, corrected, a_case):
    corrected.ui.removeBranchButton.click()
    click(a_desktop, middle_of(a_case.trees["left"], SIDE))
    slicer.util.reloadScriptedModule("CoronarySeg")
    again = slicer.modules.CoronarySegWidget
    assert again is not corrected
    assert again.ui.undoButton.enabled
    again.ui.undoButton.click()
    assert np.array_equal(labels(again), a_case.labels.array)


def test_undo_survives_a_visit_to_another_module(a_desktop, corrected, a_case):
    corrected.ui.removeBranchButton.click()
    click(a_desktop, middle_of(a_case.trees["left"], SIDE))
    a_desktop.exit("CoronarySeg")
    a_desktop.enter("CoronarySeg")
    corrected.ui.undoButton.click()
    assert np.array_equal(labels(corrected), a_case.labels.array)


def test_undo_ends_with_the_scene_and_the_panel_says_so(a_desktop, corrected, a_case, tmp_path):
    corrected.ui.removeBranchButton.click()
    click(a_desktop, middle_of(a_case.trees["left"], SIDE))
    corrected.ui.removeBranchButton.click()
    bundle = str((tmp_path / "scene.mrb").resolve())
    assert slicer.mrmlScene.WriteToMRB(bundle, None)
    a_desktop.scene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(bundle)
    corrected.enter()
    assert corrected.parameters().result is not None
    assert corrected.ui.correctionLabel.text.startswith("Correction 1: Removed: D1")
    assert not corrected.ui.undoButton.enabled
    assert "before this scene was loaded" in corrected.ui.undoButton.toolTip


def test_a_suspected_vein_is_fixed_by_one_press_and_one_click(a_desktop, corrected, a_case):
    from CoronarySegModule.review_nodes import Entry, Review, write_review

    from CoronarySegLib.review import Kind, Suspect

    place = middle_of(a_case.trees["left"], SIDE)
    suspect = Suspect(Kind.VEIN, tuple(map(float, place)), 0.9, "May be a vein.", "left", SIDE, "the D1")
    write_review(corrected.parameters().result, Review((Entry(suspect),)))
    corrected.update()
    corrected.ui.reviewTable.selectRow(0)
    corrected.ui.fixButton.click()
    click(a_desktop, place)
    assert corrected.ui.statusLabel.text.startswith("Marked as vein: D1")
    assert (labels(corrected) == 4).any()
