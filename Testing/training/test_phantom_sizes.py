"""Patches that show a smaller part of the heart enlarged."""

import numpy as np
import pytest

from CoronarySegLib.phantom.appearance import Appearance
from CoronarySegLib.phantom.raster import VoxelAnatomy
from CoronarySegLib.phantom.tissues import Tissue
from CoronarySegLib.training.phantom_sizes import enlargement, render_enlarged, resized
from CoronarySegLib.volume import Geometry


@pytest.fixture
def voxels():
    """A 16 mm box of fat: an artery along z, a vein beside it two voxels away."""
    empty = np.zeros((32, 32, 32), np.uint8)
    tissue, lumen, vein = np.full_like(empty, Tissue.FAT), empty.copy(), empty.copy()
    lumen[:, 14:18, 14:18] = 255
    vein[:, 14:18, 20:26] = 255
    grid = Geometry(empty.shape, (0.5, 0.5, 0.5))
    return VoxelAnatomy(grid, tissue, lumen, empty, vein, empty, empty, empty, empty > 0)


def test_an_enlarged_patch_shows_the_artery_as_much_wider(voxels):
    keep, look = (slice(8, 24),) * 3, Appearance.draw(np.random.default_rng(0), artefacts=False)
    image = render_enlarged(voxels, keep, look, 2.0, np.array([32, 32, 32]), np.random.default_rng(1))
    target = resized(voxels.lumen[keep][None] / 255.0, np.array([32, 32, 32]))[0]
    assert image.shape == target.shape == (32, 32, 32)
    assert (target[16] > 0.5).any(axis=0).sum() == 8
    assert image[target > 0.99].mean() > image[target < 0.01].mean() + 100


def test_most_patches_stay_as_they_are():
    rng = np.random.default_rng(5)
    times = [enlargement(rng) for _ in range(300)]
    assert 0.2 < np.mean(np.array(times) > 1.0) < 0.5
    assert max(times) <= 2.0
