"""A name given by hand goes as far as the vessel goes and takes along what depends on it."""

from dataclasses import replace

import numpy as np
import pytest
from named_trees import left_tree, stretch

from CoronarySegLib.centreline import CentrelineTree
from CoronarySegLib.centreline.naming import renamed
from CoronarySegLib.errors import InputError


def names(tree: CentrelineTree) -> list[str]:
    return [branch.name for branch in tree.branches]


def test_a_name_goes_on_to_the_end_of_the_vessel():
    assert [names(renamed(left_tree(), 1, "Graft"))[i] for i in (1, 3, 5)] == ["Graft"] * 3


def test_a_name_does_not_go_upstream():
    tree = renamed(left_tree(), 3, "Graft")
    assert names(tree)[1] == "LAD"
    assert names(tree)[5] == "Graft"


def test_the_users_word_is_certain_and_others_stay_as_sure_as_they_were():
    tree = renamed(left_tree(), 6, "RI")
    assert [tree.branches[i].confidence for i in (6, 8, 0)] == [1.0, 1.0, 0.97]


def test_nothing_but_names_changes():
    before, after = left_tree(), renamed(left_tree(), 1, "LCx")
    assert (after.side, after.dominance) == (before.side, before.dominance)
    for a, b in zip(before.branches, after.branches, strict=True):
        assert np.array_equal(a.points_lps_mm, b.points_lps_mm)
        assert a.parent == b.parent


def test_diagonals_of_what_is_an_lcx_are_marginals():
    assert [names(renamed(left_tree(), 1, "LCx"))[i] for i in (2, 4)] == ["OM1", "OM2"]


def test_marginals_of_what_is_an_lad_are_diagonals():
    assert names(renamed(left_tree(), 6, "LAD"))[7] == "D1"


def test_side_branches_of_a_side_branch_have_no_name():
    assert [names(renamed(left_tree(), 1, "D1"))[i] for i in (2, 4)] == ["", ""]


def test_taking_a_name_away_takes_those_of_side_branches_too():
    tree = renamed(left_tree(), 1, "")
    assert [names(tree)[i] for i in (1, 2, 3, 4, 5)] == [""] * 5
    assert tree.branches[1].confidence == 0.0
    assert names(tree)[6:9] == ["LCx", "OM1", "LCx"]


def test_later_diagonals_move_up_behind_a_new_one():
    tree = left_tree().with_branches(
        replace(b, name="D1") if i == 4 else replace(b, name="") if i == 2 else b
        for i, b in enumerate(left_tree().branches)
    )
    assert [names(renamed(tree, 2, "D1"))[i] for i in (2, 4)] == ["D1", "D2"]


def test_an_earlier_branch_loses_a_number_that_is_given_to_a_later_one():
    assert [names(renamed(left_tree(), 4, "D1"))[i] for i in (2, 4)] == ["", "D1"]


def test_a_family_without_a_number_gets_the_next_one():
    assert names(renamed(left_tree(), 4, "OM"))[4] == "OM1"
    assert names(renamed(left_tree(), 4, "D"))[4] == "D2"


def test_an_unnamed_branch_takes_a_name_along_its_stem():
    tree = left_tree()
    tree = tree.with_branches((*tree.branches, stretch(9, (44, -10, -34), (54, -10, -44)),
                               stretch(9, (44, -10, -34), (44, -4, -36), radius=0.4)))
    assert names(renamed(tree, 9, "D1a"))[9:] == ["D1a", "D1a", ""]


@pytest.mark.parametrize(
    ("text", "name"), [("lcx", "LCx"), ("CX", "LCx"), ("LMCA", "LM"), ("om2", "OM2"), (" RIMA  graft ", "RIMA graft")]
)
def test_usual_spellings_are_understood(text, name):
    assert names(renamed(left_tree(), 7, text))[7] == name


@pytest.mark.parametrize("text", ["x" * 41, "LAD\x07"])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(InputError, match="no name"):
        renamed(left_tree(), 1, text)


def test_a_branch_that_is_not_there_is_refused():
    with pytest.raises(IndexError, match="12"):
        renamed(left_tree(), 12, "LAD")
