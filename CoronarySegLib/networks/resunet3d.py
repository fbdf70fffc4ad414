"""ResUNet3D: the residual 3D U-Net of Nayak, Scott and Kini, "Deep Learning Methods for Coronary Artery Segmentation
from Computed Tomography Angiograms", section 2.2.

Encoder of residual blocks with 32, 64 and 128 channels, a bottleneck of 256 channels (16x16x8 voxels for the paper's
128x128x64 input), transposed convolutions upwards and skips by concatenation: 5.7 million parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

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


class ResUNet3D(nn.Module):
    """Input (N, in_channels, z, y, x), output logits (N, out_channels, z, y, x); a sigmoid makes them probabilities.

    ``channels`` are the encoder's levels from fine to coarse, ``bottleneck`` the channels below them. Each level halves
    the grid, so every side must be a multiple of ``size_factor`` (8 for three levels); other sizes raise ModelError.
    ``norm`` is "batch" (the default; folds into the convolutions at inference) or "instance".
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        channels: Sequence[int] = (32, 64, 128),
        bottleneck: int = 256,
        norm: str = "batch",
    ):
        super().__init__()
        _check_arguments(in_channels, out_channels, channels, bottleneck, norm)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.size_factor = 2 ** len(channels)
        self.encoder = nn.ModuleList()
        width = in_channels
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
        self.head = nn.Conv3d(width, out_channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not torch.jit.is_tracing():
            self._check_input(x)
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        for upsample, block, skip in zip(self.upsample, self.decoder, reversed(skips), strict=True):
            x = block(torch.cat([upsample(x), skip], dim=1))
        return self.head(x)

    def _check_input(self, x: torch.Tensor) -> None:
        if x.ndim != 5 or x.shape[1] != self.in_channels:
            raise ModelError(
                f"ResUNet3D takes (N, {self.in_channels}, z, y, x) but was given {tuple(x.shape)}. "
                "Give as many input channels as the model card lists inputs."
            )
        if any(side % self.size_factor for side in x.shape[2:]):
            raise ModelError(
                f"ResUNet3D cannot halve {tuple(x.shape[2:])} voxels {self.size_factor.bit_length() - 1} times. "
                f"Pad each side to a multiple of {self.size_factor}."
            )


def _check_arguments(in_channels: int, out_channels: int, channels: Sequence[int], bottleneck: int, norm: str) -> None:
    numbers = [in_channels, out_channels, bottleneck, *channels]
    if not channels or any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in numbers):
        raise ModelError(
            "ResUNet3D needs whole positive channel numbers, got "
            f"in_channels={in_channels}, out_channels={out_channels}, channels={channels}, bottleneck={bottleneck}. "
            "The paper's are in_channels=1, out_channels=1, channels=(32, 64, 128), bottleneck=256."
        )
    if norm not in NORMS:
        raise ModelError(f"ResUNet3D knows no norm {norm!r}. Choose one of: {', '.join(sorted(NORMS))}.")
