"""Corrections on real nodes: one undo step each, noticed edits, the log, and what export gets afterwards."""

import sys
from pathlib import Path

import numpy as np
import pytest
import slicer

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "correction"), str(HERE.parent / "centreline")]

from correction_samples import SIDE, TWIG, middle_of, ras, whole_case  # noqa: E402

from CoronarySegLib.correction import CorrectionLog  # noqa: E402
from CoronarySegLib.errors import InputError  # noqa: E402


@pytest.fixture(scope="module")
def a_case():
    return whole_case()


@pytest.fixture
def result(scene, a_case):
    """The case as a result in the scene."""
    from correction_nodes_samples import result_in_scene

    return result_in_scene(a_case)


@pytest.fixture
def session(result):
    from CoronarySegModule.correction_session import session_of

    return session_of(result)


def click(case, branch: int) -> np.ndarray:
    return ras(middle_of(case.trees["left"], branch))


def labels(node) -> np.ndarray:
    from CoronarySegModule.result_values import labels_of

    return labels_of(node).array


def names(node) -> list[str]:
    from CoronarySegModule.result_values import trees_of

    return [branch.name for branch in trees_of(node)["left"].branches]


def node_ids(scene) -> set[str]:
    return {scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())}


CORRECTIONS = {
    "remove": lambda session, case: session.remove_branch(click(case, SIDE)),
    "vein": lambda session, case: session.mark_vein(click(case, SIDE)),
    "cut": lambda session, case: session.cut(ras(case.trees["left"].branches[0].points_lps_mm[8])),
    "radius": lambda session, case: session.set_radius(click(case, SIDE), 1.5),
    "rename": lambda session, case: session.rename(click(case, SIDE), "OM2"),
}


@pytest.mark.parametrize("kind", CORRECTIONS)
def test_every_correction_is_one_undo_step_bit_for_bit(session, result, a_case, kind):
    made = CORRECTIONS[kind](session, a_case)
    after, named = labels(result), names(result)
    assert np.array_equal(after, session.state().labels.array)
    assert session.next_undo == made.what
    session.undo()
    assert np.array_equal(labels(result), a_case.labels.array)
    assert names(result) == [branch.name for branch in a_case.trees["left"].branches]
    assert session.next_undo == ""
    session.redo()
    assert np.array_equal(labels(result), after)
    assert names(result) == named


def test_a_branch_is_bridged_back_by_two_clicks(session, result, a_case):
    branch = a_case.trees["left"].branches[TWIG]
    session.remove_branch(click(a_case, TWIG))
    gone = labels(result)
    session.bridge(ras(branch.points_lps_mm[0]), ras(branch.points_lps_mm[-1]))
    assert len(names(result)) == len(a_case.trees["left"].branches)
    session.undo()
    assert np.array_equal(labels(result), gone)
    session.undo()
    assert np.array_equal(labels(result), a_case.labels.array)


def test_veins_have_a_segment_of_their_own_while_there_are_some(session, result, a_case):
    segmentation = result.GetSegmentation()
    before = segmentation.GetSegmentIDs()
    session.mark_vein(click(a_case, SIDE))
    assert segmentation.GetSegment("vein").GetName() == "Cardiac vein"
    assert (labels(result) == 4).any()
    session.undo()
    assert segmentation.GetSegmentIDs() == before


def test_curves_that_stay_the_same_keep_their_nodes(session, result, a_case, scene):
    curve = next(node for node in slicer.util.getNodesByClass("vtkMRMLMarkupsCurveNode") if node.GetName() == "RCA")
    session.remove_branch(click(a_case, TWIG))
    assert curve.GetScene() is scene
    assert not [n for n in slicer.util.getNodesByClass("vtkMRMLMarkupsCurveNode") if n.GetName() == f"Branch {TWIG}"]


def test_what_cannot_be_done_is_said_and_leaves_the_scene_as_it_was(session, result, a_case, scene):
    before, here = labels(result), node_ids(scene)
    with pytest.raises(InputError, match="whole tree would go"):
        session.remove_branch(click(a_case, 0))
    with pytest.raises(InputError, match="no correction to undo"):
        session.undo()
    assert np.array_equal(labels(result), before)
    assert node_ids(scene) == here
    assert session.log == CorrectionLog()


