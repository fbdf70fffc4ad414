"""A pacemaker lead or the superior cava is no lumen; plaque and a stent are too small to be taken for one."""

import numpy as np
import pytest
from tree_samples import FAT_HU, LUMEN_HU, at, prediction_of, tube

from CoronarySegLib.postprocessing import extract_trees
from CoronarySegLib.postprocessing.options import PostOptions

LEAD = ((-38, 16, 18), (38, 16, 18), 1.2)
PLAQUE = ((20, -8, 12), (26, -11, 5), 1.0)


def ct_with(lumen, body, hu):
    return FAT_HU + (LUMEN_HU - FAT_HU) * lumen + (hu - LUMEN_HU) * body


def test_a_lead_that_the_network_took_for_a_vessel_goes(left, right):
    lead = tube(*LEAD)
    lumen = np.max([left, right, lead], axis=0)
    trees = extract_trees(prediction_of(lumen, ct=ct_with(lumen, lead, 2200.0)))
    alone = extract_trees(prediction_of(np.maximum(left, right)))
    np.testing.assert_array_equal(np.isin(trees.labels.array, (1, 2)), np.isin(alone.labels.array, (1, 2)))


def test_the_same_vessel_with_the_hu_of_contrast_stays(left, right):
    lumen = np.max([left, right, tube(*LEAD)], axis=0)
    trees = extract_trees(prediction_of(lumen))
    assert trees.labels.array[at((0, 16, 18))] > 0


@pytest.mark.parametrize("hu", [1200.0, 2000.0])
def test_dense_plaque_does_not_part_a_vessel(left, right, hu):
    lumen, plaque = np.maximum(left, right), tube(*PLAQUE) * np.maximum(left, right)
    with_rule, without = (
        extract_trees(prediction_of(lumen, ct=ct_with(lumen, plaque, hu)), PostOptions(exclude_dense=rule))
        for rule in (True, False)
    )
    np.testing.assert_array_equal(with_rule.labels.array, without.labels.array)
    assert (with_rule.labels.array == 3).any()
