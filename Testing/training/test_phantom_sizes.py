"""Patches with arteries of other sizes: enlarged with everything round them, or wider beside veins as they are."""

import numpy as np
import pytest

from CoronarySegLib.phantom.appearance import Appearance
from CoronarySegLib.phantom.raster import VoxelAnatomy
from CoronarySegLib.phantom.tissues import Tissue
from CoronarySegLib.training.phantom_sizes import enlargement, render_enlarged, resized, sometimes_wider, wider
from CoronarySegLib.volume import Geometry


@pytest.fixture
def voxels():
    """A 16 mm box of fat: an artery along z out of an aorta, a vein beside it two voxels away."""
    empty = np.zeros((32, 32, 32), np.uint8)
    tissue, lumen, vein = np.full_like(empty, Tissue.FAT), empty.copy(), empty.copy()
    tissue[:6] = Tissue.AORTA
    lumen[6:, 14:18, 14:18] = 255
    vein[6:, 14:18, 20:26] = 255
    grid = Geometry(empty.shape, (0.5, 0.5, 0.5))
    return VoxelAnatomy(grid, tissue, lumen, empty, vein, empty, empty, empty, tissue == Tissue.AORTA)


@pytest.mark.parametrize("by_voxels", [1, 2])
def test_a_wider_artery_grows_all_round(voxels, by_voxels):
    section = wider(voxels, by_voxels).lumen[20] > 0
    assert section.any(axis=0).sum() == section.any(axis=1).sum() == 4 + 2 * by_voxels


def test_it_takes_its_place_from_the_vein_and_leaves_the_aorta(voxels):
    grown = wider(voxels, 4)
    assert not grown.lumen[:6].any()
    assert (grown.lumen.astype(int) + grown.vein <= 255).all()
    assert grown.vein[20, 16, 24] == 255
    assert np.array_equal(voxels.vein[20, 16, 20:26], np.full(6, 255))


def test_an_enlarged_patch_shows_the_artery_as_much_wider(voxels):
    keep, look = (slice(8, 24),) * 3, Appearance.draw(np.random.default_rng(0), artefacts=False)
    image = render_enlarged(voxels, keep, look, 2.0, np.array([32, 32, 32]), np.random.default_rng(1))
    target = resized(voxels.lumen[keep][None] / 255.0, np.array([32, 32, 32]))[0]
    assert image.shape == target.shape == (32, 32, 32)
    assert (target[16] > 0.5).any(axis=0).sum() == 8
    assert image[target > 0.99].mean() > image[target < 0.01].mean() + 100


def test_most_patches_stay_as_they_are(voxels):
    rng = np.random.default_rng(5)
    times = [enlargement(rng) for _ in range(300)]
    assert 0.2 < np.mean(np.array(times) > 1.0) < 0.5
    assert max(times) <= 2.0
    assert 0.15 < np.mean([sometimes_wider(voxels, rng)[1] for _ in range(60)]) < 0.5
