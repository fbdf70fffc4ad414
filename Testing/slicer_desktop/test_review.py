"""The review pressed as a user presses it: places, decisions, doubt, a vessel pulled straight."""

from pathlib import Path

import numpy as np
import pytest
import slicer

from CoronarySegLib.review import Kind


@pytest.fixture
def views(a_desktop):
    return a_desktop.with_views()


@pytest.fixture
def reviewed(a_desktop, panel, a_ct, worker_mode):
    """The panel after a run that has found four suspicious places."""
    panel.enter()
    panel.ui.segmentButton.click()
    a_desktop.wait_until(lambda: not panel.activity.running)
    return panel


def review_of(panel):
    from CoronarySegModule.review_nodes import read_review

    return read_review(panel.parameters().result)


def decisions(panel) -> list[str]:
    return [entry.decision.value for entry in review_of(panel).entries]


def place(panel, row: int) -> np.ndarray:
    from CoronarySegModule.review_nodes import place_ras

    return place_ras(review_of(panel).entries[row].suspect)


def test_without_a_result_there_is_nothing_to_press(panel):
    for button in (panel.ui.reviewButton, panel.ui.acceptButton, panel.ui.fixButton, panel.ui.straightenButton):
        assert not button.enabled
        assert "Segment a CT first" in button.toolTip


def test_a_run_brings_its_queue_the_worst_first(reviewed):
    assert reviewed.ui.reviewProgressLabel.text == "0 of 4 places looked at"
    assert reviewed.ui.reviewTable.rowCount == 4
    assert reviewed.ui.reviewTable.item(0, 0).text() == "Vein?"
    assert reviewed.ui.reviewTable.item(3, 0).text() == "Gap"


def test_one_click_brings_slices_crosshair_and_camera_to_the_place(reviewed, views):
    reviewed.ui.reviewTable.selectRow(1)
    here = place(reviewed, 1)
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    np.testing.assert_allclose(crosshair.GetCrosshairRAS(), here, atol=1e-6)
    for name in ("Red", "Green", "Yellow"):
        to_ras = slicer.util.arrayFromVTKMatrix(views.sliceWidget(name).mrmlSliceNode().GetSliceToRAS())
        normal = to_ras[:3, 2]
        assert abs(normal @ (here - to_ras[:3, 3])) < 1e-3
    camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(views.threeDWidget(0).mrmlViewNode())
    np.testing.assert_allclose(camera.GetFocalPoint(), here, atol=1e-3)
    assert "Made by hand" in reviewed.ui.reviewTextLabel.text


def test_a_decision_goes_to_the_next_open_place_and_counts(reviewed):
    reviewed.ui.reviewTable.selectRow(0)
    reviewed.ui.acceptButton.click()
    reviewed.ui.ignoreButton.click()
    assert decisions(reviewed) == ["accepted", "ignored", "open", "open"]
    assert reviewed.ui.reviewProgressLabel.text == "2 of 4 places looked at"
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    np.testing.assert_allclose(crosshair.GetCrosshairRAS(), place(reviewed, 2), atol=1e-6)


def test_all_the_rest_is_accepted_by_one_click(reviewed):
    reviewed.ui.reviewTable.selectRow(0)
    reviewed.ui.ignoreButton.click()
    reviewed.ui.acceptAllButton.click()
    assert decisions(reviewed) == ["ignored", "accepted", "accepted", "accepted"]
    assert not reviewed.ui.acceptAllButton.enabled
    assert not reviewed.ui.acceptButton.enabled


def test_searching_again_keeps_what_was_decided(a_desktop, reviewed):
    from CoronarySegModule.review_nodes import Review, write_review

    reviewed.ui.reviewButton.click()
    a_desktop.wait_until(lambda: not reviewed.activity.running)
    found = review_of(reviewed)
    assert found.entries  # two straight tubes that end while they are wide
    assert all(entry.suspect.kind is not Kind.VEIN for entry in found.entries)
    reviewed.ui.reviewTable.selectRow(0)
    reviewed.ui.acceptButton.click()
    reviewed.ui.reviewButton.click()
    a_desktop.wait_until(lambda: not reviewed.activity.running)
    assert decisions(reviewed) == ["accepted", *["open"] * (len(found.entries) - 1)]
    write_review(reviewed.parameters().result, Review())
    reviewed.enter()
    assert reviewed.ui.reviewProgressLabel.text == "Nothing suspicious was found."


