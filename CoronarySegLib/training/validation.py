"""How good the weights are on patches that are never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .hardware import Hardware
from .loading import collate
from .sources import Patch


@dataclass(frozen=True)
class ValidationScore:
    """Mean loss and Dice per output channel, pooled over all voxels of all patches, at threshold 0.5.

    A channel whose truth is empty or unknown in every patch has no Dice (None) and is left out of ``mean_dice``.
    """

    loss: float
    dice: dict[str, float | None]

    @property
    def mean_dice(self) -> float:
        values = [value for value in self.dice.values() if value is not None]
        return sum(values) / len(values) if values else 0.0


@torch.no_grad()
def validate(network: torch.nn.Module, patches: Sequence[Patch], outputs: Sequence[str], loss_of: torch.nn.Module, *,
             hardware: Hardware, batch: int) -> ValidationScore:
    """Score ``network`` (put into eval mode and back) on ``patches``."""
    was_training = network.training
    network.eval()
    both = torch.zeros(len(outputs), dtype=torch.float64)
    truth, found = both.clone(), both.clone()
    total = 0.0
    for start in range(0, len(patches), batch):
        part = collate(list(patches[start : start + batch])).to(hardware.device, hardware.memory_format)
        with hardware.autocast():
            logits = network(part.image)
        total += float(loss_of(logits, part.target, part.weight)[0]) * len(part.image)
        known = part.weight > 0
        answer = (logits.float() > 0) & known
        target = (part.target > 0.5) & known
        axes = (0, 2, 3, 4)
        both += (answer & target).sum(dim=axes).double().cpu()
        truth += target.sum(dim=axes).double().cpu()
        found += answer.sum(dim=axes).double().cpu()
    network.train(was_training)
    dice = {
        name: float(2 * both[k] / (truth[k] + found[k])) if truth[k] > 0 else None for k, name in enumerate(outputs)
    }
    return ValidationScore(total / max(len(patches), 1), dice)
