"""Veins out of the lumen: what the fine stage says alone, and what the locator's courses decide."""

from __future__ import annotations

import numpy as np
import pytest

from CoronarySegLib.postprocessing.veins import Courses, courses_on, without_veins
from CoronarySegLib.volume import Geometry, Volume

SHAPE = (20, 20, 20)
TUBE = (slice(None), slice(8, 12), slice(8, 12))
VOXEL_MM3 = 0.125


def along_tube(value: float) -> np.ndarray:
    array = np.zeros(SHAPE, np.float32)
    array[TUBE] = value
    return array


@pytest.mark.parametrize(("lumen", "vein", "left"), [(0.5, 0.8, 0.0), (0.8, 0.5, 0.8), (0.8, 0.0, 0.8)])
def test_without_a_locator_the_surer_answer_of_the_fine_stage_decides(lumen, vein, left):
    result = without_veins(along_tube(lumen), along_tube(vein), VOXEL_MM3)
    assert np.allclose(result[TUBE], left)


def test_on_an_arterys_course_what_was_called_vein_is_lumen():
    courses = Courses(along_tube(0.9), along_tube(0.1))
    result = without_veins(along_tube(0.4), along_tube(0.5), VOXEL_MM3, courses)
    assert np.allclose(result[TUBE], 0.9)


def test_on_a_veins_course_lumen_counts_for_nothing():
    courses = Courses(along_tube(0.2), along_tube(0.8))
    assert not without_veins(along_tube(0.9), along_tube(0.0), VOXEL_MM3, courses).any()


@pytest.mark.parametrize(("artery", "vein"), [(0.0, 0.0), (0.4, 0.3), (0.55, 0.5)])
def test_a_locator_that_is_not_sure_changes_nothing_in_clear_lumen(artery, vein):
    lumen = along_tube(0.8)
    result = without_veins(lumen, along_tube(0.1), VOXEL_MM3, Courses(along_tube(artery), along_tube(vein)))
    assert np.array_equal(result, lumen)


def test_lumen_nobody_saw_is_not_made_of_vein():
    courses = Courses(along_tube(0.9), along_tube(0.0))
    result = without_veins(along_tube(0.1), along_tube(0.6), VOXEL_MM3, courses)
    assert np.allclose(result[TUBE], 0.1)


def test_the_input_stays_as_it_was():
    lumen = along_tube(0.9)
    without_veins(lumen, along_tube(0.0), VOXEL_MM3, Courses(along_tube(0.0), along_tube(0.9)))
    assert np.allclose(lumen[TUBE], 0.9)


def test_courses_come_to_the_fine_grid():
    coarse = Geometry((10, 10, 10), (1.0,) * 3)
    left, right, vein = (Volume(np.full((10, 10, 10), value, np.float32), coarse) for value in (0.2, 0.7, 0.4))
    courses = courses_on(Geometry((6, 6, 6), (0.5,) * 3, (3.0,) * 3), left, right, vein)
    assert courses.artery.shape == courses.vein.shape == (6, 6, 6)
    assert np.allclose(courses.artery, 0.7)
    assert np.allclose(courses.vein, 0.4)
