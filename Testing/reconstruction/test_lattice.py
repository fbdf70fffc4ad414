"""The field before marching cubes: doubled exactly, and manifold by construction."""

import numpy as np
import pytest
from scipy import ndimage

from CoronarySegLib.postprocessing.boxes import blocks
from CoronarySegLib.reconstruction.isosurface import isosurface
from CoronarySegLib.reconstruction.lattice import make_well_composed, twice_sampled
from CoronarySegLib.reconstruction.quality import edge_faults
from CoronarySegLib.volume import Geometry


def everywhere(field: np.ndarray) -> np.ndarray:
    return np.ones(field.shape, bool)


def faults(field: np.ndarray) -> tuple[int, int]:
    field = np.pad(field.astype(np.float32), 2)
    make_well_composed(field, 0.5, blocks(field > 0))
    return edge_faults(*isosurface(field, 0.5, Geometry(field.shape, (1.0, 1.0, 1.0)), 1))


def test_doubling_keeps_the_samples_and_continues_a_cubic_between_them():
    z, y, x = np.mgrid[0:12, 0:12, 0:12] / 4.0
    field = (1.0 + z - 0.3 * y**2 + 0.1 * x**3).astype(np.float32)
    fine = twice_sampled(field, everywhere(field))
    assert np.array_equal(fine[::2, ::2, ::2], field)
    z, y, x = np.mgrid[0:23, 0:23, 0:23] / 8.0
    expected = 1.0 + z - 0.3 * y**2 + 0.1 * x**3
    assert fine[3:-3, 3:-3, 3:-3] == pytest.approx(expected[3:-3, 3:-3, 3:-3], abs=1e-5)


def test_blocks_give_the_values_of_the_whole(monkeypatch):
    field = np.random.default_rng(0).random((70, 40, 50)).astype(np.float32)
    in_blocks = twice_sampled(field, everywhere(field))
    monkeypatch.setattr(blocks, "__defaults__", (1000,))
    assert np.array_equal(in_blocks, twice_sampled(field, everywhere(field)))


def test_blocks_without_a_vessel_cost_nothing():
    active = np.zeros((100, 100, 100), bool)
    active[50, 50, 50] = True
    assert len(blocks(active)) == 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("smoothing_voxels", [0.0, 0.7])
def test_noise_gives_a_closed_manifold_surface(seed, smoothing_voxels):
    field = np.random.default_rng(seed).random((14, 15, 16))
    if smoothing_voxels:
        field = ndimage.gaussian_filter(field, smoothing_voxels)
        field = (field - field.min()) / np.ptp(field)
    assert faults(field) == (0, 0)


@pytest.mark.parametrize(
    "voxels",
    [[(0, 0, 0)], [(0, 0, 0), (0, 1, 1)], [(0, 0, 0), (1, 1, 1)], [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]],
    ids=["one", "edge", "corner", "checkers"],
)
def test_voxels_that_touch_at_edges_or_corners_give_a_closed_manifold_surface(voxels):
    field = np.zeros((4, 4, 4))
    for z, y, x in voxels:
        field[z + 1, y + 1, x + 1] = 1.0
    assert faults(field) == (0, 0)


def test_samples_at_the_threshold_itself_give_no_flat_triangles():
    field = np.zeros((10, 10, 10))
    field[3:7, 3:7, 3:7] = 0.5
    assert faults(field) == (0, 0)


def test_a_field_that_is_well_composed_stays_as_it_is():
    field = np.zeros((10, 10, 10), np.float32)
    field[3:7, 3:7, 3:7] = 1.0
    before = field.copy()
    assert make_well_composed(field, 0.5, blocks(everywhere(field))) == 0
    assert np.array_equal(field, before)
