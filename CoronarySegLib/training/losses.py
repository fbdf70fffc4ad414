"""Dice + binary cross-entropy, 1:1 in the ResUNet3D paper, over independent sigmoid channels."""

from __future__ import annotations

import torch
from monai.losses import DiceLoss
from torch import nn


class DiceBCELoss(nn.Module):
    """``dice_weight`` * Dice + ``bce_weight`` * BCE, each a mean over channels with ``channel_weights``.

    Dice is taken over the whole batch at once (MONAI's ``batch=True``), so that a patch without vessels is judged
    together with its neighbours. Voxels of weight 0 are outside both halves. ``positive_weights`` multiply the
    cross-entropy of voxels inside a structure, by channel.
    """

    def __init__(self, *, channels: int, dice_weight: float = 1.0, bce_weight: float = 1.0,
                 channel_weights: tuple[float, ...] | None = None, positive_weights: tuple[float, ...] | None = None,
                 dice_smooth: float = 1.0):
        super().__init__()
        self._dice = DiceLoss(batch=True, reduction="none", smooth_nr=dice_smooth, smooth_dr=dice_smooth)
        self._halves = (dice_weight, bce_weight)
        self.register_buffer("channel_weights", torch.tensor(channel_weights or (1.0,) * channels), persistent=False)
        positive = torch.tensor(positive_weights or (1.0,) * channels).reshape(-1, 1, 1, 1)
        self.register_buffer("positive_weights", positive, persistent=False)

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
        mask = (weight > 0).to(logits.dtype)
        dice = self._dice(torch.sigmoid(logits) * mask, target * mask).reshape(-1)
        bce = nn.functional.binary_cross_entropy_with_logits(
            logits, target, reduction="none", pos_weight=self.positive_weights
        ) * weight
        bce = bce.sum(dim=spatial).sum(dim=0) / known.clamp(min=1.0)
        dice, bce = (dice * channel).sum(), (bce * channel).sum()
        return self._halves[0] * dice + self._halves[1] * bce, dice, bce