def test_the_review_goes_on_after_saving_and_loading_the_scene(a_desktop, reviewed, tmp_path):
    reviewed.ui.reviewTable.selectRow(1)
    reviewed.ui.acceptButton.click()
    before = review_of(reviewed)
    bundle = str((tmp_path / "scene.mrb").resolve())
    assert slicer.mrmlScene.WriteToMRB(bundle, None)
    a_desktop.scene.Clear(0)
    assert reviewed.ui.reviewTable.rowCount == 0
    assert slicer.mrmlScene.ReadFromMRB(bundle)
    reviewed.enter()
    if reviewed.parameters().result is None:
        reviewed.parameters().result = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")[0]
    assert review_of(reviewed) == before
    assert reviewed.ui.reviewProgressLabel.text == "1 of 4 places looked at"


def test_two_results_have_reviews_of_their_own(a_desktop, reviewed):
    reviewed.ui.reviewTable.selectRow(0)
    reviewed.ui.acceptButton.click()
    first = reviewed.parameters().result
    reviewed.ui.keepEarlierBox.checked = True
    reviewed.ui.segmentButton.click()
    a_desktop.wait_until(lambda: not reviewed.activity.running)
    assert reviewed.ui.reviewProgressLabel.text == "0 of 4 places looked at"
    reviewed.parameters().result = first
    assert reviewed.ui.reviewProgressLabel.text == "1 of 4 places looked at"


def test_doubt_lies_over_the_slices_and_goes_again(reviewed, views):
    reviewed.ui.overlayBox.checked = True
    composite = views.sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
    shown = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID())
    assert shown.GetAttribute("CoronarySeg.Uncertainty")
    assert composite.GetForegroundOpacity() > 0.3
    assert slicer.util.arrayFromVolume(shown).max() == 0  # the probability made by hand is sure everywhere
    reviewed.ui.overlayBox.checked = False
    assert composite.GetForegroundOpacity() == 0.0


def test_several_models_that_differ_are_what_the_overlay_shows(reviewed, a_ct, views):
    variance = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, a_ct, "variance")
    slicer.util.updateVolumeFromArray(variance, np.full((30, 40, 50), 0.0625, np.float32))
    reviewed.ui.overlayBox.checked = True
    composite = views.sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
    shown = slicer.util.arrayFromVolume(slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID()))
    assert np.unique(shown).tolist() == [50]  # a standard deviation of half the largest


def test_surfaces_are_coloured_by_doubt(reviewed):
    from CoronarySegModule.nodes import find_models

    reviewed.ui.doubtBox.checked = True
    models = find_models(reviewed.parameters().result)
    assert models["left"].GetDisplayNode().GetScalarVisibility()
    doubt = slicer.util.arrayFromModelPointData(models["left"], "Doubt")
    assert np.median(doubt) < 0.2  # the lumen made by hand is sure a voxel inside
    assert not models["calcium"].GetDisplayNode().GetScalarVisibility()
    reviewed.ui.doubtBox.checked = False
    assert not models["left"].GetDisplayNode().GetScalarVisibility()


