"""The panel pressed as a user presses it: real nodes, a real process behind the button."""

import os
import signal
from pathlib import Path

import psutil
import pytest
import slicer
import vtk
from hand_worker import PIDS
from made_by_hand import ct_by_hand

from CoronarySegLib.environment import PACKAGES, Package
from CoronarySegLib.errors import Cancelled


def ids(scene) -> set[str]:
    return {scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())}


def job_folders(temporary: Path) -> list[Path]:
    return list(temporary.glob("CoronarySeg-worker-*"))


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def run_to_the_end(desktop, panel) -> None:
    panel.ui.segmentButton.click()
    desktop.wait_until(lambda: not panel.activity.running)


@pytest.fixture
def untouched(a_desktop, panel, a_ct) -> set[str]:
    """The nodes of the scene before the button is pressed."""
    panel.enter()
    return ids(a_desktop.scene)


@pytest.fixture
def a_slow_run(a_desktop, panel, untouched, worker_mode, temporary):
    """A run in the middle; gives the numbers of its process and of the one that started."""
    worker_mode("slow")
    panel.ui.segmentButton.click()
    a_desktop.wait_until(lambda: panel.ui.statusLabel.text == "Finding the vessels")
    return [int(pid) for pid in (temporary / PIDS).read_text().split()]


def assert_nothing_left(pids, temporary):
    psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=5)
    assert not [pid for pid in pids if alive(pid)]
    assert job_folders(temporary) == []


# --- before a run ---------------------------------------------------------------------------------------------------

def test_without_a_ct_the_button_says_what_is_missing(panel):
    assert not panel.ui.segmentButton.enabled
    assert "Select the CT volume" in panel.ui.segmentButton.toolTip


def test_a_ct_that_is_there_is_selected_so_that_one_click_is_enough(panel, a_ct):
    panel.enter()
    assert panel.ui.inputSelector.currentNode() is a_ct
    assert panel.ui.segmentButton.enabled


def test_a_missing_package_is_the_reason_and_opens_the_environment_section(panel, a_ct, monkeypatch):
    missing = Package("no_such_package", "no-such-package>=1", "nothing")
    monkeypatch.setattr("CoronarySegModule.panel.environment_section.missing_packages", lambda: (missing,))
    monkeypatch.setattr("CoronarySegLib.environment.missing_packages", lambda: (missing,))
    panel.enter()
    assert "no-such-package" in panel.ui.segmentButton.toolTip
    assert not panel.ui.segmentButton.enabled
    assert not panel.ui.environmentSection.collapsed
    assert panel.ui.installButton.enabled


def test_what_needs_a_result_is_disabled_and_says_so(panel):
    for button in (panel.ui.exportButton, panel.ui.showButton, panel.ui.saveSurfacesButton, panel.ui.vesselsButton):
        assert not button.enabled
        assert "Segment a CT first" in button.toolTip


# --- a run ----------------------------------------------------------------------------------------------------------

def test_one_click_brings_everything_in_one_folder_beside_the_ct(a_desktop, panel, a_ct, worker_mode, temporary):
    panel.enter()
    run_to_the_end(a_desktop, panel)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_desktop.scene)
    result = panel.parameters().result
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(result))
    assert hierarchy.GetItemName(folder) == "patient coronaries"
    assert hierarchy.GetItemAttribute(folder, "CoronarySeg.Model") == "by hand 1"
    children = vtk.vtkIdList()
    hierarchy.GetItemChildren(folder, children, True)
    nodes = [hierarchy.GetItemDataNode(children.GetId(index)) for index in range(children.GetNumberOfIds())]
    nodes = [node for node in nodes if node is not None]
    counted = {kind: sum(node.IsA(kind) for node in nodes) for kind in (
        "vtkMRMLSegmentationNode", "vtkMRMLModelNode", "vtkMRMLScalarVolumeNode", "vtkMRMLMarkupsCurveNode",
        "vtkMRMLTableNode",
    )}
    assert counted == {
        "vtkMRMLSegmentationNode": 1, "vtkMRMLModelNode": 3, "vtkMRMLScalarVolumeNode": 1,
        "vtkMRMLMarkupsCurveNode": 2, "vtkMRMLTableNode": 4,
    }
    assert all(node.GetAttribute("CoronarySeg.Model") == "by hand 1" for node in nodes)
    assert {node.GetName() for node in nodes if node.IsA("vtkMRMLMarkupsCurveNode")} == {"LAD", "RCA"}
    assert job_folders(temporary) == []


def test_after_a_run_the_panel_shows_vessels_time_and_warnings(a_desktop, panel, a_ct, worker_mode):
    panel.enter()
    run_to_the_end(a_desktop, panel)
    assert "LAD" in panel.ui.summaryLabel.text
    assert "Made by hand." in panel.ui.remarksLabel.text
    assert panel.ui.expectedTimeLabel.text.startswith("About ")
    assert panel.ui.segmentButton.text == "Segment coronaries"
    assert panel.ui.showButton.enabled
    assert panel.ui.vesselsButton.enabled
    assert not panel.ui.progressBar.visible


