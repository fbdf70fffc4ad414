"""Each correction does what its click means and nothing else, and is taken back bit for bit."""

import numpy as np
import pytest
from correction_samples import DISTAL, SIDE, TWIG, middle_of, with_ball, without_voxels
from scipy.spatial import cKDTree

from CoronarySegLib.correction import (
    VEIN,
    add_branch,
    bridge,
    cut,
    mark_vein,
    redone,
    remove_branch,
    rename,
    set_radius,
    undone,
)
from CoronarySegLib.correction.grafting import ending_at
from CoronarySegLib.errors import InputError
from CoronarySegLib.postprocessing.boxes import points_of


def points_of_tree(tree) -> np.ndarray:
    return np.concatenate([branch.points_lps_mm for branch in tree.branches])


def restored_share(state, course, system="left", within_mm=1.0) -> float:
    """Share of the points of ``course`` that a centreline of the state runs by."""
    return float((cKDTree(points_of_tree(state.trees[system])).query(course)[0] <= within_mm).mean())


def same(first, second) -> bool:
    return np.array_equal(first.labels.array, second.labels.array) and all(
        first.trees[key] is second.trees[key] for key in first.trees
    )


def assert_undone_and_redone(before, after, made):
    assert same(undone(after, made), before)
    again = redone(undone(after, made), made)
    assert np.array_equal(again.labels.array, after.labels.array)
    assert again.trees == after.trees


# --- removing -------------------------------------------------------------------------------------------------------

def test_a_click_takes_out_the_branch_and_leaves_every_other_voxel(a_case):
    tree = a_case.trees["left"]
    new, made = remove_branch(a_case, middle_of(tree, SIDE))
    kept = [b.points_lps_mm for i, b in enumerate(tree.branches) if i != SIDE]
    gone = np.argwhere(a_case.labels.array != new.labels.array)
    away = cKDTree(np.concatenate(kept)).query(points_of(a_case.geometry, gone))[0]
    assert away.min() > 1.5  # the trunk's lumen, 1.7 mm, is not bitten
    beyond = tree.branches[SIDE].points_lps_mm[tree.branches[SIDE].arc_mm > 5.0]
    voxels = a_case.index_zyx(beyond)
    assert (new.labels.array[tuple(voxels.T)] == 0).all()
    assert new.trees["right"] is a_case.trees["right"]
    assert made.removed_mm3 > 0
    assert made.added_mm3 == 0


def test_the_trunk_goes_on_in_one_piece_where_the_branch_left_it(a_case):
    new, _ = remove_branch(a_case, middle_of(a_case.trees["left"], SIDE))
    assert [branch.name for branch in new.trees["left"].branches] == ["LAD", "LAD", ""]
    assert new.trees["left"].branches[0].length_mm == pytest.approx(
        a_case.trees["left"].branches[0].length_mm + a_case.trees["left"].branches[1].length_mm
    )


def test_a_subtree_goes_with_its_branch(a_case):
    new, _ = remove_branch(a_case, middle_of(a_case.trees["left"], 1))
    assert [branch.name for branch in new.trees["left"].branches] == ["LAD", "D1"] or len(
        new.trees["left"].branches
    ) == 2
    assert restored_share(new, a_case.trees["left"].branches[TWIG].points_lps_mm[20:]) < 0.3


def test_a_vein_is_out_of_the_tree_and_in_the_veins(a_case):
    new, made = mark_vein(a_case, middle_of(a_case.trees["left"], SIDE))
    removed, _ = remove_branch(a_case, middle_of(a_case.trees["left"], SIDE))
    assert np.array_equal(new.labels.array == VEIN, (a_case.labels.array == 1) & (removed.labels.array == 0))
    assert len(new.trees["left"].branches) == 3
    assert made.kind == "mark vein"


def test_calcium_of_the_branch_goes_and_that_of_the_trunk_stays(a_case):
    labels = a_case.labels.array.copy()
    tree = a_case.trees["left"]
    for branch in (SIDE, 0):
        z, y, x = a_case.index_zyx(middle_of(tree, branch))
        labels[z, y, x] = 3
    case = a_case.__class__(a_case.labels.with_array(labels), a_case.trees, ct=a_case.ct)
    new, _ = remove_branch(case, middle_of(tree, SIDE))
    assert np.count_nonzero(new.labels.array == 3) == 1


def test_a_piece_without_centreline_goes_by_a_click_on_it(a_case):
    corner = a_case.geometry.points_lps((12, 12, 8))
    case, piece = with_ball(a_case, corner, 2.0)
    new, _ = remove_branch(case, corner)
    assert np.array_equal(new.labels.array, a_case.labels.array)
    assert piece.any()


