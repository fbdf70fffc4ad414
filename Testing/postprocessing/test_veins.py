"""Veins out of the lumen: a connected piece of which the network is surer that it is vein."""

from __future__ import annotations

import numpy as np
import pytest

from CoronarySegLib.postprocessing.veins import without_veins

SHAPE = (20, 20, 20)
TUBE = (slice(None), slice(8, 12), slice(8, 12))
VOXEL_MM3 = 0.125


def along_tube(value: float) -> np.ndarray:
    array = np.zeros(SHAPE, np.float32)
    array[TUBE] = value
    return array


@pytest.mark.parametrize(("lumen", "vein", "left"), [(0.5, 0.8, 0.0), (0.8, 0.5, 0.8), (0.8, 0.0, 0.8)])
def test_the_surer_answer_decides(lumen, vein, left):
    result = without_veins(along_tube(lumen), along_tube(vein), VOXEL_MM3)
    assert np.allclose(result[TUBE], left)


def test_a_speck_of_doubt_stays_lumen():
    vein = np.zeros(SHAPE, np.float32)
    vein[10, 9:11, 9:11] = 0.9
    assert np.allclose(without_veins(along_tube(0.6), vein, VOXEL_MM3)[TUBE], 0.6)


def test_the_input_stays_as_it_was():
    lumen = along_tube(0.5)
    without_veins(lumen, along_tube(0.9), VOXEL_MM3)
    assert np.allclose(lumen[TUBE], 0.5)
