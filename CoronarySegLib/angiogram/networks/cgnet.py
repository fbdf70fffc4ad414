"""CGNet, the context guided network of Wu et al. 2018 ("CGNet: a light-weight context guided network for semantic
segmentation"), a baseline of the paper on U-Net 3+.

A block joins what a pixel's neighbours say (3x3) with what lies further round it (3x3 dilated) and weighs the channels
by the whole image; two stages of such blocks follow three convolutions, at a quarter and an eighth of the size, and see
the downsampled image again. About half a million weights.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ...networks.blocks import check_numbers
from .images import ImageNetwork, upsampled

WIDTHS = (32, 64, 128)
DILATIONS, REDUCTIONS = (2, 4), (8, 16)


class CGNet(ImageNetwork):
    """Input (N, in_channels, z, y, x) in 0..1, output logits (N, out_channels, z, y, x); y and x multiples of 8.

    ``blocks`` are M and N of the paper: the blocks of the second and the third stage.
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 1, blocks: tuple[int, int] = (3, 21)):
        super().__init__()
        check_numbers("CGNet", "blocks=(3, 21)", in_channels=in_channels, out_channels=out_channels, blocks=blocks)
        self.in_channels, self.out_channels, self.size_factor = in_channels, out_channels, (1, 8, 8)
        first, second, third = WIDTHS
        self.stem = nn.Sequential(
            _conv(in_channels, first, stride=2), _normed(first), _conv(first, first), _normed(first),
            _conv(first, first), _normed(first),
        )
        self.joined = nn.ModuleList(_normed(n) for n in (first + in_channels, 2 * second + in_channels, 2 * third))
        self.down = nn.ModuleList(
            [_Down(first + in_channels, second, DILATIONS[0], REDUCTIONS[0]),
             _Down(2 * second + in_channels, third, DILATIONS[1], REDUCTIONS[1])]
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(_Guided(width, dilation, reduction) for _ in range(count - 1)))
            for width, dilation, reduction, count in zip((second, third), DILATIONS, REDUCTIONS, blocks, strict=True)
        )
        self.head = nn.Conv2d(2 * third, out_channels, 1)

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last layers, whose bias decides what an untrained network answers."""
        return (self.head,)

    def of_images(self, x: torch.Tensor) -> torch.Tensor:
        """(M, C, y, x) -> (M, K, y, x)."""
        smaller = [_halved(x), _halved(_halved(x))]
        y = self.joined[0](torch.cat([self.stem(x), smaller[0]], dim=1))
        for number, (down, stage) in enumerate(zip(self.down, self.stages, strict=True)):
            first = down(y)
            again = smaller[1:] if number == 0 else []
            y = self.joined[number + 1](torch.cat([first, stage(first), *again], dim=1))
        return upsampled(self.head(y), 8)


class _Context(nn.Module):
    """Local and surrounding features joined: (M, C, y, x) -> (M, 2 C, y, x)."""

    def __init__(self, channels: int, dilation: int):
        super().__init__()
        self.local = _conv(channels, channels, groups=channels)
        self.around = _conv(channels, channels, groups=channels, dilation=dilation)
        self.norm = _normed(2 * channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(torch.cat([self.local(x), self.around(x)], dim=1))


class _Weighed(nn.Module):
    """Channels weighed by the mean over the whole image."""

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        self.weights = nn.Sequential(
            nn.Linear(channels, channels // reduction), nn.ReLU(inplace=True),
            nn.Linear(channels // reduction, channels), nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weights(x.mean(dim=(2, 3)))[:, :, None, None]


class _Guided(nn.Sequential):
    """A block that keeps size and channels and adds its input."""

    def __init__(self, channels: int, dilation: int, reduction: int):
        half = channels // 2
        super().__init__(nn.Conv2d(channels, half, 1, bias=False), _normed(half), _Context(half, dilation),
                         _Weighed(channels, reduction))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + super().forward(x)


class _Down(nn.Sequential):
    """A block that halves the size."""

    def __init__(self, in_channels: int, channels: int, dilation: int, reduction: int):
        super().__init__(_conv(in_channels, channels, stride=2), _normed(channels), _Context(channels, dilation),
                         nn.Conv2d(2 * channels, channels, 1, bias=False), _Weighed(channels, reduction))


def _conv(in_channels: int, out_channels: int, *, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, stride, dilation, dilation, groups, bias=False)


def _normed(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(channels), nn.PReLU(channels))


def _halved(x: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(x, 3, stride=2, padding=1)
