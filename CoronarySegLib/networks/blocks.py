"""What several networks are built of: convolution with norm, the residual block, and the checks of what goes in."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ..errors import ModelError

NORMS = {"batch": nn.BatchNorm3d, "instance": lambda channels: nn.InstanceNorm3d(channels, affine=True)}


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions, each with norm, and a shortcut added before the last ReLU. (N, in, ...) -> (N, out, ...).

    The shortcut is a 1x1x1 projection where the number of channels changes, otherwise the input itself.
    The convolutions carry no bias because the norm that follows would remove it.
    """

    def __init__(self, in_channels: int, out_channels: int, norm: str):
        super().__init__()
        self.conv1 = nn.Conv3d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm1 = NORMS[norm](out_channels)
        self.conv2 = nn.Conv3d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = NORMS[norm](out_channels)
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv3d(in_channels, out_channels, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return self.relu(y + self.shortcut(x))


class ConvNormReLU(nn.Sequential):
    """3x3x3 convolution, norm, ReLU. (N, in, ...) -> (N, out, ...)."""

    def __init__(self, in_channels: int, out_channels: int, norm: str):
        super().__init__(
            nn.Conv3d(in_channels, out_channels, 3, padding=1, bias=False), NORMS[norm](out_channels),
            nn.ReLU(inplace=True),
        )


def check_input(x: torch.Tensor, network: nn.Module) -> None:
    """Refuse what does not fit ``network.in_channels`` and ``network.size_factor`` (a number or one per axis z, y, x).

    Raises ModelError. Does nothing while the network is being traced, where sizes are no numbers.
    """
    if torch.jit.is_tracing() or torch.compiler.is_compiling():
        return
    name = type(network).__name__
    if x.ndim != 5 or x.shape[1] != network.in_channels:
        raise ModelError(
            f"{name} takes (N, {network.in_channels}, z, y, x) but was given {tuple(x.shape)}. "
            "Give as many input channels as the model card lists inputs."
        )
    factor = network.size_factor
    factors = (factor,) * 3 if isinstance(factor, int) else tuple(factor)
    if any(side % f for side, f in zip(x.shape[2:], factors, strict=True)):
        halvings = max(factors).bit_length() - 1
        raise ModelError(
            f"{name} cannot halve {tuple(x.shape[2:])} voxels {halvings} times. "
            f"Pad each side to a multiple of {factors[0] if len(set(factors)) == 1 else factors}."
        )


def check_numbers(network: str, paper: str, **numbers: Any) -> None:
    """Refuse what are no whole positive channel numbers (or sequences of them); ``paper`` says what the paper's are."""
    for value in numbers.values():
        values = [value] if isinstance(value, int) else value
        whole = isinstance(values, (list, tuple)) and values and all(
            isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in values
        )
        if isinstance(value, bool) or not whole:
            given = ", ".join(f"{name}={value}" for name, value in numbers.items())
            raise ModelError(f"{network} needs whole positive channel numbers, got {given}. The paper's are {paper}.")


def check_choice(network: str, what: str, value: str, known: Any) -> None:
    """Refuse a ``value`` that is not in ``known``, listing those."""
    if value not in known:
        raise ModelError(f"{network} knows no {what} {value!r}. Choose one of: {', '.join(map(str, known))}.")
