"""What a run minimises, put together from its settings: overlap and cross-entropy, topology, and further outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from ..networks.branch import Branch
from .config import TrainConfig
from .losses import DiceBCELoss, balanced_weights
from .topology_losses import betti0_difference, skeleton_recall_loss, soft_cldice_loss

_TOPOLOGY = {"cldice": soft_cldice_loss, "skeleton_recall": skeleton_recall_loss}


@dataclass(frozen=True)
class LossValues:
    """``total`` is what is minimised; ``parts`` its terms by name, unweighted, for the log."""

    total: torch.Tensor
    parts: dict[str, torch.Tensor] = field(default_factory=dict)


class Objective(nn.Module):
    """Loss of the outputs of a network.

    The first output is judged by Dice and (weighted, focal) cross-entropy, by a topology term and by the difference in
    the number of pieces where the settings say so: Eq. 14 of the mask-guided paper, Eq. 9-10 of Seg2RefineNet. Further
    outputs (a coarse mask, side outputs, branches that looked at a part) are judged by Dice + BCE, focal where the
    first is, times ``auxiliary_weight`` each: Eq. 8-9 of the paper on U-Net 3+.
    """

    def __init__(self, config: TrainConfig):
        super().__init__()
        channels = len(config.spec.outputs)
        weights = None if config.vessel_share is None else balanced_weights(config.vessel_share)
        self.main = DiceBCELoss(
            channels=channels, dice_weight=config.dice_weight, bce_weight=config.bce_weight,
            channel_weights=config.channel_weights, positive_weights=config.positive_weights,
            class_weights=weights, focal_gamma=config.focal_gamma, dice_smooth=config.dice_smooth,
        )
        self.further = DiceBCELoss(
            channels=channels, channel_weights=config.channel_weights, dice_smooth=config.dice_smooth,
            focal_gamma=config.focal_gamma,
        )
        self._config = config

    def forward(
        self, outputs: torch.Tensor | Sequence[torch.Tensor | Branch], target: torch.Tensor, weight: torch.Tensor
    ) -> LossValues:
        """Of logits (N, K, z, y, x), one tensor or several, the first the answer; a branch counts where it looked.
        ``weight`` is broadcastable to the target.
        """
        config = self._config
        outputs = (outputs,) if isinstance(outputs, torch.Tensor) else tuple(outputs)
        total, dice, bce = self.main(outputs[0], target, weight)
        parts = {"dice_loss": dice, "bce": bce}
        if config.topology != "none" or config.betti0 != "none":
            known = (weight > 0).to(target.dtype)
            probability, truth = torch.sigmoid(outputs[0].float()) * known, target * known
        if config.topology != "none" and config.topology_weight > 0:
            parts["topology"] = _TOPOLOGY[config.topology](probability, truth)
            total = total + config.topology_weight * parts["topology"]
        if config.betti0 != "none":
            parts["betti0"] = betti0_difference(probability, truth)
            # It counts and has no gradient: added it only moves the total; multiplied it weighs the Dice loss.
            weighed = config.dice_weight * dice if config.betti0 == "weight" else 1.0
            total = total + parts["betti0"] * weighed
        for output in outputs[1:]:
            if config.auxiliary_weight > 0:
                logits, seen = (output, 1.0) if isinstance(output, torch.Tensor) else (output.logits, output.region)
                parts["auxiliary"] = parts.get("auxiliary", 0.0) + self.further(logits, target, weight * seen)[0]
        if "auxiliary" in parts:
            total = total + config.auxiliary_weight * parts["auxiliary"]
        return LossValues(total, parts)