def test_a_vessel_is_pulled_straight_into_a_view_of_its_own(reviewed, views):
    reviewed.ui.reviewTable.selectRow(0)
    reviewed.ui.straightenButton.click()
    node = next(one for one in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
                if one.GetAttribute("CoronarySeg.Straightened"))
    composite = views.sliceWidget("Straightened").sliceLogic().GetSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == node.GetID()
    array = slicer.util.arrayFromVolume(node)
    middle = array[5:-5, array.shape[1] // 2, array.shape[2] // 2]
    assert (middle > 300).all()  # the vessel's own HU all along the axis, never the 60 HU around
    seen = views.sliceWidget("Straightened").mrmlSliceNode().GetFieldOfView()
    assert seen[1] >= 0.99 * array.shape[0] * node.GetSpacing()[2]  # the whole vessel is in the view
    bounds = np.zeros(6)
    node.GetRASBounds(bounds)
    everything = np.zeros(6)
    node.GetNodeReference("CoronarySegVolume").GetRASBounds(everything)
    assert bounds[0] > everything[1]  # nothing of the patient shows in the view
    mark = next(one for one in slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
                if one.GetAttribute("CoronarySeg.StraightenedPlace"))
    place_in_view = np.array(mark.GetNthControlPointPosition(0))
    assert (bounds[::2] < place_in_view).all()
    assert (place_in_view < bounds[1::2]).all()
    other = views.sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
    assert other.GetBackgroundVolumeID() != node.GetID()


def test_what_is_made_for_the_views_is_never_taken_for_a_ct(reviewed, views):
    reviewed.ui.reviewTable.selectRow(0)
    reviewed.ui.overlayBox.checked = True
    reviewed.ui.straightenButton.click()
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        own = node.GetAttribute("CoronarySeg.Uncertainty") or node.GetAttribute("CoronarySeg.Straightened")
        if own:
            assert reviewed.logic.reasonNotToRun(node)


def test_a_closed_scene_leaves_an_empty_queue(a_desktop, reviewed):
    reviewed.ui.reviewTable.selectRow(0)
    a_desktop.scene.Clear(0)
    assert reviewed.ui.reviewTable.rowCount == 0
    assert reviewed.ui.reviewProgressLabel.text == "No result yet."


def test_from_opening_to_reviewed_and_exported_surfaces_it_takes_at_most_six_clicks(
    a_desktop, a_ct, worker_mode, tmp_path, monkeypatch
):
    import qt

    clicks = []

    def press(panel, name: str) -> None:
        button = getattr(panel.ui, name)
        assert button.enabled, f"{name} cannot be pressed: {button.toolTip}"
        section = button.parent()
        assert not getattr(section, "collapsed", False), f"{name} is hidden"
        clicks.append(name)
        button.click()
        a_desktop.wait_until(lambda: not panel.activity.running)

    def choose_folder(*_) -> str:
        clicks.append("Choose in the dialog")
        return str(tmp_path)

    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", choose_folder, raising=False)
    a_desktop.load(Path(__file__).parents[2] / "CoronarySeg" / "CoronarySeg.py")
    clicks.append("CoronarySeg in the list of modules")
    panel = a_desktop.enter("CoronarySeg")
    press(panel, "segmentButton")
    press(panel, "acceptAllButton")
    press(panel, "saveSurfacesButton")
    assert all((tmp_path / f"{part}.stl").is_file() for part in ("left", "right", "calcium"))
    assert "not looked at" not in panel.ui.statusLabel.text
    assert decisions(panel) == ["accepted"] * 4
    assert len(clicks) <= 6, clicks
    a_desktop.exit("CoronarySeg")
    a_desktop.quit("CoronarySeg")


def test_surfaces_saved_before_the_review_say_so(reviewed, tmp_path, monkeypatch):
    import qt

    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path), raising=False)
    reviewed.ui.saveSurfacesButton.click()
    assert "4 suspicious places were not looked at yet" in reviewed.ui.statusLabel.text


def test_fix_hands_the_place_over_and_counts(reviewed, monkeypatch):
    handed = []
    section = next(one for one in reviewed.sections if type(one).__name__ == "ReviewSection")
    monkeypatch.setattr(section, "_fix", lambda suspect, place: handed.append((suspect.kind, place)))
    reviewed.ui.reviewTable.selectRow(1)
    reviewed.ui.fixButton.click()
    assert decisions(reviewed)[1] == "fixed"
    ((kind, where),) = handed
    assert kind is Kind.VEIN
    np.testing.assert_allclose(where, place(reviewed, 1))
