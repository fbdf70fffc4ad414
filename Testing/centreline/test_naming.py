"""Names by anatomy on phantom trees, whichever way they lie and however they are given."""

from dataclasses import replace

import numpy as np
import pytest
from named_trees import stretch
from scipy.spatial.transform import Rotation

from CoronarySegLib.centreline import CentrelineTree
from CoronarySegLib.centreline.naming import LEAST, name_trees
from CoronarySegLib.centreline.numbers import family_of
from CoronarySegLib.centreline.of_phantom import centrelines_of


def phantom_trees(seed: int, dominance: str) -> dict[str, CentrelineTree]:
    """The truth trees of a phantom; without thorax and veins, which cost most of the time."""
    from CoronarySegLib.phantom.coronaries import grow_tree
    from CoronarySegLib.phantom.courses import Surface
    from CoronarySegLib.phantom.heart import build_heart
    from CoronarySegLib.phantom.shapes import Lattice

    rng = np.random.default_rng(seed)
    heart = build_heart(Lattice((-114.0, -114.0, -99.0), (100, 115, 115), 2.0), rng)
    return centrelines_of(grow_tree(Surface.of(heart), rng, dominance))


@pytest.fixture(scope="module")
def right_dominant():
    return phantom_trees(11, "right")


@pytest.fixture(scope="module")
def left_dominant():
    return phantom_trees(12, "left")


def without_names(trees: dict[str, CentrelineTree], keys=("tree_1", "tree_2")) -> dict[str, CentrelineTree]:
    return {
        key: replace(
            tree.with_branches(replace(b, name="", confidence=0.0) for b in tree.branches), side="", dominance=""
        )
        for key, tree in zip(keys, trees.values(), strict=True)
    }


def turned(trees: dict[str, CentrelineTree], degrees: float, axis) -> dict[str, CentrelineTree]:
    turn = Rotation.from_rotvec(np.radians(degrees) * np.asarray(axis, float) / np.linalg.norm(axis)).as_matrix()
    return {
        key: tree.with_branches(replace(b, points_lps_mm=b.points_lps_mm @ turn.T) for b in tree.branches)
        for key, tree in trees.items()
    }


def share_right(truth: CentrelineTree, named: CentrelineTree, name: str) -> float:
    """Share of a vessel's length that has its name."""
    right, whole = 0.0, 0.0
    for a, b in zip(truth.branches, named.branches, strict=True):
        if a.name == name:
            whole += a.length_mm
            right += a.length_mm * (b.name == name)
    return right / whole


@pytest.mark.parametrize(("side", "name"), [("left", "LM"), ("left", "LAD"), ("left", "LCx"), ("right", "RCA")])
def test_the_trunks_have_their_names(right_dominant, side, name):
    assert share_right(right_dominant[side], name_trees(without_names(right_dominant))[side], name) > 0.8


@pytest.mark.parametrize(("side", "name"), [("left", "LM"), ("left", "LAD"), ("left", "LCx"), ("right", "RCA")])
def test_the_trunks_of_a_left_dominant_heart_have_their_names(left_dominant, side, name):
    assert share_right(left_dominant[side], name_trees(without_names(left_dominant))[side], name) > 0.8


def test_no_trunk_is_called_by_the_name_of_another(right_dominant, left_dominant):
    trunks = {"LM", "LAD", "LCx", "RCA"}
    for truth in (right_dominant, left_dominant):
        named = name_trees(without_names(truth))
        for side in ("left", "right"):
            for a, b in zip(truth[side].branches, named[side].branches, strict=True):
                assert a.name == b.name or not {a.name, b.name} <= trunks


@pytest.mark.parametrize("family", ["D", "OM"])
def test_most_of_what_leaves_the_left_trunks_has_the_name_of_its_family(right_dominant, left_dominant, family):
    right, whole = 0.0, 0.0
    for truth in (right_dominant, left_dominant):
        named = name_trees(without_names(truth))["left"]
        for a, b in zip(truth["left"].branches, named.branches, strict=True):
            if family_of(a.name) == family:
                whole += a.length_mm
                right += a.length_mm * (family_of(b.name) == family)
    assert right / whole > 0.6


def test_dominance_is_stated_on_both_systems(right_dominant, left_dominant):
    for truth, dominance in ((right_dominant, "right"), (left_dominant, "left")):
        named = name_trees(without_names(truth))
        assert {tree.dominance for tree in named.values()} == {dominance}


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, -1, 1)])
@pytest.mark.parametrize("degrees", [-30, 30])
def test_a_turned_patient_has_the_same_names(right_dominant, degrees, axis):
    straight = name_trees(without_names(right_dominant))
    other = name_trees(turned(without_names(right_dominant), degrees, axis))
    for side in ("left", "right"):
        assert [b.name for b in other[side].branches] == [b.name for b in straight[side].branches]


def test_sides_are_told_whatever_the_order_and_the_keys(right_dominant):
    swapped = dict(reversed(without_names(right_dominant, keys=("b", "a")).items()))
    named = name_trees(swapped)
    assert {key: tree.side for key, tree in named.items()} == {"left": "left", "right": "right"}
    assert len(named["left"].branches) == len(right_dominant["left"].branches)


def test_sides_that_were_given_are_kept(right_dominant):
    given = without_names(right_dominant, keys=("left", "right"))
    assert list(name_trees(given)) == ["left", "right"]


def test_a_left_tree_alone_has_its_trunks(right_dominant):
    named = name_trees({"left": without_names(right_dominant)["tree_1"]})["left"]
    for name in ("LM", "LAD", "LCx"):
        assert share_right(right_dominant["left"], named, name) > 0.6
    assert named.dominance == ""


def test_a_right_tree_alone_has_its_trunk(right_dominant):
    named = name_trees({"right": without_names(right_dominant)["tree_2"]})["right"]
    assert share_right(right_dominant["right"], named, "RCA") > 0.6


def test_names_are_given_only_where_they_are_sure_enough(right_dominant):
    for tree in name_trees(without_names(right_dominant)).values():
        for branch in tree.branches:
            assert (LEAST <= branch.confidence <= 1.0) if branch.name else branch.confidence == 0.0


def test_courses_and_warnings_stay(right_dominant):
    given = {k: replace(t, warnings=("note",)) for k, t in without_names(right_dominant, ("left", "right")).items()}
    for key, tree in name_trees(given).items():
        assert tree.warnings == ("note",)
        for a, b in zip(given[key].branches, tree.branches, strict=True):
            assert a.points_lps_mm is b.points_lps_mm


def test_a_third_system_has_no_names_and_a_warning(right_dominant):
    fragment = CentrelineTree("", (stretch(-1, (80, 0, 0), (80, 0, 12)),))
    named = name_trees({**without_names(right_dominant), "tree_3": fragment})["tree_3"]
    assert named.branches[0].name == ""
    assert "not certain" in named.warnings[0]


@pytest.mark.parametrize("side", ["left", "right", ""])
def test_a_single_tube_does_not_stop_the_naming(side):
    tube = CentrelineTree(side, (stretch(-1, (0, 0, 0), (3, -2, -30), radius=1.5),))
    assert len(name_trees({"tree": tube})) == 1


def test_no_systems_give_no_systems():
    assert name_trees({}) == {}
