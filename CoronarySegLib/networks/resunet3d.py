"""ResUNet3D: the residual 3D U-Net of Nayak, Scott and Kini, "Deep Learning Methods for Coronary Artery Segmentation
from Computed Tomography Angiograms", section 2.2.

Encoder of residual blocks with 32, 64 and 128 channels, a bottleneck of 256 channels (16x16x8 voxels for the paper's
128x128x64 input), transposed convolutions upwards and skips by concatenation: 5.7 million parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .blocks import NORMS, ResidualBlock, check_choice, check_input, check_numbers

PAPER = "in_channels=1, out_channels=1, channels=(32, 64, 128), bottleneck=256, fold=1"


class ResUNet3D(nn.Module):
    """Input (N, in_channels, z, y, x), output logits (N, out_channels, z, y, x); a sigmoid makes them probabilities.

    ``channels`` are the encoder's levels from fine to coarse, ``bottleneck`` the channels below them. Each level halves
    the grid, so every side must be a multiple of ``size_factor`` (8 for three levels); other sizes raise ModelError.
    ``norm`` is "batch" (the default; folds into the convolutions at inference) or "instance".
    ``fold`` above 1 is ours, not the paper's: a strided convolution folds cubes of ``fold`` voxels a side into channels
    before the first level and a transposed one unfolds them after the last. Everything between works on the coarser
    grid, at its cost, and still sees and answers at the finer one; sides must be multiples of ``fold`` times as much.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        channels: Sequence[int] = (32, 64, 128),
        bottleneck: int = 256,
        norm: str = "batch",
        fold: int = 1,
    ):
        super().__init__()
        check_numbers("ResUNet3D", PAPER, in_channels=in_channels, out_channels=out_channels, channels=channels,
                      bottleneck=bottleneck, fold=fold)
        check_choice("ResUNet3D", "norm", norm, NORMS)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.size_factor = fold * 2 ** len(channels)
        self.encoder = nn.ModuleList()
        width = in_channels * fold**3
        self.folded = nn.Identity() if fold == 1 else nn.Conv3d(in_channels, width, fold, stride=fold, bias=False)
        for level_width in channels:
            self.encoder.append(ResidualBlock(width, level_width, norm))
            width = level_width
        self.pool = nn.MaxPool3d(2)
        self.bottleneck = ResidualBlock(width, bottleneck, norm)
        self.upsample = nn.ModuleList()
        self.decoder = nn.ModuleList()
        width = bottleneck
        for level_width in reversed(channels):
            self.upsample.append(nn.ConvTranspose3d(width, level_width, 2, stride=2))
            self.decoder.append(ResidualBlock(2 * level_width, level_width, norm))
            width = level_width
        self.head = (
            nn.Conv3d(width, out_channels, 1) if fold == 1
            else nn.ConvTranspose3d(width, out_channels, fold, stride=fold)
        )

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last layers, whose bias decides what an untrained network answers."""
        return (self.head,)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_input(x, self)
        x = self.folded(x)
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        for upsample, block, skip in zip(self.upsample, self.decoder, reversed(skips), strict=True):
            x = block(torch.cat([upsample(x), skip], dim=1))
        return self.head(x)
