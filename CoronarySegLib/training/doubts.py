"""What the locator tells of a patch, made as doubtful as it is on a new patient.

On a new patient the locator misses more than on the phantoms it learned from. A fine stage that had always seen good
priors would follow them there, and find nothing where they say nothing. What the locator knows of veins it is not told:
stages that were, even with veins left out or confused with arteries in many patches, believed it too much away from
phantoms, where it is often wrong.
"""

from __future__ import annotations

import numpy as np
import torch

from ..preparation.contrast import times_contrast

PRIORS_MISSING = 0.15
SHIFTED, SHIFT_VOXELS = 0.3, 1.5
FADED = 0.4
HU_MISSING, HU_SPREAD = 0.15, 0.05


def doubtful_priors(
    prior: np.ndarray, first: np.ndarray, step: float, size: tuple[int, int, int], rng: np.random.Generator
) -> np.ndarray:
    """Left and right prior (2, z, y, x) 0..1 on a patch of ``size`` voxels, trilinear; sometimes shifted, faded in
    places or missing.

    ``prior`` (2, z, y, x) is 0..255; ``first`` is where the patch begins in its voxels, ``step`` its voxel in them.
    """
    if rng.random() < PRIORS_MISSING:
        return np.zeros((len(prior), *size), "f4")
    first = first + rng.normal(0.0, SHIFT_VOXELS, 3) * (rng.random() < SHIFTED)
    last = first + (np.asarray(size) - 1) * step
    # What is needed of the field, at least two voxels a side.
    low = [int(np.clip(np.floor(a), 0, m - 2)) for a, m in zip(first, prior.shape[1:], strict=True)]
    high = [int(np.clip(np.ceil(b) + 1, a + 2, m)) for a, b, m in zip(low, last, prior.shape[1:], strict=True)]
    prior = prior[:, low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    unit = [
        2.0 * np.linspace(a - at, b - at, n) / (m - 1) - 1.0
        for a, b, at, n, m in zip(first, last, low, size, prior.shape[1:], strict=True)
    ]
    z, y, x = (torch.from_numpy(u.astype("f4")) for u in unit)
    grid = torch.stack(torch.meshgrid(z, y, x, indexing="ij")[::-1], dim=-1)[None]
    source = torch.from_numpy(prior.astype("f4") / 255.0)[None]
    sample = torch.nn.functional.grid_sample(source, grid, mode="bilinear", padding_mode="border", align_corners=True)
    priors = sample[0].numpy()
    return priors * _fading(size, rng) if rng.random() < FADED else priors


def doubtful_hu(of_arteries_hu: float | None, rng: np.random.Generator) -> float | None:
    """The arteries' HU as told in another scan: somewhat off, now and then not at all."""
    if of_arteries_hu is None or rng.random() < HU_MISSING:
        return None
    return times_contrast(of_arteries_hu, float(np.exp(rng.normal(0.0, HU_SPREAD))))


def _fading(shape: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """A smooth random field of 0..1 that takes the prior away in about half of the patch."""
    nodes = torch.from_numpy(rng.uniform(-1.2, 2.2, (1, 1, 4, 4, 4)).astype("f4"))
    field = torch.nn.functional.interpolate(nodes, size=shape, mode="trilinear", align_corners=True)
    return field[0, 0].clamp(0.0, 1.0).numpy()