def test_an_edit_of_the_segment_editor_is_noticed_and_kept(session, result, a_case):
    session.rename(click(a_case, TWIG), "OM1")
    edit_left(result, a_case)
    session.remove_branch(click(a_case, SIDE))
    assert labels(result)[0, 0, 0] == 1
    session.undo()
    expected = a_case.labels.array.copy()
    expected[0, 0, 0] = 1
    assert np.array_equal(labels(result), expected)


def test_the_log_stays_with_the_scene_and_follows_undo(session, result, a_case, tmp_path):
    from CoronarySegModule import correction_session

    session.by = "N. N."
    session.rename(click(a_case, SIDE), "OM2")
    session.remove_branch(click(a_case, TWIG))
    assert [entry.kind for entry in session.log.entries] == ["rename", "remove branch"]
    session.undo()
    assert [entry.kind for entry in session.log.entries] == ["rename"]
    correction_session._sessions.clear()  # as after saving and loading the scene
    later = correction_session.session_of(result)
    assert later.log.entries[0].by == "N. N."
    assert later.log.write(tmp_path / "log.csv").read_text(encoding="utf-8").count("\n") == 2


def test_a_pair_for_training_is_saved_under_the_name_of_the_ct(session, a_case, tmp_path):
    from CoronarySegLib.training.pairs import find_pairs

    session.remove_branch(click(a_case, SIDE))
    session.save_training_pair(tmp_path)
    assert [pair.name for pair in find_pairs(tmp_path)] == ["patient"]
    assert (tmp_path / "corrections" / "patient.json").is_file()


def test_export_gets_the_corrected_centrelines_with_the_names_given(session, result, a_case, tmp_path, monkeypatch):
    session.rename(click(a_case, SIDE), "OM2")
    session.remove_branch(click(a_case, TWIG))
    job = export_job(result, tmp_path, monkeypatch)
    assert "OM2" in [branch.name for branch in job.trees["left"].branches]
    assert len(job.trees["left"].branches) == len(names(result))
    assert job.names_from == {}
    assert job.probability is None


def test_names_given_survive_when_export_makes_centrelines_anew(session, result, a_case, tmp_path, monkeypatch):
    session.rename(click(a_case, SIDE), "OM2")
    edit_left(result, a_case)
    job = export_job(result, tmp_path, monkeypatch)
    assert job.trees == {}
    given = [branch for branch in job.names_from["left"].branches if branch.confidence == 1.0]
    assert [branch.name for branch in given] == ["OM2"]


def test_surfaces_and_tables_are_behind_until_they_are_renewed(session, result, a_case):
    from CoronarySegModule.following import follow
    from CoronarySegModule.nodes import find_models
    from slicer_samples import result_of

    from CoronarySegLib.worker.outcomes import FollowOutcome

    assert not session.surfaces_behind
    session.remove_branch(click(a_case, SIDE))
    assert session.surfaces_behind
    before = find_models(result)["left"].GetPolyData().GetNumberOfPoints()
    now = session.state().labels
    follow(result, now, FollowOutcome(result_of(now).surfaces, {}))
    assert find_models(result)["left"].GetPolyData().GetNumberOfPoints() < before
    assert not session.surfaces_behind
    vessels = [n for n in slicer.util.getNodesByClass("vtkMRMLTableNode") if n.GetName().endswith("vessels")]
    assert len(vessels) == 1


def edit_left(result, case) -> None:
    """One voxel more of the left tree, as painted in the Segment Editor."""
    volume = result.GetNodeReference("CoronarySegVolume")
    array = (labels(result) == 1).astype(np.uint8)
    array[0, 0, 0] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, result, "left", volume)


def export_job(result, folder, monkeypatch):
    """The job that an export hands to its worker."""
    import CoronarySegModule.logic as logic

    caught = []
    monkeypatch.setattr(logic, "Run", lambda job, *_args, **_named: caught.append(job))
    logic.export_run(result, folder / "flow")
    return caught[0]