def test_a_second_click_renews_the_result(a_desktop, panel, a_ct, worker_mode):
    panel.enter()
    run_to_the_end(a_desktop, panel)
    before = ids(a_desktop.scene)
    run_to_the_end(a_desktop, panel)
    assert len(ids(a_desktop.scene)) == len(before)


def test_two_results_of_one_ct_live_side_by_side(a_desktop, panel, a_ct, worker_mode):
    from CoronarySegModule.result_values import trees_of

    panel.enter()
    run_to_the_end(a_desktop, panel)
    first = panel.parameters().result
    panel.ui.keepEarlierBox.checked = True
    run_to_the_end(a_desktop, panel)
    second = panel.parameters().result
    assert first is not second
    assert panel.ui.resultSelector.nodeCount() == 2
    assert set(trees_of(first)) == set(trees_of(second)) == {"left", "right"}


def test_results_of_two_cts_stay_apart(a_desktop, panel, a_ct, worker_mode):
    other = ct_by_hand("other")
    panel.enter()
    run_to_the_end(a_desktop, panel)
    panel.ui.inputSelector.setCurrentNode(other)
    run_to_the_end(a_desktop, panel)
    owners = {node.GetNodeReference("CoronarySegVolume").GetName()
              for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")}
    assert owners == {"patient", "other"}


def test_a_refused_volume_says_why_and_the_scene_stays(a_desktop, panel, a_ct, worker_mode):
    panel.enter()
    before = ids(a_desktop.scene)
    worker_mode("refuse")
    run_to_the_end(a_desktop, panel)
    assert "no contrast CT of the heart" in panel.ui.statusLabel.text
    assert ids(a_desktop.scene) == before


# --- ended before its time ------------------------------------------------------------------------------------------

def test_the_button_becomes_cancel_and_cancel_leaves_scene_and_disk_as_before(
    a_desktop, panel, untouched, a_slow_run, temporary
):
    assert panel.ui.segmentButton.text == "Cancel"
    assert panel.ui.progressBar.value == 200
    panel.ui.segmentButton.click()
    assert not panel.activity.running
    assert "Cancelled" in panel.ui.statusLabel.text
    assert ids(a_desktop.scene) == untouched
    assert_nothing_left(a_slow_run, temporary)


def test_while_a_run_goes_on_other_runs_must_wait(panel, a_slow_run):
    assert not panel.ui.checkButton.enabled
    assert "Wait for the run" in panel.ui.checkButton.toolTip


def test_a_killed_worker_is_reported_and_the_next_click_works(
    a_desktop, panel, untouched, a_slow_run, temporary, worker_mode
):
    os.kill(a_slow_run[0], signal.SIGKILL)
    a_desktop.wait_until(lambda: not panel.activity.running)
    assert "SIGKILL" in panel.ui.statusLabel.text
    assert ids(a_desktop.scene) == untouched
    assert_nothing_left(a_slow_run, temporary)
    worker_mode("ok")
    run_to_the_end(a_desktop, panel)
    assert panel.parameters().result is not None


def test_a_dead_worker_shows_its_last_words(a_desktop, panel, a_ct, worker_mode):
    panel.enter()
    worker_mode("die")
    run_to_the_end(a_desktop, panel)
    assert "a very last word" in panel.ui.statusLabel.text


def test_closing_the_scene_ends_the_run_and_leaves_nothing(a_desktop, panel, a_slow_run, temporary):
    a_desktop.scene.Clear(0)
    assert not panel.activity.running
    assert_nothing_left(a_slow_run, temporary)
    assert panel.ui.inputSelector.currentNode() is None
    assert not panel.ui.segmentButton.enabled


def test_removing_the_ct_ends_the_run(a_desktop, panel, a_ct, a_slow_run, temporary):
    a_desktop.scene.RemoveNode(a_ct)
    a_desktop.wait_until(lambda: not panel.activity.running)
    assert "was removed from the scene" in panel.ui.statusLabel.text
    assert_nothing_left(a_slow_run, temporary)


def test_ending_slicer_ends_the_run(a_desktop, panel, a_slow_run, temporary):
    a_desktop.quit("CoronarySeg")
    assert_nothing_left(a_slow_run, temporary)


def test_reloading_the_module_ends_the_run_and_gives_a_working_panel(a_desktop, panel, a_slow_run, temporary,
                                                                       worker_mode):
    slicer.util.reloadScriptedModule("CoronarySeg")
    assert_nothing_left(a_slow_run, temporary)
    again = slicer.modules.CoronarySegWidget
    assert again is not panel
    worker_mode("ok")
    run_to_the_end(a_desktop, again)
    assert again.parameters().result is not None


# --- going away and coming back -------------------------------------------------------------------------------------

def test_choices_are_kept_while_another_module_is_shown(a_desktop, panel):
    panel.ui.unitSelector.setCurrentText("m")
    panel.ui.extensionsBox.value = 2.5
    a_desktop.exit("CoronarySeg")
    panel.ui.extensionsBox.value = 7.0  # nobody listens now
    a_desktop.enter("CoronarySeg")
    assert panel.parameters().unit == "m"
    assert panel.ui.unitSelector.currentText == "m"
    assert panel.ui.extensionsBox.value == 2.5


def test_after_closing_the_scene_the_panel_has_its_defaults_again(a_desktop, panel):
    panel.ui.unitSelector.setCurrentText("cm")
    a_desktop.scene.Clear(0)
    assert panel.ui.unitSelector.currentText == "mm"


def test_a_run_ends_also_while_another_module_is_shown(a_desktop, panel, a_ct, worker_mode):
    panel.enter()
    panel.ui.segmentButton.click()
    a_desktop.exit("CoronarySeg")
    a_desktop.wait_until(lambda: not panel.activity.running)
    assert panel.parameters().result is not None


# --- what is done with a result -------------------------------------------------------------------------------------

def test_surfaces_are_saved_with_their_frame_in_the_header(a_desktop, panel, a_ct, worker_mode, tmp_path, monkeypatch):
    import qt

    panel.enter()
    run_to_the_end(a_desktop, panel)
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path), raising=False)
    panel.ui.saveSurfacesButton.click()
    assert {path.name for path in tmp_path.iterdir()} == {"left.stl", "right.stl", "calcium.stl"}
    assert (tmp_path / "left.stl").read_bytes().startswith(b"SPACE=LPS UNIT=mm")


