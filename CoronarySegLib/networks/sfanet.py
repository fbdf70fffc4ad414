"""SFANet: the slice-wise first stage of Khan and Liatsis, "Seg2RefineNet: a novel DL-based framework for 2D CCTA
image-based segmentation and 3D volume-based refinement" (2025), section "Spatio-frequency attention-based 2D vessel
segmentation".

A 2D U-Net of 64 to 1024 channels whose skips pass a spatio-frequency attention module (``sfam``) and an attention gate.
Table 1 of the paper adds these one after the other; ``variant`` names its four rows.
Read into the paper: "bilinear interpolation is used to reduce the number of feature channels" is a bilinear upsampling
followed by a 1x1 convolution to half the channels, which gives 29 million parameters; the gate is Oktay's additive one,
MONAI's, and sees the upsampled decoder feature.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.nets.attentionunet import AttentionBlock
from torch import nn
from torch.nn import functional

from .blocks import check_choice, check_input, check_numbers
from .sfam import SpatioFrequencyAttention

PAPER = "in_channels=1, out_channels=1, channels=(64, 128, 256, 512, 1024)"
# Table 1: name -> attention gate, channel and spatial attention, frequency enhancement.
VARIANTS = {
    "UNet": (False, False, False), "AG": (True, False, False), "AG+Att": (True, True, False),
    "SFANet": (True, True, True),
}


class SFANet(nn.Module):
    """Input (N, in_channels, z, y, x), output logits (N, out_channels, z, y, x); every slice z is seen by itself.

    y and x must be multiples of 16 for five levels, z is any; ModelError otherwise. ``variant`` is "UNet", "AG",
    "AG+Att" or "SFANet" (Table 1). ``window_divisor`` is K of Eq. 1: the low frequencies are the central H/K x W/K.
    ``image_size`` is the slice the filter of the low frequencies is stored for; at other sizes it is interpolated.
    ``filter_per_channel`` gives each channel a filter of its own (5 million parameters more).
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        channels: Sequence[int] = (64, 128, 256, 512, 1024),
        variant: str = "SFANet",
        window_divisor: int = 4,
        image_size: int = 512,
        reduction: int = 16,
        filter_per_channel: bool = False,
    ):
        super().__init__()
        check_numbers("SFANet", PAPER, in_channels=in_channels, out_channels=out_channels, channels=channels,
                      window_divisor=window_divisor, image_size=image_size, reduction=reduction)
        check_choice("SFANet", "variant", variant, VARIANTS)
        gate, attention, frequency = VARIANTS[variant]
        self.in_channels, self.out_channels = in_channels, out_channels
        halvings = len(channels) - 1
        self.size_factor = (1, 2**halvings, 2**halvings)
        self.encoder = nn.ModuleList(
            _double_convolution(a, b) for a, b in zip((in_channels, *channels[:-1]), channels, strict=True)
        )
        self.reduce, self.skips, self.gates, self.decoder = (nn.ModuleList() for _ in range(4))
        for level in reversed(range(halvings)):
            here, below = channels[level], channels[level + 1]
            self.reduce.append(nn.Conv2d(below, here, 1))
            self.skips.append(
                SpatioFrequencyAttention(
                    here, window=max(1, image_size // 2**level // window_divisor) if frequency else 0,
                    divisor=window_divisor, reduction=reduction, per_channel=filter_per_channel,
                ) if attention else nn.Identity()
            )
            self.gates.append(AttentionBlock(2, f_int=max(1, here // 2), f_g=here, f_l=here) if gate else None)
            self.decoder.append(_double_convolution(2 * here, here))
        self.head = nn.Conv2d(channels[0], out_channels, 1)

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last layers, whose bias decides what an untrained network answers."""
        return (self.head,)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_input(x, self)
        batch, _, slices = x.shape[:3]
        y = self._of_slices(x.transpose(1, 2).flatten(0, 1))
        return y.unflatten(0, (batch, slices)).transpose(1, 2)

    def _of_slices(self, x: torch.Tensor) -> torch.Tensor:
        """(M, C, y, x) -> (M, K, y, x)."""
        skips = []
        for level, block in enumerate(self.encoder):
            x = block(functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        for reduce, sfam, gate, block, skip in zip(
            self.reduce, self.skips, self.gates, self.decoder, skips[-2::-1], strict=True
        ):
            # Reduced before it is enlarged: a 1x1 convolution and an interpolation commute, and this costs a quarter.
            g = functional.interpolate(reduce(x), scale_factor=2.0, mode="bilinear", align_corners=False)
            skip = sfam(skip)
            if gate is not None:
                skip = gate(g=g, x=skip)
            x = block(torch.cat([skip, g], dim=1))
        return self.head(x)


def _double_convolution(in_channels: int, out_channels: int) -> nn.Sequential:
    """Twice 3x3 convolution, batch norm, ReLU."""
    layers: list[nn.Module] = []
    for width in (in_channels, out_channels):
        layers += [nn.Conv2d(width, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels),
                   nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
