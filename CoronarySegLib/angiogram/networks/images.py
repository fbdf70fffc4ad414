"""What networks on images share: the axis of slices taken away and put back, and the range encoders expect."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ...networks.blocks import check_input
from ...networks.branch import Branch


class ImageNetwork(nn.Module):
    """Takes (N, in_channels, z, y, x), every slice z an image of its own, and gives logits (N, out_channels, z, y, x).

    In training a network may give several outputs, the first of which is the answer: tensors, or branches that looked
    at a part of the image. ``size_factor`` is what y and x must be multiples of; ModelError otherwise.
    """

    in_channels: int
    out_channels: int
    size_factor: tuple[int, int, int]

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor | Branch, ...]:
        check_input(x, self)
        batch, _, slices = x.shape[:3]
        outputs = self.of_images(x.transpose(1, 2).flatten(0, 1))

        def back(y: torch.Tensor | Branch) -> torch.Tensor | Branch:
            if isinstance(y, Branch):
                return Branch(back(y.logits), back(y.region))
            return y.unflatten(0, (batch, slices)).transpose(1, 2)

        return tuple(back(y) for y in outputs) if isinstance(outputs, tuple) else back(outputs)

    def of_images(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor | Branch, ...]:
        """Logits (M, K, y, x) of images (M, C, y, x)."""
        raise NotImplementedError


def inception_range(x: torch.Tensor) -> torch.Tensor:
    """(M, 1, y, x) in 0..1 as three equal channels in -1..1, what InceptionResNetV2 was trained on."""
    x = (x - 0.5) / 0.5
    return x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x


def upsampled(x: torch.Tensor, factor: int) -> torch.Tensor:
    """Bilinear, ``factor`` times as large."""
    return x if factor == 1 else functional.interpolate(x, scale_factor=float(factor), mode="bilinear",
                                                        align_corners=False)
