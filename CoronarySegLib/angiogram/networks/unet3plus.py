"""U-Net 3+ (Huang et al. 2020) with an InceptionResNetV2 encoder, as the paper on invasive coronary angiography uses it
(section 2.2.1 and Eq. 4).

Every node of the decoder sees all five scales: the encoder maps above it max-pooled, the one of its own size, and the
decoder maps below it (the deepest encoder map among them) enlarged bilinearly. Each passes a 3x3 convolution to 64
channels; together they are 320, which one more convolution with norm and ReLU fuses. In training a 3x3 convolution on
every scale below the first gives a side output at full size ("deep supervision").
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ...networks.blocks import check_choice, check_numbers
from .images import ImageNetwork, inception_range, upsampled
from .inception_resnet_v2 import WIDTHS, InceptionResNetV2

LEVELS = len(WIDTHS)
ORDERS = ("upsample_first", "convolve_first")


class UNet3Plus(ImageNetwork):
    """Input (N, in_channels, z, y, x) in 0..1, output logits (N, out_channels, z, y, x); y and x multiples of 32.

    In training with ``deep_supervision`` the outputs are five: the answer, then the side outputs of De2, De3, De4 and
    the deepest encoder map. ``channels`` is the width of one branch. ``order`` "convolve_first" exchanges enlarging and
    convolving, which needs far fewer operations and is not what was published. ImageNet weights go into ``encoder`` by
    ``inception_resnet_v2.load_published``.
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 1, channels: int = 64, deep_supervision: bool = True,
                 order: str = "upsample_first"):
        super().__init__()
        check_numbers("UNet3Plus", "channels=64", out_channels=out_channels, channels=channels)
        check_choice("UNet3Plus", "number of input channels", in_channels, (1, 3))
        check_choice("UNet3Plus", "order", order, ORDERS)
        self.in_channels, self.out_channels, self.size_factor = in_channels, out_channels, (1, 32, 32)
        self.deep_supervision = deep_supervision
        self.encoder = InceptionResNetV2()
        self.decoder = nn.ModuleList(_Node(level, channels, order) for level in range(LEVELS - 1))
        fused = LEVELS * channels
        self.head = nn.Conv2d(fused, out_channels, 3, padding=1)
        self.side_heads = nn.ModuleList(
            nn.Conv2d(width, out_channels, 3, padding=1) for width in ((fused,) * (LEVELS - 2) + WIDTHS[-1:])
        ) if deep_supervision else nn.ModuleList()

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last layers, whose bias decides what an untrained network answers."""
        return (self.head, *self.side_heads)

    def of_images(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """(M, C, y, x) -> (M, K, y, x), in training all outputs."""
        encoded = self.encoder(inception_range(x))
        decoded = [encoded[-1]]
        for level in reversed(range(LEVELS - 1)):
            # From the finest: the encoder's maps down to this level, then what the decoder made below it.
            decoded.insert(0, self.decoder[level]([*encoded[: level + 1], *decoded]))
        answer = upsampled(self.head(decoded[0]), 2)
        if not (self.training and self.deep_supervision):
            return answer
        return answer, *(
            upsampled(head(features), 2 ** (level + 2))
            for level, (head, features) in enumerate(zip(self.side_heads, decoded[1:], strict=True))
        )


class _Node(nn.Module):
    """De(level): one branch per scale, fused. Takes the five maps from the finest to the coarsest."""

    def __init__(self, level: int, channels: int, order: str):
        super().__init__()
        fused = LEVELS * channels
        widths = (*WIDTHS[: level + 1], *(fused,) * (LEVELS - 2 - level), WIDTHS[-1])
        self._level, self._convolve_first = level, order == "convolve_first"
        self.branches = nn.ModuleList(_convolution(width, channels) for width in widths)
        self.fusion = _convolution(fused, fused)

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        made = []
        for scale, (branch, features) in enumerate(zip(self.branches, maps, strict=True)):
            factor = 2 ** abs(scale - self._level)
            if scale < self._level:
                made.append(branch(functional.max_pool2d(features, factor)))
            elif self._convolve_first:
                made.append(upsampled(branch(features), factor))
            else:
                made.append(branch(upsampled(features, factor)))
        return self.fusion(torch.cat(made, dim=1))


def _convolution(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels),
                         nn.ReLU(inplace=True))
