"""The plain U-Net that nnU-Net plans for a data set (Isensee et al. 2021), put together from MONAI's blocks.

Two convolutions a level, instance norm, leaky ReLU, strided convolutions down and transposed ones up; kernels and
strides differ by level and axis as the plan has them. Without the biases that nnU-Net has before its norms, which take
any constant away again.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks.dynunet_block import UnetBasicBlock, UnetOutBlock, UnetUpBlock
from torch import nn

from ..errors import ModelError


class PlannedUNet(nn.Module):
    """``channels``, ``kernels`` and ``strides`` by level, the finest first; kernels and strides are three numbers each,
    and the first level has stride 1. Raises ModelError for lists that do not fit each other."""

    def __init__(self, in_channels: int, out_channels: int, channels: Sequence[int],
                 kernels: Sequence[Sequence[int]], strides: Sequence[Sequence[int]]):
        super().__init__()
        levels = len(channels)
        if levels < 2 or len(kernels) != levels or len(strides) != levels or set(strides[0]) != {1}:
            raise ModelError(
                f"A planned U-Net needs as many kernels and strides as levels, two or more, and a first stride of 1; "
                f"there are {levels} levels, {len(kernels)} kernels and strides {list(strides)}. Correct the plan."
            )
        norm = ("instance", {"affine": True, "eps": 1e-5})
        self.down = nn.ModuleList(
            UnetBasicBlock(3, channels[i - 1] if i else in_channels, channels[i], tuple(kernels[i]), tuple(strides[i]),
                           norm)
            for i in range(levels)
        )
        self.up = nn.ModuleList(
            UnetUpBlock(3, channels[i + 1], channels[i], tuple(kernels[i]), 1, tuple(strides[i + 1]), norm,
                        trans_bias=True)
            for i in reversed(range(levels - 1))
        )
        self.out = UnetOutBlock(3, channels[0], out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, in, ...) to logits (N, out, ...); each side a multiple of the strides' product along it."""
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
        skips.pop()
        for block in self.up:
            x = block(x, skips.pop())
        return self.out(x)
