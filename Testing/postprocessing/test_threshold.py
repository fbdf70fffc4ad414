import numpy as np
import pytest

from CoronarySegLib.errors import EmptyResultError
from CoronarySegLib.postprocessing.threshold import adaptive_threshold, lift_weak_branches, without


def block(value: float) -> np.ndarray:
    field = np.zeros((20, 20, 20), np.float32)
    field[5:15, 5:15, 5:15] = value
    return field


def test_half_is_used_when_it_gives_enough_vessel():
    chosen = adaptive_threshold(block(0.9), 1.0, plausible_mm3=300.0)
    assert (chosen.value, chosen.foreground_mm3, chosen.warning) == (0.5, 1000.0, None)


@pytest.mark.parametrize(("level", "expected"), [(0.45, 0.4), (0.35, 0.3), (0.15, 0.1)])
def test_the_threshold_is_lowered_in_steps_until_there_is_enough_vessel(level, expected):
    chosen = adaptive_threshold(block(level), 1.0, plausible_mm3=300.0)
    assert chosen.value == pytest.approx(expected)
    assert "lowered" in chosen.warning


def test_half_the_maximum_is_the_fallback_when_no_step_gives_enough():
    chosen = adaptive_threshold(block(0.3), 1.0, plausible_mm3=5000.0)
    assert chosen.value == pytest.approx(0.15)
    assert "fell back" in chosen.warning


def test_a_small_but_certain_result_is_not_called_unsure():
    assert adaptive_threshold(block(1.0), 1.0, plausible_mm3=5000.0).warning is None


@pytest.mark.parametrize("level", [0.0, 0.08])
def test_noise_without_a_vessel_is_an_empty_result(level):
    with pytest.raises(EmptyResultError, match="contrast CT"):
        adaptive_threshold(block(level), 1.0, plausible_mm3=300.0)


def test_plausible_means_millimetres_not_voxels():
    assert adaptive_threshold(block(0.45), 0.1, plausible_mm3=300.0).is_fallback


def line(trunk: float, branch: float) -> np.ndarray:
    """A thick trunk with a thin weak branch, falling off by half a voxel outside."""
    field = np.zeros((30, 30, 60), np.float32)
    field[11:18, 11:18, 2:30] = 0.35
    field[12:17, 12:17, 3:29] = trunk
    field[14:16, 14:16, 29:55] = branch
    return field


def test_a_weak_branch_hanging_on_a_vessel_is_lifted():
    lifted = lift_weak_branches(line(0.95, 0.4), 0.5, 0.3, 0.125)
    assert (lifted[14:16, 14:16, 29:55] >= 0.5).all()


def test_lifting_a_weak_branch_leaves_the_calibre_of_the_trunk():
    field = line(0.95, 0.4)
    lifted = lift_weak_branches(field, 0.5, 0.3, 0.125)
    assert np.array_equal((lifted >= 0.5)[:, :, :26], (field >= 0.5)[:, :, :26])


def test_a_weak_patch_that_touches_no_vessel_stays_below():
    field = line(0.95, 0.4)
    field[:, :, 29:34] = 0.0
    assert not (lift_weak_branches(field, 0.5, 0.3, 0.125)[:, :, 34:] >= 0.5).any()


def test_what_is_taken_out_lies_as_far_below_the_threshold_as_it_lay_above():
    field = np.full((2, 2, 2), 0.8, np.float32)
    without(field, np.ones((2, 2, 2), bool), 0.5)
    assert field == pytest.approx(0.2)
