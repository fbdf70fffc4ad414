"""How unsure the network is, by voxel and on a surface."""

import numpy as np
import pytest

from CoronarySegLib.errors import InputError
from CoronarySegLib.review import uncertainty_of
from CoronarySegLib.review.uncertainty import doubt_inside
from CoronarySegLib.volume import Geometry, Volume

GRID = Geometry((1, 1, 5), (1.0, 1.0, 1.0))


def volume(*values: float) -> Volume:
    return Volume(np.array(values, np.float32).reshape(1, 1, -1), GRID)


def test_one_half_is_a_whole_bit_and_certainty_is_none():
    found = uncertainty_of(volume(0.0, 0.5, 1.0, 0.25, 0.75)).array.ravel()
    np.testing.assert_allclose(found, (0.0, 1.0, 0.0, 0.811278, 0.811278), atol=1e-6)


def test_models_of_which_half_say_no_are_as_unsure_as_can_be():
    found = uncertainty_of(variance=volume(0.0, 0.25, 0.0625, 0.0, 0.0)).array.ravel()
    np.testing.assert_allclose(found, (0.0, 1.0, 0.5, 0.0, 0.0), atol=1e-6)


def test_nothing_to_judge_by_is_refused():
    with pytest.raises(InputError, match="Segment the CT"):
        uncertainty_of()


def test_a_wall_before_a_sure_lumen_is_not_in_doubt():
    grid = Geometry((9, 9, 9), (0.5, 0.5, 0.5))
    ramp = np.broadcast_to(np.clip(np.linspace(-0.3, 1.7, 9), 0.0, 1.0), (9, 9, 9))
    wall, outward = np.array([[1.6, 2.0, 2.0]]), np.array([[-1.0, 0.0, 0.0]])
    sure = doubt_inside(Volume(ramp.astype(np.float32), grid), wall, outward)
    weak = doubt_inside(Volume((0.6 * ramp).astype(np.float32), grid), wall, outward)
    assert sure[0] < 0.1
    assert weak[0] == pytest.approx(0.8, abs=0.1)
