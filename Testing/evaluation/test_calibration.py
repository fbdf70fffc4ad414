"""Calibration, on probabilities whose truth is drawn from them."""

import numpy as np
import pytest

from CoronarySegLib.evaluation.calibration import (
    calibration_of,
    fitted_temperature,
    with_temperature,
    write_reliability_plot,
)


@pytest.fixture
def honest():
    """Probabilities and a truth that follows them."""
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.02, 0.98, 100_000)
    return probability, rng.random(100_000) < probability


def test_what_is_said_truly_has_hardly_an_error(honest):
    assert calibration_of(*honest).expected_error < 0.01


def test_always_sure_and_half_right_errs_by_a_half():
    assert calibration_of(np.ones(1000), np.arange(1000) % 2).expected_error == pytest.approx(0.5)


def test_bins_hold_what_was_said_and_seen():
    result = calibration_of(np.array([0.1, 0.1, 0.9, 0.9]), np.array([0, 1, 1, 1]), bins=2)
    assert (result.said.tolist(), result.seen.tolist(), result.voxels.tolist()) == ([0.1, 0.9], [0.5, 1.0], [2, 2])


def test_an_honest_network_has_temperature_one(honest):
    assert fitted_temperature(*honest) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("temperature", [0.4, 3.0])
def test_the_temperature_that_spoilt_the_probabilities_is_found_and_mends_them(honest, temperature):
    probability, truth = honest
    spoilt = with_temperature(probability, 1.0 / temperature)
    found = fitted_temperature(spoilt, truth)
    assert found == pytest.approx(temperature, rel=0.1)
    assert calibration_of(with_temperature(spoilt, found), truth).expected_error < 0.01
    assert calibration_of(spoilt, truth).expected_error > 0.05


def test_a_temperature_moves_nothing_over_one_half(honest):
    probability, _ = honest
    assert np.array_equal(with_temperature(probability, 5.0) > 0.5, probability > 0.5)


@pytest.mark.parametrize(("probability", "truth", "said"), [
    (np.zeros(3), np.zeros(4), "differ in shape"), (np.zeros(0), np.zeros(0), "no voxel"),
])
def test_what_cannot_be_counted_is_said(probability, truth, said):
    with pytest.raises(ValueError, match=said):
        calibration_of(probability, truth)


def test_one_class_alone_has_no_temperature():
    with pytest.raises(ValueError, match="vessel and of background"):
        fitted_temperature(np.full(10, 0.3), np.zeros(10))


def test_the_plot_is_a_picture(honest, tmp_path):
    write_reliability_plot(calibration_of(*honest), tmp_path / "plot.png", "a title")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
