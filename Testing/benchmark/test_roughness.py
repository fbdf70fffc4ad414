"""Roughness of a surface, on tubes whose border is known."""

import numpy as np
import pytest

from CoronarySegLib.benchmark.roughness import surface_roughness_mm
from CoronarySegLib.volume import Geometry, Volume


def a_tube(noise=0.0, hard=False, spacing=0.5):
    """A tube of 3 mm along z as a probability: soft by default, as a network gives it, or 0 and 1."""
    _, y, x = np.indices((40, 24, 24))
    distance = np.hypot(y - 11.7, x - 11.3) * spacing
    distance = distance + noise * np.random.default_rng(0).normal(size=distance.shape)
    field = (distance < 1.5).astype(np.float32) if hard else 1 / (1 + np.exp((distance - 1.5) / 0.2))
    return Volume(field.astype(np.float32), Geometry((40, 24, 24), (spacing,) * 3))


def test_a_soft_round_tube_is_smooth_to_a_tenth_of_a_voxel():
    assert surface_roughness_mm(a_tube()) < 0.05


def test_the_stairs_of_a_mask_are_rougher_and_a_jagged_border_more_so():
    soft, stairs, jagged = (surface_roughness_mm(v) for v in (a_tube(), a_tube(hard=True), a_tube(noise=0.3)))
    assert soft < 0.7 * stairs
    assert soft < 0.5 * jagged


def test_it_is_measured_in_millimetres():
    fine, coarse = (surface_roughness_mm(Volume(a_tube(noise=0.3).array, Geometry((40, 24, 24), (s,) * 3)))
                    for s in (0.5, 1.0))
    assert coarse == pytest.approx(2 * fine, rel=0.02)


def test_nothing_has_no_surface():
    assert surface_roughness_mm(a_tube().with_array(np.zeros((40, 24, 24), np.float32))) is None
