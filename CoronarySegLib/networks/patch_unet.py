"""The patch-wise 3D U-Net of Huang et al., "Coronary Artery Segmentation by Deep Learning Neural Networks on Computed
Tomographic Coronary Angiographic Images" (EMBC 2018), after its layer table in the ResUNet3D paper (Figure 1).

Pairs of 3x3x3 convolutions of 32-64, 64-128, 128-256 and 256-512 channels, upsampling by repetition, concatenation to
768, 384 and 192 channels, each brought back to 256, 128 and 64. Read into the table, which names neither norm nor
activation: batch norm and ReLU after every convolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from .blocks import NORMS, ConvNormReLU, check_choice, check_input, check_numbers

PAPER = "in_channels=1, out_channels=1, channels=(64, 128, 256, 512)"


class PatchUNet(nn.Module):
    """Input (N, in_channels, z, y, x), output logits (N, out_channels, z, y, x). Sides must be multiples of 8.

    ``channels`` are the levels' widths after their second convolution, fine to coarse; the first has half of it.
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 1, channels: Sequence[int] = (64, 128, 256, 512),
                 norm: str = "batch"):
        super().__init__()
        check_numbers("PatchUNet", PAPER, in_channels=in_channels, out_channels=out_channels, channels=channels)
        check_choice("PatchUNet", "norm", norm, NORMS)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.size_factor = 2 ** (len(channels) - 1)
        self.encoder = nn.ModuleList()
        width = in_channels
        for level_width in channels:
            half = max(1, level_width // 2)
            self.encoder.append(nn.Sequential(ConvNormReLU(width, half, norm), ConvNormReLU(half, level_width, norm)))
            width = level_width
        self.decoder = nn.ModuleList()
        for level_width in channels[-2::-1]:
            self.decoder.append(nn.Sequential(
                ConvNormReLU(width + level_width, level_width, norm), ConvNormReLU(level_width, level_width, norm)
            ))
            width = level_width
        self.head = nn.Conv3d(width, out_channels, 1)

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last layers, whose bias decides what an untrained network answers."""
        return (self.head,)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_input(x, self)
        skips = []
        for level, block in enumerate(self.encoder):
            x = block(functional.max_pool3d(x, 2) if level else x)
            skips.append(x)
        for block, skip in zip(self.decoder, skips[-2::-1], strict=True):
            x = block(torch.cat([functional.interpolate(x, scale_factor=2.0, mode="nearest"), skip], dim=1))
        return self.head(x)