def test_the_first_vessel_and_empty_places_are_refused(a_case):
    with pytest.raises(InputError, match="whole tree would go"):
        remove_branch(a_case, middle_of(a_case.trees["left"], 0))
    with pytest.raises(InputError, match="nothing"):
        remove_branch(a_case, a_case.geometry.points_lps((3, 3, 3)))


# --- bridging -------------------------------------------------------------------------------------------------------

def test_a_branch_that_was_taken_out_comes_back_between_two_clicks(a_case):
    branch = a_case.trees["left"].branches[SIDE]
    case, _ = remove_branch(a_case, middle_of(a_case.trees["left"], SIDE))
    new, made = bridge(case, branch.points_lps_mm[0], branch.points_lps_mm[-1])
    assert restored_share(new, branch.points_lps_mm) >= 0.95
    lost = (a_case.labels.array == 1) & (case.labels.array == 0)
    found = (new.labels.array == 1) & (case.labels.array == 0)
    assert 2.0 * (lost & found).sum() / (lost.sum() + found.sum()) > 0.85
    assert not ((case.labels.array > 0) & (new.labels.array != case.labels.array)).any()
    assert_undone_and_redone(case, new, made)


def test_one_click_on_the_missing_end_does_the_same(a_case):
    branch = a_case.trees["left"].branches[TWIG]
    case, _ = remove_branch(a_case, middle_of(a_case.trees["left"], TWIG))
    new, made = add_branch(case, branch.points_lps_mm[-1])
    assert restored_share(new, branch.points_lps_mm) >= 0.95
    assert_undone_and_redone(case, new, made)


def test_a_cut_distal_vessel_is_bridged_and_keeps_its_name(a_case):
    tree = a_case.trees["left"]
    branch = tree.branches[DISTAL]
    case = without_voxels(a_case, DISTAL, 5.0, 10.0)
    shorter = ending_at(tree, DISTAL, int(np.argmax(branch.arc_mm > 4.8)))
    case = case.with_trees({**case.trees, "left": shorter})
    far = branch.points_lps_mm[np.argmax(branch.arc_mm > 11.5)]
    new, made = bridge(case, branch.points_lps_mm[np.argmax(branch.arc_mm > 4.0)], far)
    assert restored_share(new, branch.points_lps_mm[branch.arc_mm < branch.length_mm - 1.5]) >= 0.95
    assert sorted(b.name for b in new.trees["left"].branches) == sorted(b.name for b in tree.branches)
    assert "piece" in made.what
    assert_undone_and_redone(case, new, made)


def test_a_gap_that_the_centreline_crosses_is_only_filled(a_case):
    branch = a_case.trees["left"].branches[SIDE]
    case = without_voxels(a_case, SIDE, 12.0, 16.0)
    ends = [branch.points_lps_mm[np.argmax(branch.arc_mm > at)] for at in (11.0, 17.5)]
    new, _ = bridge(case, *ends)
    assert new.trees["left"] is a_case.trees["left"]
    gap = a_case.index_zyx(branch.points_lps_mm[(branch.arc_mm > 12) & (branch.arc_mm < 16)])
    assert (new.labels.array[tuple(gap.T)] == 1).all()


def test_what_cannot_be_bridged_is_refused_in_words(a_case):
    tree = a_case.trees["left"]
    with pytest.raises(InputError, match="connected lumen already"):
        bridge(a_case, middle_of(tree, SIDE), middle_of(tree, TWIG))
    with pytest.raises(InputError, match="left and on the right"):
        bridge(a_case, middle_of(tree, SIDE), middle_of(a_case.trees["right"], 0))
    with pytest.raises(InputError, match="Neither click"):
        bridge(a_case, a_case.geometry.points_lps((3, 3, 3)), a_case.geometry.points_lps((5, 5, 5)))
    with pytest.raises(InputError, match="on the tree already"):
        add_branch(a_case, middle_of(tree, SIDE))


# --- cutting, calibre, names ----------------------------------------------------------------------------------------

def test_a_leak_at_the_ostium_is_cut_off_at_a_plane(a_case):
    tree = a_case.trees["left"]
    start = tree.branches[0].points_lps_mm
    outwards = (start[0] - start[8]) / np.linalg.norm(start[0] - start[8])
    case, leak = with_ball(a_case, start[0] + 3.5 * outwards, 4.0)
    place = start[np.argmax(tree.branches[0].arc_mm > 2.0)]
    new, made = cut(case, place)
    assert (new.labels.array[leak] == 0).mean() > 0.97
    ahead = a_case.index_zyx(start[tree.branches[0].arc_mm > 3.0])
    assert (new.labels.array[tuple(ahead.T)] == 1).all()
    assert new.trees["left"].ostium_lps_mm == pytest.approx(place)
    assert_undone_and_redone(case, new, made)


