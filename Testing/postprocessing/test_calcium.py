"""Calcium beside the lumen: found, kept apart, never cutting a vessel."""

import numpy as np
import pytest
from scipy import ndimage
from tree_samples import FAT_HU, LEFT_FORK, LEFT_OSTIUM, LUMEN_HU, at, between, prediction_of, tube

from CoronarySegLib.postprocessing import PostOptions, extract_trees
from CoronarySegLib.postprocessing.calcium import lumen_threshold_hu

MIDDLE = np.asarray(between(LEFT_OSTIUM, LEFT_FORK, 0.5))
BESIDE = MIDDLE + (0.0, 0.0, 2.2)


def ct_with(field: np.ndarray, deposit: np.ndarray, hu: float = 1000.0, noise_hu: float = 20.0) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0.0, noise_hu, field.shape)
    return np.where(deposit > 0.5, hu, FAT_HU + (LUMEN_HU - FAT_HU) * field) + noise


def test_dense_plaque_in_the_wall_becomes_calcium(both):
    plaque = tube(BESIDE, BESIDE + (2, 0, 0), 0.7)
    trees = extract_trees(prediction_of(both, ct=ct_with(both, plaque)))
    assert trees.labels.array[at(BESIDE + (1, 0, 0))] == 3
    assert trees.calcium_threshold_hu < 1000.0


def test_a_brightly_enhanced_lumen_is_not_calcium(both):
    trees = extract_trees(prediction_of(both, ct=ct_with(both * 1.6, np.zeros_like(both))))
    assert trees.volume_mm3("calcium") == 0.0


def test_bone_away_from_the_vessels_is_not_calcium(both):
    bone = tube((0, 15, -25), (5, 15, -25), 2.0)
    trees = extract_trees(prediction_of(both, ct=ct_with(both, bone)))
    assert trees.volume_mm3("calcium") == 0.0


def test_the_networks_calcium_joins_the_rule(both):
    soft = tube(BESIDE, BESIDE + (2, 0, 0), 0.7)
    trees = extract_trees(prediction_of(both, calcium=soft, ct=ct_with(both, soft, hu=420.0)))
    assert trees.labels.array[at(BESIDE + (1, 0, 0))] == 3


def test_a_deposit_that_fills_the_vessel_does_not_cut_it(both):
    plug = tube(MIDDLE, MIDDLE + (1.5, 0, 0), 2.4)
    trees = extract_trees(prediction_of(both, ct=ct_with(both, plug)))
    assert ndimage.label(trees.labels.array == 1)[1] == 1
    assert any("kept open" in text for text in trees.warnings)


def test_calcium_lowers_the_lumen_it_replaces(both):
    bite = tube(MIDDLE + (0, 0, 1.6), MIDDLE + (2, 0, 1.6), 0.8)
    trees = extract_trees(prediction_of(both, ct=ct_with(both, bite)))
    calcium = trees.labels.array == 3
    assert calcium.any()
    assert (trees.lumen.array[calcium] < trees.threshold_used).all()


def test_calcium_can_be_switched_off(both):
    plaque = tube(BESIDE, BESIDE + (2, 0, 0), 0.7)
    trees = extract_trees(prediction_of(both, ct=ct_with(both, plaque)), PostOptions(calcium=False))
    assert trees.volume_mm3("calcium") == 0.0


@pytest.mark.parametrize("lumen_hu", [300.0, 450.0, 700.0])
def test_the_limit_follows_the_patients_own_lumen(lumen_hu):
    rng = np.random.default_rng(0)
    lumen = np.ones((20, 20, 20), bool)
    ct = rng.normal(lumen_hu, 25.0, lumen.shape)
    ct[:2] = 1200.0
    assert lumen_threshold_hu(ct, lumen) == pytest.approx(max(500.0, lumen_hu + 150.0), abs=30.0)


def test_there_is_no_limit_without_lumen():
    assert lumen_threshold_hu(np.zeros((4, 4, 4)), np.zeros((4, 4, 4), bool)) is None
