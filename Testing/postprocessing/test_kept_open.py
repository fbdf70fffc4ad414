"""Plaque that fills a vessel: what gives way, what stays, and what becomes of crumbs."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from tree_samples import GRID, LEFT_FORK, LEFT_OSTIUM, at, between, prediction_of

from CoronarySegLib.postprocessing import extract_trees, labels_on
from CoronarySegLib.postprocessing.kept_open import kept_open
from CoronarySegLib.volume import Geometry

VOXEL_MM3 = 0.02  # a slice of the vessel has 0.5 mm3: a crumb


@pytest.fixture
def vessel() -> np.ndarray:
    """A straight vessel of 40 slices of 25 voxels."""
    mask = np.zeros((42, 9, 9), bool)
    mask[1:41, 2:7, 2:7] = True
    return mask


def slices(*numbers: int) -> np.ndarray:
    mask = np.zeros((42, 9, 9), bool)
    mask[list(numbers), 2:8, 2:8] = True
    return mask


def pieces(mask: np.ndarray) -> int:
    return ndimage.label(mask)[1]


def test_two_plugs_with_a_crumb_between_them_do_not_cut_the_vessel(vessel):
    calcium, given_back = kept_open(slices(15, 17), vessel, VOXEL_MM3)
    assert pieces(vessel & ~calcium) == 1
    assert given_back == 2
    assert calcium.any()  # what lies in the wall beside the lumen stays plaque


def test_plaque_that_leaves_a_way_stays(vessel):
    half = slices(15, 17)
    half[:, 5:] = False
    calcium, given_back = kept_open(half, vessel, VOXEL_MM3)
    assert np.array_equal(calcium, half)
    assert given_back == 0


def test_a_crumb_behind_plaque_becomes_plaque(vessel):
    calcium, given_back = kept_open(slices(38, 39), vessel, VOXEL_MM3)
    assert given_back == 0
    assert calcium[40, 4, 4]
    assert pieces(vessel & ~calcium) == 1


def test_of_two_ways_on_the_smaller_plug_opens(vessel):
    vessel[20, 4, :] = False  # a septum between two ways of different width
    vessel[20, :, 7] = False
    vessel[20, 5:7, 2:4] = False
    calcium, given_back = kept_open(slices(20), vessel, VOXEL_MM3)
    assert given_back == 1
    assert calcium[20, 3, 4]
    assert not calcium[20, 5, 5]


def test_plaque_between_two_vessels_opens_nothing(vessel):
    vessel[20] = False
    calcium, given_back = kept_open(slices(20), vessel, VOXEL_MM3)
    assert np.array_equal(calcium, slices(20))
    assert given_back == 0


@pytest.mark.parametrize(("beside_plaque", "label"), [(False, 0), (True, 3)])
def test_crumbs_that_sampling_cuts_off_are_swept_up(both, beside_plaque, label):
    trees = extract_trees(prediction_of(both))
    labels, lumen = trees.labels.array.copy(), trees.lumen.array.copy()
    speck = at(np.add(between(LEFT_OSTIUM, LEFT_FORK, 0.5), (0, 0, -8)))
    labels[speck], lumen[speck] = 1, 1.0
    if beside_plaque:
        labels[speck[0] + 1, speck[1], speck[2]] = 3
    crumbed = replace(
        trees, labels=replace(trees.labels, array=labels), lumen=replace(trees.lumen, array=lumen)
    )
    finer = Geometry(tuple(2 * n for n in GRID.shape_zyx), (0.25,) * 3, GRID.origin_lps_mm)
    result = labels_on(crumbed, None, finer).array
    assert result[tuple(2 * i for i in speck)] == label
    assert ndimage.label((result == 1) | (result == 2))[1] == 2
