"""The baselines whose networks MONAI has, under the arguments and checks of this package.

``AttentionUNet3D``: Shen et al. 2019, a 3D FCN with attention gates (a level set follows at inference).
``UNet3D``: the 3D U-Net of Chen et al. 2019, with the CT and its Frangi vesselness as two channels, and the coarse
network of Zeng et al. 2023 (ImageCAS). ``UNetPlusPlus3D``: the patch network of Zeng et al. 2023.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.nets import AttentionUnet, BasicUNet, BasicUNetPlusPlus
from torch import nn

from .blocks import NORMS, check_choice, check_input, check_numbers


class _MonaiNetwork(nn.Module):
    """``self.network`` is MONAI's; logits of the input's size come out."""

    network: nn.Module
    in_channels: int
    out_channels: int
    size_factor: int

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last convolution, whose bias decides what an untrained network answers."""
        last = [m for m in self.network.modules() if isinstance(m, nn.Conv3d) and m.out_channels == self.out_channels]
        return tuple(last[-1:])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_input(x, self)
        return self.network(x)


class AttentionUNet3D(_MonaiNetwork):
    """MONAI's AttentionUnet; each level after the first halves the grid."""

    def __init__(self, in_channels: int = 1, out_channels: int = 1, channels: Sequence[int] = (16, 32, 64, 128, 256)):
        super().__init__()
        check_numbers("AttentionUNet3D", "channels=(16, 32, 64, 128, 256)", in_channels=in_channels,
                      out_channels=out_channels, channels=channels)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.size_factor = 2 ** (len(channels) - 1)
        self.network = AttentionUnet(3, in_channels, out_channels, tuple(channels), (2,) * (len(channels) - 1))


class UNet3D(_MonaiNetwork):
    """MONAI's BasicUNet: four halvings; ``channels`` are its six ``features``."""

    def __init__(self, in_channels: int = 1, out_channels: int = 1,
                 channels: Sequence[int] = (32, 32, 64, 128, 256, 32), norm: str = "instance"):
        super().__init__()
        _check_six("UNet3D", in_channels, out_channels, channels, norm)
        self.in_channels, self.out_channels, self.size_factor = in_channels, out_channels, 16
        self.network = BasicUNet(3, in_channels, out_channels, tuple(channels), norm=_norm(norm))


class UNetPlusPlus3D(_MonaiNetwork):
    """MONAI's BasicUNetPlusPlus: four halvings; ``channels`` are its six ``features``.

    The answer is the mean of its four nested outputs (the "accurate mode" of Zhou et al. 2018). Batch norm, because the
    lowest level of the ImageCAS baseline's 16-voxel patch is a single voxel.
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 1,
                 channels: Sequence[int] = (32, 32, 64, 128, 256, 32), norm: str = "batch"):
        super().__init__()
        _check_six("UNetPlusPlus3D", in_channels, out_channels, channels, norm)
        self.in_channels, self.out_channels, self.size_factor = in_channels, out_channels, 16
        self.network = BasicUNetPlusPlus(
            3, in_channels, out_channels, tuple(channels), deep_supervision=True, norm=_norm(norm)
        )

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last convolution of each nested output."""
        return tuple(getattr(self.network, f"final_conv_0_{depth}") for depth in range(1, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_input(x, self)
        return torch.stack(self.network(x)).mean(dim=0)


def _check_six(name: str, in_channels: int, out_channels: int, channels: Sequence[int], norm: str) -> None:
    check_numbers(name, "channels=(32, 32, 64, 128, 256, 32)", in_channels=in_channels, out_channels=out_channels,
                  channels=channels)
    check_choice(name, "number of widths", len(channels), (6,))
    check_choice(name, "norm", norm, NORMS)


def _norm(norm: str) -> tuple[str, dict]:
    return norm, {"affine": True}
