"""A network whose logits are divided by a temperature: the same masks at one half, probabilities that can be believed.

Guo et al. 2017, "On Calibration of Modern Neural Networks".
"""

from __future__ import annotations

import torch
from torch import nn


def fits_like(wrapper: nn.Module, network: nn.Module) -> None:
    """Let ``wrapper`` tell of its channels and of the sizes it takes what ``network`` tells."""
    for name in ("in_channels", "out_channels", "size_factor"):
        if hasattr(network, name):
            setattr(wrapper, name, getattr(network, name))


class Tempered(nn.Module):
    """``network`` (logits out) with its logits divided by ``temperature`` (positive, above 1 makes it less sure)."""

    def __init__(self, network: nn.Module, temperature: float):
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"a temperature is positive, not {temperature}")
        self.network, self.temperature = network, float(temperature)
        fits_like(self, network)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x) / self.temperature
