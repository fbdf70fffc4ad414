"""Dice + binary cross-entropy, 1:1 in the ResUNet3D paper, over independent sigmoid channels; weighted and focal forms.

Weighted: Seg2RefineNet, Eq. 7. Focal: MONAI's, Lin et al. 2017, for voxels that are hard to tell.
"""

from __future__ import annotations

import torch
from monai.losses import DiceLoss, FocalLoss
from torch import nn


class DiceBCELoss(nn.Module):
    """``dice_weight`` * Dice + ``bce_weight`` * BCE, each a mean over channels with ``channel_weights``.

    Dice is taken over the whole batch at once (MONAI's ``batch=True``), so that a patch without vessels is judged
    together with its neighbours. Voxels of weight 0 are outside both halves. ``positive_weights`` multiply the
    cross-entropy of voxels inside a structure, by channel; ``class_weights`` are (w_pos, w_neg) of all channels, see
    :func:`balanced_weights`. ``focal_gamma`` above 0 makes the cross-entropy focal.
    """

    def __init__(self, *, channels: int, dice_weight: float = 1.0, bce_weight: float = 1.0,
                 channel_weights: tuple[float, ...] | None = None, positive_weights: tuple[float, ...] | None = None,
                 class_weights: tuple[float, float] | None = None, focal_gamma: float = 0.0, dice_smooth: float = 1.0):
        super().__init__()
        self._dice = DiceLoss(batch=True, reduction="none", smooth_nr=dice_smooth, smooth_dr=dice_smooth)
        self._focal = FocalLoss(gamma=focal_gamma, reduction="none") if focal_gamma > 0 else None
        self._halves = (dice_weight, bce_weight)
        self._class_weights = class_weights
        self.register_buffer("channel_weights", torch.tensor(channel_weights or (1.0,) * channels), persistent=False)
        positive = torch.tensor(positive_weights or (1.0,) * channels).reshape(-1, 1, 1, 1)
        self.register_buffer("positive_weights", positive, persistent=False)
        self._plain = positive_weights is None  # the kernel without weights takes half the time

    def forward(
        self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Total, Dice and BCE (scalars) of logits and target (N, K, z, y, x); weight broadcastable to them."""
        logits = logits.float()
        weight = weight.expand(target.shape[0], target.shape[1], *weight.shape[2:])
        spatial = tuple(range(2, logits.ndim))
        voxels = target[0, 0].numel() / weight[0, 0].numel()
        known = (weight.sum(dim=spatial) * voxels).sum(dim=0)
        channel = self.channel_weights * (known > 0)
        channel = channel / channel.sum().clamp(min=1e-6)
        probability, truth = torch.sigmoid(logits), target
        if not bool((weight > 0).all()):
            mask = (weight > 0).to(logits.dtype)
            probability, truth = probability * mask, target * mask
        dice = self._dice(probability, truth).reshape(-1)
        bce = (self._by_voxel(logits, target) * weight).sum(dim=spatial).sum(dim=0) / known.clamp(min=1.0)
        dice, bce = (dice * channel).sum(), (bce * channel).sum()
        return self._halves[0] * dice + self._halves[1] * bce, dice, bce

    def _by_voxel(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Cross-entropy of every voxel, in its weighted and focal forms."""
        if self._focal is None:
            values = nn.functional.binary_cross_entropy_with_logits(
                logits, target, reduction="none", pos_weight=None if self._plain else self.positive_weights
            )
        else:
            values = self._focal(logits, target) * (1.0 + (self.positive_weights - 1.0) * target)
        if self._class_weights is None:
            return values
        positive, negative = self._class_weights
        return values * (positive * target + negative * (1.0 - target))


def balanced_weights(vessel_share: float) -> tuple[float, float]:
    """(w_pos, w_neg) = (N / 2 N_vessel, N / 2 N_background), Seg2RefineNet Eq. 8, of a share of vessel voxels 0..1.

    The share is one of the whole data set: in a slice without vessel w_pos would be infinite.
    """
    if not 0.0 < vessel_share < 1.0:
        raise ValueError(f"the share of vessel voxels must lie between 0 and 1, not {vessel_share}")
    return 0.5 / vessel_share, 0.5 / (1.0 - vessel_share)