def test_a_mask_without_centreline_is_cut_towards_the_second_click(a_case):
    start = a_case.trees["left"].branches[0].points_lps_mm
    outwards = (start[0] - start[8]) / np.linalg.norm(start[0] - start[8])
    case, leak = with_ball(a_case, start[0] + 3.5 * outwards, 4.0)
    case = case.with_trees({"right": a_case.trees["right"]})
    with pytest.raises(InputError, match="second time"):
        cut(case, start[5])
    new, _ = cut(case, start[5], start[5] + 5.0 * outwards)
    assert (new.labels.array[leak] == 0).mean() > 0.97
    assert new.stale == {"left"}


def test_a_second_click_cuts_the_distal_side(a_case):
    branch = a_case.trees["left"].branches[SIDE]
    k = np.argmax(branch.arc_mm > 15.0)
    new, _ = cut(a_case, branch.points_lps_mm[k], branch.points_lps_mm[-1])
    assert new.trees["left"].branches[SIDE].length_mm == pytest.approx(branch.arc_mm[k], abs=0.5)
    beyond = a_case.index_zyx(branch.points_lps_mm[branch.arc_mm > 17.0])
    assert (new.labels.array[tuple(beyond.T)] == 0).all()
    assert np.count_nonzero(new.labels.array == 2) == np.count_nonzero(a_case.labels.array == 2)


@pytest.mark.parametrize("wanted_mm", [0.75, 1.5])
def test_a_radius_is_set_at_a_point_and_fades_into_its_neighbours(a_case, wanted_mm):
    branch = a_case.trees["left"].branches[SIDE]
    k = np.argmax(branch.arc_mm > 18.0)
    new, made = set_radius(a_case, branch.points_lps_mm[k], wanted_mm)
    now = new.trees["left"].branches[SIDE]
    assert now.radius_mm[k] == pytest.approx(wanted_mm, abs=0.2)
    far = np.abs(branch.arc_mm - branch.arc_mm[k]) > 7.0
    assert now.radius_mm[far] == pytest.approx(branch.radius_mm[far])
    changed = points_of(a_case.geometry, np.argwhere(new.labels.array != a_case.labels.array))
    assert np.linalg.norm(changed - branch.points_lps_mm[k], axis=1).max() < 6.0
    assert_undone_and_redone(a_case, new, made)


def test_a_radius_that_no_coronary_has_is_refused(a_case):
    with pytest.raises(InputError, match="between"):
        set_radius(a_case, middle_of(a_case.trees["left"], SIDE), 9.0)


def test_a_new_name_changes_no_voxel_and_is_taken_back(a_case):
    new, made = rename(a_case, middle_of(a_case.trees["left"], SIDE), "cx")
    assert new.trees["left"].branches[SIDE].name == "LCx"
    assert new.trees["left"].branches[SIDE].confidence == 1.0
    assert made.voxels is None
    assert_undone_and_redone(a_case, new, made)


# --- undo -----------------------------------------------------------------------------------------------------------

def test_an_edit_of_the_same_voxels_by_other_means_stops_the_undo(a_case):
    new, made = remove_branch(a_case, middle_of(a_case.trees["left"], SIDE))
    labels = new.labels.array.copy()
    labels[tuple(np.argwhere(a_case.labels.array != new.labels.array)[0])] = 2
    edited = new.__class__(new.labels.with_array(labels), new.trees)
    with pytest.raises(InputError, match="edited by other means"):
        undone(edited, made)


def test_an_edit_elsewhere_survives_the_undo(a_case):
    new, made = remove_branch(a_case, middle_of(a_case.trees["left"], SIDE))
    labels = new.labels.array.copy()
    labels[0, 0, 0] = 2
    back = undone(new.__class__(new.labels.with_array(labels), new.trees), made)
    assert back.labels.array[0, 0, 0] == 2
    assert np.array_equal(back.labels.array.ravel()[1:], a_case.labels.array.ravel()[1:])


def test_many_steps_are_taken_back_one_by_one(a_case):
    tree = a_case.trees["left"]
    states, made = [a_case], []
    for correct in (
        lambda s: set_radius(s, middle_of(tree, SIDE), 1.4), lambda s: remove_branch(s, middle_of(tree, TWIG)),
        lambda s: mark_vein(s, middle_of(tree, SIDE)), lambda s: rename(s, middle_of(tree, 0), "LCx"),
    ):
        new, one = correct(states[-1])
        states.append(new)
        made.append(one)
    state = states[-1]
    for one, expected in zip(reversed(made), reversed(states[:-1]), strict=True):
        state = undone(state, one)
        assert same(state, expected)
