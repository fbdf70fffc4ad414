"""A smaller part of the heart enlarged, in patches of the fine stage: vessels of any size, veins with the arteries.

How wide arteries are beside the veins of their heart is the anatomy's to say (``phantom.tree.TreeBuild``).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..phantom.appearance import Appearance, add_noise, render
from ..phantom.raster import VoxelAnatomy

ENLARGED, ENLARGED_BY = 0.35, (1.1, 2.0)
"""Share of the patches that show a smaller part of the heart enlarged, and how much."""


def enlargement(rng: np.random.Generator) -> float:
    """How many times larger a patch shows the anatomy; mostly 1."""
    return float(rng.uniform(*ENLARGED_BY)) if rng.random() < ENLARGED else 1.0


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