def test_the_export_asks_for_a_folder_and_a_format(a_desktop, panel, a_ct, worker_mode, tmp_path):
    panel.enter()
    run_to_the_end(a_desktop, panel)
    assert "Choose a folder" in panel.ui.exportButton.toolTip
    panel.ui.flowFolder.currentPath = str(tmp_path / "models")
    assert panel.ui.exportButton.enabled
    panel.ui.stlBox.checked = panel.ui.vtpBox.checked = False
    assert "at least one format" in panel.ui.exportButton.toolTip


def test_a_correction_of_the_segmentation_is_what_is_exported(a_desktop, panel, a_ct, worker_mode):
    from CoronarySegModule.result_values import is_corrected, labels_of

    panel.enter()
    run_to_the_end(a_desktop, panel)
    result = panel.parameters().result
    assert not is_corrected(result, labels_of(result))
    result.GetSegmentation().RemoveSegment("right")
    labels = labels_of(result)
    assert is_corrected(result, labels)
    assert set(labels.array[labels.array > 0].tolist()) == {1, 3}


def test_the_environment_lists_every_package_in_words(panel):
    assert all(package.distribution in panel.ui.environmentLabel.text for package in PACKAGES)


def test_from_opening_to_saved_surfaces_it_takes_two_clicks(a_desktop, panel, a_ct, worker_mode, tmp_path, monkeypatch):
    import qt

    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path), raising=False)
    panel.enter()
    for button in (panel.ui.segmentButton, panel.ui.saveSurfacesButton):
        assert button.enabled
        button.click()
        a_desktop.wait_until(lambda: not panel.activity.running)
    assert (tmp_path / "left.stl").is_file()


# --- from scripts ---------------------------------------------------------------------------------------------------

def test_a_script_waits_for_its_nodes(a_desktop, panel, a_ct, worker_mode):
    heard = []
    nodes = panel.logic.segment(a_ct, progress=lambda fraction, text: heard.append(text))
    assert {curve.GetName() for curves in nodes.curves.values() for curve in curves} == {"LAD", "RCA"}
    assert nodes.vessels.GetNumberOfRows() == 2
    assert heard[0] == "Finding the heart"


def test_a_script_may_go_on_while_the_run_works(a_desktop, panel, a_ct, worker_mode):
    run = panel.logic.segment(a_ct, waitForCompletion=False)
    assert not run.over
    a_desktop.wait_until(lambda: run.over)
    assert run.error is None
    assert run.result.segmentation.GetScene() is a_desktop.scene


def test_a_progress_that_says_no_cancels_and_leaves_nothing(a_desktop, panel, a_ct, worker_mode, temporary):
    before = ids(a_desktop.scene)
    worker_mode("slow")
    with pytest.raises(Cancelled):
        panel.logic.segment(a_ct, progress=lambda fraction, text: False)
    assert ids(a_desktop.scene) == before
    assert job_folders(temporary) == []
