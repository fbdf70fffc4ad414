import json

import numpy as np
import pytest
from evaluation_samples import GRID, straight_branch, tube_mask, two_trees

from CoronarySegLib.errors import InputError
from CoronarySegLib.evaluation import evaluate
from CoronarySegLib.volume import Geometry, Volume


def test_a_truth_scores_perfectly_against_itself():
    scores = evaluate(two_trees(), two_trees())
    for tree in scores.trees:
        assert (tree.dice, tree.cldice, tree.hausdorff_mm, tree.betti0_error) == (1.0, 1.0, 0.0, 0)
        assert tree.centreline_found == tree.centreline_true == 1.0
    assert scores.warnings == ()


def test_the_total_is_the_union_of_both_trees():
    scores = evaluate(two_trees(), two_trees())
    assert scores.total.volume_truth_mm3 == scores.left.volume_truth_mm3 + scores.right.volume_truth_mm3
    assert scores.total.components_truth == 2


def test_swapped_trees_score_zero_each_and_one_together():
    truth = two_trees()
    swapped = truth.with_array(np.array([0, 2, 1], np.uint8)[truth.array])
    scores = evaluate(swapped, truth)
    assert (scores.left.dice, scores.right.dice, scores.total.dice) == (0.0, 0.0, 1.0)


def test_calcium_is_not_counted_in_the_lumen():
    truth = two_trees()
    predicted = truth.array.copy()
    predicted[tube_mask(GRID, (0.0, 8.0), 1.0)] = 3
    assert evaluate(truth.with_array(predicted), truth).total.precision == 1.0


def test_a_missing_tree_halves_the_centreline_found():
    truth = two_trees()
    scores = evaluate(truth.with_array(truth.array * (truth.array == 1)), truth)
    assert scores.total.centreline_found == pytest.approx(0.5)
    assert scores.right.centreline_found == 0.0
    assert scores.total.centreline_true == 1.0


def test_found_share_is_reported_by_lumen_radius_of_the_given_centrelines():
    truth = two_trees()
    branches = [straight_branch(5.0, 0.6, "left"), straight_branch(-5.0, 1.2, "right")]
    scores = evaluate(truth.with_array(truth.array * (truth.array == 2)), truth, centrelines=branches)
    thinnest, _, middle, widest = scores.total.found_by_radius
    assert (thinnest.share, middle.share) == (0.0, 1.0)
    assert np.isnan(widest.share)
    assert scores.centreline_source == "given"


def test_an_empty_prediction_is_scored_and_saved_as_valid_json():
    truth = two_trees()
    scores = evaluate(truth.with_array(np.zeros_like(truth.array)), truth)
    assert scores.total.dice == 0.0
    assert np.isinf(scores.total.hd95_mm)
    assert "empty" in scores.warnings[0]
    assert json.loads(json.dumps(scores.as_dict(), allow_nan=False))["total"]["hd95_mm"] is None


def test_a_prediction_on_another_grid_is_resampled_with_a_warning():
    finer = Geometry((96, 96, 96), (0.25, 0.25, 0.25), (-12.0, -12.0, -12.0))
    scores = evaluate(two_trees(finer), two_trees())
    assert scores.total.dice > 0.95
    assert "another grid" in scores.warnings[0]


def test_a_prediction_elsewhere_in_space_is_refused():
    far = Geometry(GRID.shape_zyx, GRID.spacing_xyz_mm, (500.0, 0.0, 0.0))
    with pytest.raises(InputError, match="different places"):
        evaluate(Volume(two_trees().array, far), two_trees())


def test_a_truth_of_one_label_is_scored_as_both_trees_together():
    truth = two_trees()
    scores = evaluate(truth, truth.with_array((truth.array > 0).astype(np.uint8)))
    assert scores.left is None
    assert scores.total.dice == 1.0


def test_a_probability_adds_the_area_under_the_curve():
    truth = two_trees()
    probability = truth.with_array((truth.array > 0).astype(np.float32) * 0.9)
    assert evaluate(truth, truth, probability=probability).roc_auc == 1.0


@pytest.mark.parametrize(("array", "message"), [
    (np.full(GRID.shape_zyx, -200, np.int16), "label map"),
    (np.full(GRID.shape_zyx, 0.3, np.float32), "fractions"),
    (np.full(GRID.shape_zyx, np.nan, np.float32), "label map"),
])
def test_an_image_in_place_of_a_label_map_is_refused(array, message):
    with pytest.raises(InputError, match=message):
        evaluate(two_trees().with_array(array), two_trees())


def test_a_truth_without_lumen_is_refused():
    truth = two_trees()
    with pytest.raises(InputError, match="no lumen"):
        evaluate(truth, truth.with_array(np.zeros_like(truth.array)))
