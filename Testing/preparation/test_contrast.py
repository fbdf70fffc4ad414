"""The arteries' own brightness as a measure: told from a corridor, blind to gain and offset beside fat."""

from __future__ import annotations

import numpy as np
import pytest

from CoronarySegLib.preparation import artery_hu, relative_contrast


@pytest.fixture
def a_scan():
    """HU and corridor (z, y, x): an artery of 400 HU along z in fat, a chamber of 600 HU outside of the corridor."""
    ct = np.random.default_rng(0).normal(-100, 5, (60, 40, 40)).astype(np.float32)
    ct[:, 10:13, 10:13] += 500
    ct[:, 30:, 30:] = 600
    corridor = np.zeros(ct.shape, np.float32)
    corridor[:, 8:15, 8:15] = 0.9
    return ct, corridor


def test_the_arteries_brightness_is_told_from_their_corridor_alone(a_scan):
    assert artery_hu(*a_scan) == pytest.approx(-100 + 0.9 * 500, abs=15)


def test_nothing_is_told_without_arteries(a_scan):
    ct, corridor = a_scan
    assert artery_hu(ct, 0 * corridor) is None
    corridor[5:] = 0
    assert artery_hu(ct, corridor) is None


def test_arteries_have_the_same_contrast_however_much_was_injected(a_scan):
    ct, corridor = a_scan
    brighter = np.where(ct > 0, 1.4 * ct + 40, ct)
    one, other = (
        relative_contrast(hu, artery_hu(hu, corridor))[:, 10:13, 10:13].mean() for hu in (ct, brighter)
    )
    assert one == pytest.approx(other, rel=0.02)
    assert one == pytest.approx(1 / (0.9 * 1.5), rel=0.03)


@pytest.mark.parametrize("unknown", [None, -100.0, -500.0])
def test_without_a_measure_there_is_no_contrast(unknown):
    assert not relative_contrast(np.full((2, 2, 2), 400.0), unknown).any()


def test_the_image_is_left_as_it_is_and_values_stay_between_0_and_1():
    ct = np.linspace(-1000, 3000, 27, dtype=np.float32).reshape(3, 3, 3)
    before = ct.copy()
    contrast = relative_contrast(ct, 400.0)
    assert np.array_equal(ct, before)
    assert (contrast.min(), contrast.max()) == (0.0, 1.0)
