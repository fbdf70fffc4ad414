"""The discriminator of an adversarial run and its half of the alternating steps.

Seg2RefineNet, Algorithm 1: for each batch the discriminator first learns to tell the truth from the network's answer,
both shown together with the network's input, by the mean of the two cross-entropies (Eq. 12); then the network learns,
among other things, to be taken for the truth (first term of Eq. 10).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from ..networks.attention_gan import PatchDiscriminator
from ..networks.layout import placed
from .config import TrainConfig
from .distributed import Workers
from .hardware import Hardware


class Critic:
    """Discriminator, its optimiser and its gradient scaler."""

    def __init__(self, config: TrainConfig, hardware: Hardware):
        channels = len(config.spec.inputs) + len(config.spec.outputs)
        self._hardware = hardware
        self.network = placed(PatchDiscriminator(channels, config.critic_base), hardware.device,
                              hardware.memory_format)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), lr=config.learning_rate, betas=(config.adam_beta1, 0.999),
            weight_decay=config.weight_decay,
        )
        self.scaler = hardware.gradient_scaler()

    def learn(self, image: torch.Tensor, truth: torch.Tensor, answer: torch.Tensor, rate: float,
              workers: Workers) -> float:
        """One step of the discriminator on truth and answer (N, K, z, y, x; probabilities); returns its loss."""
        self.network.requires_grad_(True)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        with self._hardware.autocast():
            real = self.network(torch.cat([truth, image], dim=1))
            fake = self.network(torch.cat([answer.detach(), image], dim=1))
        loss = 0.5 * (_against(real, 1.0) + _against(fake, 0.0))
        value = float(loss.detach())
        if not workers.any(not math.isfinite(value), loss.device):
            self.scaler.scale(loss).backward()
            workers.average(self.network.parameters())
            self.scaler.step(self.optimiser)
            self.scaler.update()
        return value

    def cost(self, image: torch.Tensor, answer: torch.Tensor) -> torch.Tensor:
        """Cross-entropy between the discriminator's opinion of ``answer`` and "true", for the network to lower."""
        # No gradients of its own: this half of the step is not the discriminator's.
        self.network.requires_grad_(False)
        with self._hardware.autocast():
            opinion = self.network(torch.cat([answer, image], dim=1))
        return _against(opinion, 1.0)

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(),
                "scaler": self.scaler.state_dict()}

    def load_state_dict(self, values: dict[str, Any]) -> None:
        self.network.load_state_dict(values["network"])
        self.optimiser.load_state_dict(values["optimiser"])
        self.scaler.load_state_dict(values["scaler"])


def _against(opinion: torch.Tensor, value: float) -> torch.Tensor:
    return binary_cross_entropy_with_logits(opinion.float(), torch.full_like(opinion, value, dtype=torch.float32))
