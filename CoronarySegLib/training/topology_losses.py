"""Losses that look at the course of a vessel instead of its volume: soft-clDice, skeleton recall, and the difference in
the number of pieces.

All take probabilities and truth (N, K, z, y, x) in 0..1 and leave voxels of weight 0 out.
"""

from __future__ import annotations

import numpy as np
import torch
from monai.losses import SoftclDiceLoss
from scipy import ndimage
from skimage.morphology import skeletonize

SMOOTH = 1.0
_EVERY_NEIGHBOUR = np.ones((3, 3, 3), bool)


def soft_cldice_loss(probability: torch.Tensor, target: torch.Tensor, *, iterations: int = 3) -> torch.Tensor:
    """1 - soft-clDice (Shit et al. 2021), MONAI's, of all channels together; ``iterations`` about a vessel's radius in
    voxels."""
    # An empty channel first: MONAI's older versions leave channel 0 out, and in the newer ones it adds nothing.
    empty = torch.zeros_like(probability[:, :1])
    truth = torch.cat([empty, target.to(probability.dtype)], dim=1)
    return SoftclDiceLoss(iter_=iterations)(torch.cat([empty, probability], dim=1), truth)


def skeleton_recall_loss(probability: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """1 - the mean probability on the truth's skeleton made one voxel thicker (Kirchhoff et al. 2024), a mean over the
    channels; 0 for a channel without vessel."""
    tube = _tubes(target).to(probability)
    axes = (0, *range(2, probability.ndim))
    recall = ((probability * tube).sum(dim=axes) + SMOOTH) / (tube.sum(dim=axes) + SMOOTH)
    return (1.0 - recall).mean()


def betti0_difference(probability: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """|B0(Y) - B0(T)| / B0(Y) of Seg2RefineNet, Eq. 11, a mean over patches and channels; no gradient.

    B0 counts the 26-connected pieces above 0.5. A patch in which nothing is found divides by 1.
    """
    found, wanted = _pieces(probability), _pieces(target)
    return ((found - wanted).abs() / found.clamp(min=1.0)).mean().to(probability)


def _tubes(target: torch.Tensor) -> torch.Tensor:
    """Skeleton of every channel of every patch, dilated by one voxel and kept inside the vessel."""
    masks = (target.detach() > 0.5).cpu().numpy()
    tubes = np.zeros(masks.shape, np.float32)
    for place in np.ndindex(masks.shape[:2]):
        mask = masks[place]
        if mask.any():
            skeleton = skeletonize(mask[0])[None] if mask.shape[0] == 1 else skeletonize(mask)
            tubes[place] = ndimage.binary_dilation(skeleton, _EVERY_NEIGHBOUR) & mask
    return torch.from_numpy(tubes)


def _pieces(values: torch.Tensor) -> torch.Tensor:
    masks = (values.detach() > 0.5).cpu().numpy()
    counts = [ndimage.label(masks[place], _EVERY_NEIGHBOUR)[1] for place in np.ndindex(masks.shape[:2])]
    return torch.tensor(counts, dtype=torch.float32)
