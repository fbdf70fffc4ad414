import numpy as np
import pytest
from evaluation_samples import GRID, tube_mask

from CoronarySegLib.evaluation.skeleton import cldice, inside, skeleton_of

CUBIC = (0.5, 0.5, 0.5)


def cldice_of(predicted, truth):
    return cldice(predicted, truth, skeleton_of(predicted, CUBIC), skeleton_of(truth, CUBIC))


@pytest.mark.parametrize("width", range(1, 7))
def test_a_bar_of_any_width_keeps_its_skeleton_on_its_axis(width):
    mask = np.zeros((40, 12, 12), bool)
    mask[5:35, 2 : 2 + width, 2 : 2 + width] = True
    index = skeleton_of(mask, CUBIC).index_zyx
    assert len(np.unique(np.floor(index[:, 0]))) >= 24
    middle = index[(index[:, 0] > 10) & (index[:, 0] < 30)]
    assert np.abs(middle[:, 1:] - (2 + (width - 1) / 2)).max() <= 0.5


def test_skeleton_keeps_a_gap_of_one_voxel():
    mask = np.zeros((20, 5, 5), bool)
    mask[2:9, 2, 2] = mask[10:18, 2, 2] = True
    z = np.sort(skeleton_of(mask, CUBIC).index_zyx[:, 0])
    assert np.diff(z).max() >= 1.0


def test_length_of_a_line_does_not_depend_on_the_spacing_across_it():
    mask = np.zeros((30, 5, 5), bool)
    mask[5:25, 2, 2] = True
    assert skeleton_of(mask, (0.5, 0.3, 0.3)).length_mm.sum() == pytest.approx(10.0, rel=0.06)
    assert skeleton_of(mask, (0.5, 0.9, 0.9)).length_mm.sum() == pytest.approx(10.0, rel=0.06)


def test_points_on_the_face_of_a_voxel_are_inside_and_points_beyond_the_volume_are_not():
    mask = np.zeros((4, 4, 4), bool)
    mask[3, 3, 3] = True
    points = np.array([[2.5, 3, 3], [3, 3, 3], [3.5, 3, 3], [2, 3, 3], [9, 9, 9]])
    assert inside(mask, points).tolist() == [True, True, True, False, False]


def test_cldice_is_one_for_the_same_vessel_drawn_thinner():
    assert cldice_of(tube_mask(GRID, (0, 0), 0.8), tube_mask(GRID, (0, 0), 1.5)) == pytest.approx(1.0, abs=0.02)


def test_cldice_of_half_a_vessel_is_two_thirds():
    whole = tube_mask(GRID, (0, 0), 1.5)
    half = whole & (np.arange(48) < 24)[:, None, None]
    assert cldice_of(half, whole) == pytest.approx(2 / 3, abs=0.03)


def test_cldice_of_an_empty_prediction_is_zero_and_of_two_empty_masks_does_not_exist():
    truth = tube_mask(GRID, (0, 0), 1.0)
    empty = np.zeros_like(truth)
    assert cldice_of(empty, truth) == 0.0
    assert np.isnan(cldice_of(empty, empty))
