"""Left and right, with and without the coarse priors."""

import numpy as np
import pytest
from tree_samples import (
    LEFT_END,
    LEFT_FORK,
    LEFT_OSTIUM,
    LEFT_SIDE_END,
    RIGHT_BEND,
    RIGHT_END,
    at,
    between,
    prediction_of,
    tube,
)

from CoronarySegLib.postprocessing import extract_trees

BRIDGE = tube((8, -5, 15), (-8, -15, 10), 1.0)


def sides_at(trees, *points) -> list[int]:
    return [int(trees.labels.array[at(point)]) for point in points]


def test_anatomy_tells_left_from_right_without_priors(both):
    trees = extract_trees(prediction_of(both))
    assert sides_at(trees, LEFT_END, LEFT_SIDE_END, RIGHT_BEND, RIGHT_END) == [1, 1, 2, 2]
    assert trees.sides == ("left", "right")
    assert trees.warnings == ()


def test_the_larger_tree_may_be_the_right_one(left, right):
    heavy = np.maximum(right, tube(RIGHT_BEND, (-20, 10, -20), 2.5))
    trees = extract_trees(prediction_of(np.maximum(left, heavy)))
    assert trees.volume_mm3("right") > trees.volume_mm3("left")
    assert sides_at(trees, LEFT_END, RIGHT_END) == [1, 2]


def test_the_priors_decide_where_they_are_given(left, right, both):
    trees = extract_trees(prediction_of(both, priors=(right, left)))
    assert sides_at(trees, LEFT_END, RIGHT_END) == [2, 1]


def test_fused_trees_are_split_where_the_priors_meet(left, right, both):
    trees = extract_trees(prediction_of(np.maximum(both, BRIDGE), priors=(left, right)))
    assert trees.split_fused
    assert sides_at(trees, LEFT_OSTIUM, LEFT_END, RIGHT_BEND, RIGHT_END) == [1, 1, 2, 2]
    assert any("separated" in text for text in trees.warnings)


def test_a_stray_of_the_other_prior_does_not_split_a_tree(left, right, both):
    stray = tube(LEFT_END, LEFT_END + np.array([0.1, 0, 0]), 1.5)
    trees = extract_trees(prediction_of(both, priors=(left * (1 - stray), np.maximum(right, stray))))
    assert sides_at(trees, LEFT_END, RIGHT_END) == [1, 2]


def test_fused_trees_are_split_at_a_weak_bridge_without_priors(both):
    trees = extract_trees(prediction_of(np.maximum(both, 0.58 * BRIDGE)))
    assert trees.split_fused
    assert sides_at(trees, LEFT_END, RIGHT_END) == [1, 2]


@pytest.mark.parametrize(("name", "number"), [("left", 1), ("right", 2)])
def test_one_tree_alone_is_named_by_its_course_and_the_missing_one_is_said(name, number, request):
    trees = extract_trees(prediction_of(request.getfixturevalue(name)))
    assert trees.sides == (name,)
    assert any("missing" in text for text in trees.warnings)


def test_one_tree_alone_follows_its_prior(right, left):
    trees = extract_trees(prediction_of(right, priors=(left, right)))
    assert trees.sides == ("right",)


def test_a_large_piece_that_no_prior_knows_is_no_tree(left, right, both):
    vein = tube((5, 15, -25), (-35, 15, -25), 2.2)
    trees = extract_trees(prediction_of(np.maximum(both, vein), priors=(left, right)))
    assert trees.labels.array[at((-10, 15, -25))] == 0
    assert sides_at(trees, LEFT_END, RIGHT_END) == [1, 2]


def test_a_vessel_whose_prior_changes_side_far_from_the_other_tree_stays_one(left, right, both):
    misread = tube(between(RIGHT_BEND, RIGHT_END, 0.2), RIGHT_END, 1.6)
    priors = (np.maximum(left, misread), right * (1 - misread))
    trees = extract_trees(prediction_of(both, priors=priors))
    assert sides_at(trees, LEFT_END, RIGHT_BEND, RIGHT_END) == [1, 2, 2]
    assert not trees.split_fused


def test_a_broken_off_branch_that_hangs_on_the_other_tree_changes_back(left, right, both):
    gap = tube(between(LEFT_FORK, LEFT_SIDE_END, 0.15), between(LEFT_FORK, LEFT_SIDE_END, 0.35), 3.0)
    hangs = tube(LEFT_SIDE_END, RIGHT_END, 1.0)
    trees = extract_trees(prediction_of(np.maximum(both * (1 - gap), hangs), priors=(left, right)))
    assert sides_at(trees, LEFT_END, between(LEFT_FORK, LEFT_SIDE_END, 0.7), RIGHT_BEND, RIGHT_END) == [1, 1, 2, 2]
    assert trees.split_fused
