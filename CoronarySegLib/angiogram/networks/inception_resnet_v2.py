"""InceptionResNetV2 as an encoder: Szegedy et al. 2017, "Inception-v4, Inception-ResNet and the impact of residual
connections on learning".

Every 3x3 convolution and pooling is padded, so that each level halves its input exactly; at 512² the five levels give
64 @ 256², 192 @ 128², 320 @ 64², 1088 @ 32² and 1536 @ 16². Parameters carry the names of the published ImageNet
weights (timm's and segmentation_models_pytorch's), which therefore load unchanged: see :func:`load_published`. Written
here because those packages need torchvision, and because theirs cannot be dilated, which DeepLab asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ...errors import ModelError
from ...networks.blocks import check_choice

WIDTHS = (64, 192, 320, 1088, 1536)
OUTPUT_STRIDES = (8, 16, 32)
_Size = int | tuple[int, int]


class InceptionResNetV2(nn.Module):
    """(M, 3, y, x) in -1..1 to five feature maps of ``WIDTHS`` channels, each half as large as the one before.

    ``output_stride`` 16 or 8 keeps the last one or two levels at the size of the one before and dilates their
    convolutions instead (Chen et al. 2017, DeepLabV3).
    """

    def __init__(self, output_stride: int = 32):
        super().__init__()
        check_choice("InceptionResNetV2", "output stride", output_stride, OUTPUT_STRIDES)
        self.conv2d_1a = _Conv(3, 32, 3, stride=2)
        self.conv2d_2a = _Conv(32, 32, 3)
        self.conv2d_2b = _Conv(32, 64, 3)
        self.maxpool_3a = _pool()
        self.conv2d_3b = _Conv(64, 80, 1)
        self.conv2d_4a = _Conv(80, 192, 3)
        self.maxpool_5a = _pool()
        average = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        self.mixed_5b = _Branches(
            _chain((192, 96, 1)), _chain((192, 48, 1), (48, 64, 5)), _chain((192, 64, 1), (64, 96, 3), (96, 96, 3)),
            nn.Sequential(average, _Conv(192, 64, 1)),
        )
        self.repeat = nn.Sequential(*(_Residual(320, 0.17, *_inner35()) for _ in range(10)))
        self.mixed_6a = _Branches(
            _chain((320, 384, 3), stride=2), _chain((320, 256, 1), (256, 256, 3), (256, 384, 3), stride=2), _pool()
        )
        self.repeat_1 = nn.Sequential(*(_Residual(1088, 0.10, *_inner(1088, (128, 160, 192), 7)) for _ in range(20)))
        self.mixed_7a = _Branches(
            _chain((1088, 256, 1), (256, 384, 3), stride=2), _chain((1088, 256, 1), (256, 288, 3), stride=2),
            _chain((1088, 256, 1), (256, 288, 3), (288, 320, 3), stride=2), _pool(),
        )
        self.repeat_2 = nn.Sequential(*(_Residual(2080, 0.20, *_inner(2080, (192, 224, 256), 3)) for _ in range(9)))
        self.block8 = _Residual(2080, 1.0, *_inner(2080, (192, 224, 256), 3), last=True)
        self.conv2d_7b = _Conv(2080, 1536, 1)
        if output_stride <= 16:
            _unstride(self.mixed_7a)
            _dilate((self.repeat_2, self.block8), 2)
        if output_stride == 8:
            _unstride(self.mixed_6a)
            _dilate((self.repeat_1,), 2)
            _dilate((self.mixed_7a, self.repeat_2, self.block8), 4)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        first = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        second = self.conv2d_4a(self.conv2d_3b(self.maxpool_3a(first)))
        third = self.repeat(self.mixed_5b(self.maxpool_5a(second)))
        fourth = self.repeat_1(self.mixed_6a(third))
        fifth = self.conv2d_7b(self.block8(self.repeat_2(self.mixed_7a(fourth))))
        return [first, second, third, fourth, fifth]


def load_published(encoder: InceptionResNetV2, path: str | Path) -> None:
    """Put published ImageNet weights (safetensors; a classifier in them is left out) into ``encoder``.

    Raises ModelError when the file cannot be read or holds another network.
    """
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The encoder weights {path} cannot be read: {error}. Give a .safetensors file.") from error
    known = encoder.state_dict()
    missing = sorted(name for name in known if name not in weights and not name.endswith("num_batches_tracked"))
    wrong = sorted(name for name in known if name in weights and weights[name].shape != known[name].shape)
    if missing or wrong:
        raise ModelError(
            f"{path} does not hold the weights of InceptionResNetV2 ({len(missing)} missing, {len(wrong)} of another "
            f"shape, first: {(missing + wrong)[0]}). Give those of timm's or segmentation_models_pytorch's."
        )
    encoder.load_state_dict({name: weights.get(name, known[name]) for name in known})


class _Conv(nn.Module):
    """Convolution that keeps the size (but for its stride), batch norm with TensorFlow's epsilon, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: _Size, stride: int = 1):
        super().__init__()
        padding = kernel // 2 if isinstance(kernel, int) else (kernel[0] // 2, kernel[1] // 2)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=1e-3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.bn(self.conv(x)))


class _Branches(nn.Module):
    """Parallel ways, joined along the channels."""

    def __init__(self, *branches: nn.Module):
        super().__init__()
        self._names = [f"branch{number}" for number in range(len(branches))]
        for name, branch in zip(self._names, branches, strict=True):
            self.add_module(name, branch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([getattr(self, name)(x) for name in self._names], dim=1)


class _Residual(_Branches):
    """Parallel ways, a 1x1 convolution back to the input's channels, scaled and added; the last one has no ReLU."""

    def __init__(self, channels: int, scale: float, joined: int, branches: Sequence[nn.Module], last: bool = False):
        super().__init__(*branches)
        self.scale = scale
        self.conv2d = nn.Conv2d(joined, channels, 1)
        self.relu = nn.Identity() if last else nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(x + self.scale * self.conv2d(super().forward(x)))


def _chain(*steps: tuple[int, int, _Size], stride: int = 1) -> nn.Module:
    """Convolutions (in, out, kernel) one after the other, ``stride`` on the last; a single one stands by itself."""
    made = [_Conv(*step, stride=stride if step is steps[-1] else 1) for step in steps]
    return made[0] if len(made) == 1 else nn.Sequential(*made)


def _inner35() -> tuple[int, list[nn.Module]]:
    branches = [_chain((320, 32, 1)), _chain((320, 32, 1), (32, 32, 3)), _chain((320, 32, 1), (32, 48, 3), (48, 64, 3))]
    return 128, branches


def _inner(channels: int, widths: tuple[int, int, int], length: int) -> tuple[int, list[nn.Module]]:
    """A 1x1 way of 192 channels and one of 1xlength and lengthx1 convolutions."""
    a, b, c = widths
    return 192 + c, [_chain((channels, 192, 1)), _chain((channels, a, 1), (a, b, (1, length)), (b, c, (length, 1)))]


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, stride=2, padding=1)


def _unstride(reduction: nn.Module) -> None:
    """Let ``reduction`` keep the size of its input."""
    for module in reduction.modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)
        elif isinstance(module, nn.MaxPool2d):
            module.stride = 1


def _dilate(parts: Sequence[nn.Module], rate: int) -> None:
    """Spread the convolutions of ``parts`` by ``rate``; the size stays."""
    for part in parts:
        for module in part.modules():
            if isinstance(module, nn.Conv2d):
                module.dilation = (rate, rate)
                module.padding = tuple(rate * (size // 2) for size in module.kernel_size)
