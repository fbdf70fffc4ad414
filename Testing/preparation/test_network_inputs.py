"""What a stage can ask for besides a window: the volume's own range, sharpened slices, vesselness."""

import numpy as np
import pytest

from CoronarySegLib.preparation import ct_values
from CoronarySegLib.preparation.intensity import sharpened
from CoronarySegLib.preparation.vesselness import vesselness
from CoronarySegLib.volume import Geometry, Volume


def test_a_window_is_clipped_and_a_range_is_stretched():
    hu = np.array([[[-1000.0, 0.0, 1000.0]]], np.float32)
    assert ct_values(hu, (-100, 500)).ravel() == pytest.approx([0.0, 100 / 600, 1.0])
    assert ct_values(hu, (-100, 500), range_hu=(-1000, 1000)).ravel() == pytest.approx([0.0, 0.5, 1.0])


def test_a_volume_of_one_value_becomes_0():
    assert not ct_values(np.full((2, 2, 2), 7.0, np.float32), (-100, 500), range_hu=(7.0, 7.0)).any()


def test_sharpening_leaves_flat_places_and_steepens_edges():
    values = np.full((3, 16, 16), 0.3, np.float32)
    values[:, :, 8:] = 0.6
    sharp = sharpened(values)
    assert sharp[:, :, 0] == pytest.approx(0.3, abs=1e-4)
    assert sharp[1, 8, 8] > 0.65
    assert sharp[1, 8, 7] < 0.25


def test_sharpening_stays_in_its_slice_and_in_0_to_1():
    values = np.zeros((3, 16, 16), np.float32)
    values[1, 4:12, 4:12] = 1.0
    sharp = sharpened(values)
    assert not sharp[[0, 2]].any()
    assert (sharp.min(), sharp.max(), sharp.dtype) == (0.0, 1.0, np.float32)


@pytest.fixture(scope="module")
def shapes():
    """A tube of 3 mm, a plate of 3 mm and a ball of 8 mm, 300 HU brighter than muscle."""
    z, y, x = np.mgrid[:48, :48, :64] * 0.5
    hu = np.full(z.shape, 50.0, np.float32)
    tube = (x - 5) ** 2 + (y - 12) ** 2 < 1.5**2
    plate = np.abs(x - 16) < 1.5
    ball = (x - 26) ** 2 + (y - 12) ** 2 + (z - 12) ** 2 < 4.0**2
    for shape in (tube, plate, ball):
        hu[shape] = 350.0
    return vesselness(Volume(hu, Geometry(z.shape, (0.5,) * 3)))


def test_a_tube_answers_and_a_plate_and_a_ball_hardly_do(shapes):
    tube, plate, ball = (shapes[24, 24, x] for x in (10, 32, 52))
    assert tube > 0.5
    assert plate < 0.2 * tube
    assert ball < 0.5 * tube


def test_muscle_answers_nothing_and_all_stays_in_0_to_1(shapes):
    assert shapes[24, 4, 21] < 0.05
    assert 0.0 <= shapes.min() <= shapes.max() <= 1.0


def test_vesselness_does_not_depend_on_the_voxels():
    values = []
    for spacing in (0.4, 0.6):
        count = round(12 / spacing)
        z, y, x = np.mgrid[:count, :count, :count] * spacing
        hu = 50 + 300 / (1 + np.exp((np.hypot(x - 6, y - 6) - 1.5) / 0.3))
        values.append(vesselness(Volume(hu.astype(np.float32), Geometry(z.shape, (spacing,) * 3)))[(count // 2,) * 3])
    assert values[0] == pytest.approx(values[1], rel=0.15)
