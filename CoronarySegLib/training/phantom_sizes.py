"""Arteries of other sizes than the generator draws, in patches of the fine stage.

In the phantoms a cardiac vein is mostly thicker than the artery beside it. A stage that saw nothing else takes a wide
artery for a vein where the coarse prior has missed it; some patients' arteries are twice as wide as the usual.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage

from ..phantom.appearance import Appearance, add_noise, render
from ..phantom.raster import VoxelAnatomy
from ..phantom.tissues import Tissue

ENLARGED, ENLARGED_BY = 0.35, (1.1, 2.0)
"""Share of the patches that show a smaller part of the heart enlarged, and how much."""
WIDER, MOST_WIDER_VOXELS = 0.3, 2
"""Share of the patches in which arteries alone are wider, and by how many voxels all round at most."""


def enlargement(rng: np.random.Generator) -> float:
    """How many times larger a patch shows the anatomy; mostly 1."""
    return float(rng.uniform(*ENLARGED_BY)) if rng.random() < ENLARGED else 1.0


def sometimes_wider(voxels: VoxelAnatomy, rng: np.random.Generator) -> tuple[VoxelAnatomy, bool]:
    """``voxels``, now and then with wider arteries, and whether they are."""
    if rng.random() >= WIDER:
        return voxels, False
    return wider(voxels, int(rng.integers(1, MOST_WIDER_VOXELS + 1))), True


def wider(voxels: VoxelAnatomy, by_voxels: int) -> VoxelAnatomy:
    """Arteries wider by so many voxels all round, beside veins as they are; none grows into the aorta it comes from."""
    lumen = voxels.lumen
    for _ in range(by_voxels):
        lumen = np.maximum.reduce([ndimage.maximum_filter1d(lumen, 3, axis) for axis in range(3)])
    lumen = np.where(voxels.tissue == Tissue.AORTA, voxels.lumen, lumen)
    return replace(voxels, lumen=lumen, vein=np.minimum(voxels.vein, 255 - lumen))


def render_enlarged(
    voxels: VoxelAnatomy, keep: tuple[slice, ...], look: Appearance, times: float, shape_zyx: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """HU (z, y, x) of the part ``keep`` on a grid of ``shape_zyx``, ``times`` as large, as sharp and as noisy as a
    scanner would show it, were it so large."""
    sharper = replace(look, psf_fwhm_xy_mm=look.psf_fwhm_xy_mm / times, psf_fwhm_z_mm=look.psf_fwhm_z_mm / times)
    image = resized(render(voxels, sharper, rng, noise=False)[keep][None], shape_zyx)[0]
    add_noise(image, look, rng, np.asarray(voxels.geometry.spacing_xyz_mm[::-1]))
    return image


def resized(arrays: np.ndarray, shape_zyx: np.ndarray) -> np.ndarray:
    """Arrays (n, z, y, x) trilinearly on a grid of ``shape_zyx`` over the same space, float32."""
    tensor = torch.from_numpy(np.ascontiguousarray(arrays, "f4"))[None]
    size = tuple(map(int, shape_zyx))
    return torch.nn.functional.interpolate(tensor, size=size, mode="trilinear", align_corners=False)[0].numpy()
