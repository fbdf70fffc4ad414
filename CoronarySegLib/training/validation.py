"""How good the weights are on patches that are never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from .hardware import Hardware
from .loading import Batch, collate
from .sources import Patch


@dataclass(frozen=True)
class ValidationScore:
    """Mean loss and Dice per output channel, pooled over all voxels of all patches, at threshold 0.5.

    ``further_dice`` are those of a network's further outputs, such as "coarse_lumen", which decide nothing.
    A channel whose truth is empty or unknown in every patch has no Dice (None) and is left out of ``mean_dice``.
    """

    loss: float
    dice: dict[str, float | None]
    further_dice: dict[str, float | None] = field(default_factory=dict)

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
    further = [f"{kind}_{name}" for kind in getattr(network, "output_names", ("",))[1:] for name in outputs]
    sums = torch.zeros(3, len(outputs) + len(further), dtype=torch.float64)
    total = 0.0
    for start in range(0, len(patches), batch):
        part = collate(list(patches[start : start + batch])).to(hardware.device, hardware.memory_format)
        with hardware.autocast():
            # A network without refinement has fewer outputs than names.
            logits = network.all_outputs(part.image) if further else (network(part.image),)
        total += float(loss_of(logits[0], part.target, part.weight).total) * len(part.image)
        sums[:, : len(logits) * len(outputs)] += _counts(torch.cat(logits, dim=1), part, len(logits))
    network.train(was_training)
    both, truth, found = sums.tolist()
    dice = {
        name: 2 * both[k] / (truth[k] + found[k]) if truth[k] > 0 else None
        for k, name in enumerate([*outputs, *further])
    }
    first = {name: dice.pop(name) for name in outputs}
    return ValidationScore(total / max(len(patches), 1), first, {k: v for k, v in dice.items() if v is not None})


def _counts(logits: torch.Tensor, part: Batch, outputs: int) -> torch.Tensor:
    """Voxels (3, channels) that are found and true, true, and found, where the truth is known."""
    known = (part.weight > 0).expand_as(part.target).repeat(1, outputs, 1, 1, 1)
    answer = (logits.float() > 0) & known
    target = (part.target > 0.5).repeat(1, outputs, 1, 1, 1) & known
    axes = (0, 2, 3, 4)
    return torch.stack([m.sum(dim=axes) for m in (answer & target, target, answer)]).double().cpu()
