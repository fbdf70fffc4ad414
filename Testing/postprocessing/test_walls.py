"""Walls by the CT: calibres right whatever the network thought of them, and nothing else changed."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation
from tree_samples import FAT_HU, GRID, LEFT, LEFT_END, LEFT_FORK, LUMEN_HU, RIGHT, between, prediction_of, tube, tubes

from CoronarySegLib.evaluation.metrics import overlap
from CoronarySegLib.postprocessing import PostOptions, at_half_maximum, extract_trees, fine_grid, labels_on
from CoronarySegLib.postprocessing.trees import LABELS
from CoronarySegLib.preparation import resample
from CoronarySegLib.volume import Geometry, Volume

NATIVE = Geometry((90, 150, 220), (0.36, 0.36, 0.6), (-39.0, -27.0, -28.0))
PSF_MM = 0.28
UNSURE_VOXELS = 0.8


def widened(segments, by_mm):
    return tuple((start, end, radius + by_mm) for start, end, radius in segments)


def scan(share, grid, blood_hu=LUMEN_HU):
    """HU on the grid as a scanner with a Gaussian blur shows the share of each voxel inside the vessels."""
    hu = FAT_HU + (blood_hu - FAT_HU) * share
    return Volume(ndimage.gaussian_filter(hu, PSF_MM / np.array(grid.spacing_xyz_mm[::-1])).astype(np.float32), grid)


def lumen_of(volume):
    return np.isin(volume.array, (LABELS["left"], LABELS["right"]))


@pytest.fixture(scope="module")
def true_share():
    return tubes((*LEFT, *RIGHT), NATIVE)


@pytest.fixture(scope="module")
def ct(true_share):
    return scan(true_share, NATIVE)


def trees_of(by_mm):
    """What a network finds that draws every vessel so much wider and is not quite sure of its wall."""
    sharp = tubes(widened((*LEFT, *RIGHT), by_mm))
    return extract_trees(prediction_of(ndimage.gaussian_filter(sharp, UNSURE_VOXELS)))


@pytest.mark.parametrize("by_mm", [-0.2, 0.0, 0.2])
def test_calibres_come_from_the_ct(ct, true_share, by_mm):
    trees = trees_of(by_mm)
    truth = true_share >= 0.5
    before, after = (lumen_of(labels_on(t, None, NATIVE)) for t in (trees, at_half_maximum(trees, ct)))
    wrong_before, wrong_after = (abs(mask.sum() / truth.sum() - 1.0) for mask in (before, after))
    assert overlap(after, truth).dice > 0.9
    if by_mm:
        assert wrong_before > 0.15
        assert wrong_after < 0.7 * wrong_before
        assert overlap(after, truth).dice > overlap(before, truth).dice + 0.03
    else:
        # Half of the contrast lies a little inside of a wall as curved as this.
        assert wrong_after < 0.08


def test_on_a_turned_grid_as_on_a_straight_one():
    turn = Rotation.from_euler("zyx", (25, 12, -8), degrees=True).as_matrix()
    grid = Geometry((130, 170, 240), (0.4, 0.4, 0.45), (0.0, 0.0, 0.0), tuple(turn.ravel()))
    grid = replace(grid, origin_lps_mm=tuple(GRID.centre_lps_mm - grid.centre_lps_mm))
    share = tubes((*LEFT, *RIGHT), GRID)
    truth = resample(Volume(share, GRID), grid, fill=0.0).array
    walls = at_half_maximum(trees_of(0.25), scan(truth, grid))
    assert overlap(lumen_of(labels_on(walls, None, grid)), truth >= 0.5).dice > 0.95


def test_field_and_labels_say_the_same(ct):
    walls = at_half_maximum(trees_of(0.25), ct)
    assert np.array_equal(walls.lumen.array >= walls.threshold_used, lumen_of(walls.labels))
    assert walls.sides == ("left", "right")
    assert walls.labels.geometry.spacing_xyz_mm == NATIVE.spacing_xyz_mm


def test_without_contrast_nothing_changes():
    trees = trees_of(0.2)
    flat = Volume(np.full(NATIVE.shape_zyx, 40.0, np.float32), NATIVE)
    before, after = (labels_on(t, None, NATIVE).array for t in (trees, at_half_maximum(trees, flat)))
    assert np.array_equal(before, after)


def test_a_vessel_that_goes_dim_stays_whole(true_share):
    hole = tube(between(LEFT_FORK, LEFT_END, 0.4), between(LEFT_FORK, LEFT_END, 0.6), 2.0, NATIVE)
    walls = at_half_maximum(trees_of(0.0), scan(true_share * (1.0 - 0.9 * hole), NATIVE))
    assert ndimage.label(walls.labels.array == LABELS["left"], np.ones((3, 3, 3)))[1] == 1


def test_what_is_bright_beside_a_vessel_is_not_added(true_share):
    chamber = tube((10, 0, 8), (30, 2, 5), 5.0, NATIVE)
    trees = trees_of(0.0)
    walls = at_half_maximum(trees, scan(np.maximum(true_share, chamber), NATIVE))
    before, after = (lumen_of(labels_on(t, None, NATIVE)) for t in (trees, walls))
    assert not (after & ~ndimage.binary_dilation(before, np.ones((3, 3, 3)))).any()
    assert after.sum() < 1.15 * before.sum()


def test_plaque_stays_plaque_and_its_bloom_widens_nothing(true_share):
    middle = between(LEFT_FORK, LEFT_END, 0.5)
    beside = tuple(np.asarray(middle) + (0.0, 1.9, 0.0))
    plaque = tube(beside, np.asarray(beside) + (0.0, 0.0, 1e-3), 0.9)
    bloom = tube(beside, np.asarray(beside) + (0.0, 0.0, 1e-3), 1.5, NATIVE)
    trees = extract_trees(prediction_of(tubes((*LEFT, *RIGHT)) * (plaque < 0.5), calcium=plaque))
    ct = scan(true_share, NATIVE)
    bright = ct.with_array(np.maximum(ct.array, (1300.0 * bloom).astype(np.float32)))
    plain, walls = at_half_maximum(trees, ct), at_half_maximum(trees, bright)
    assert (walls.labels.array == LABELS["calcium"]).sum() == (plain.labels.array == LABELS["calcium"]).sum() > 0
    assert lumen_of(walls.labels).sum() <= 1.01 * lumen_of(plain.labels).sum()


def test_noise_leaves_no_crumbs(ct):
    noisy = ct.with_array(ct.array + np.random.default_rng(3).normal(0.0, 60.0, ct.array.shape).astype(np.float32))
    walls = at_half_maximum(trees_of(0.15), noisy)
    for value in (LABELS["left"], LABELS["right"]):
        assert ndimage.label(walls.labels.array == value, np.ones((3, 3, 3)))[1] == 1


def test_a_ct_elsewhere_or_of_three_slices_leaves_the_trees_alone(ct):
    trees = trees_of(0.0)
    elsewhere = replace(ct, geometry=replace(NATIVE, origin_lps_mm=(500.0, 0.0, 0.0)))
    assert at_half_maximum(trees, elsewhere) is trees
    thin = Volume(ct.array[40:43], replace(NATIVE, shape_zyx=(3, 150, 220)))
    assert at_half_maximum(trees, thin) is trees
    end = replace(ct, array=ct.array[:14], geometry=replace(NATIVE, shape_zyx=(14, 150, 220)))
    assert at_half_maximum(trees, end).labels.array.any()


@pytest.mark.parametrize(("shortest_mm", "expected_mm"), [(0.2, 0.35), (0.4, 0.4), (0.9, 0.5)])
def test_the_grid_for_surfaces_is_as_fine_as_the_ct_within_reason(shortest_mm, expected_mm):
    trees = trees_of(0.0)
    grid = fine_grid(trees, Volume(np.zeros((4, 4, 4)), Geometry((4, 4, 4), (shortest_mm, shortest_mm, 1.0))))
    assert grid.spacing_xyz_mm == pytest.approx((expected_mm,) * 3)
    assert (labels_on(trees, None, grid).array == LABELS["left"]).sum() * grid.voxel_mm3 == pytest.approx(
        trees.volume_mm3("left"), rel=0.03
    )


def test_the_paper_profile_keeps_the_networks_walls():
    assert PostOptions().walls_by_ct
    assert not PostOptions.paper().walls_by_ct
