"""The spatio-frequency attention module of Seg2RefineNet (Khan and Liatsis 2025), Eq. 1-6 and Fig. 2.

A learnable complex filter on the low frequencies, then channel and spatial attention. Read into the paper: Eq. 5 and 6
define attention maps, which multiply their input as in the cited CBAM (Eq. 5 names the map itself F'c); the filter
starts as 1 + 0i, so that the untrained module passes the spectrum unchanged, is stored for the low-frequency window
only, and is shared by the channels unless each is given its own.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class LowFrequencyFilter(nn.Module):
    """f' = f_high + L f_low (Eq. 1-4) of each channel of (N, C, H, W); same shape.

    ``window`` is the side the complex filter L is stored for; M_low is the central H/``divisor`` x W/``divisor`` of the
    shifted spectrum, to which L is interpolated where the sizes differ.
    """

    def __init__(self, channels: int, window: int, divisor: int, per_channel: bool):
        super().__init__()
        self.divisor = divisor
        filters = torch.zeros(channels if per_channel else 1, window, window, 2)
        filters[..., 0] = 1.0
        self.filter = nn.Parameter(filters)  # last axis: real and imaginary part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # In float32 throughout: the mean of a feature map is thousands of times the size of its details.
        sizes = [int(n) for n in x.shape[-2:]]
        sides = [max(1, n // self.divisor) for n in sizes]
        # f' = f + (L - 1) f_low, so only the low frequencies have to be changed.
        factor = self._filter_for(*sides) - self.filter.new_tensor([1.0, 0.0], dtype=torch.float32)
        change = _by_matrices if torch.jit.is_tracing() else _by_fft
        return (x.float() + change(x.float(), factor, sizes, sides)).to(x.dtype)

    def _filter_for(self, height: int, width: int) -> torch.Tensor:
        """L on (1 or C, height, width, 2)."""
        filters = self.filter.float()
        if filters.shape[1:3] != (height, width):
            filters = functional.interpolate(
                filters.permute(0, 3, 1, 2), size=(height, width), mode="bilinear", align_corners=True
            ).permute(0, 2, 3, 1)
        return filters


def _by_fft(x: torch.Tensor, factor: torch.Tensor, sizes: list[int], sides: list[int]) -> torch.Tensor:
    """What ``factor`` (real and imaginary part, on the window) times the low frequencies of ``x`` is in space."""
    spectrum = torch.fft.fftshift(torch.fft.fft2(x), dim=(-2, -1))
    # The zero frequency lies at n // 2 of a shifted axis and stays in the middle of the window.
    (top, left), (height, width) = (n // 2 - side // 2 for n, side in zip(sizes, sides, strict=True)), sides
    low = spectrum[..., top : top + height, left : left + width]
    low = low * torch.view_as_complex(factor.contiguous())
    right, bottom = sizes[1] - left - width, sizes[0] - top - height
    low = functional.pad(low, (left, right, top, bottom))
    return torch.fft.ifft2(torch.fft.ifftshift(low, dim=(-2, -1))).real


def _by_matrices(x: torch.Tensor, factor: torch.Tensor, sizes: list[int], sides: list[int]) -> torch.Tensor:
    """The same by products with cosines and sines: for engines that know neither FFT nor complex numbers."""
    (cos_y, sin_y), (cos_x, sin_x) = (_waves(n, side, x) for n, side in zip(sizes, sides, strict=True))
    real_x, imaginary_x = x @ cos_x.T, -(x @ sin_x.T)
    real = cos_y @ real_x + sin_y @ imaginary_x
    imaginary = cos_y @ imaginary_x - sin_y @ real_x
    a, b = factor.unbind(-1)
    real, imaginary = real * a - imaginary * b, real * b + imaginary * a
    real_x = cos_y.T @ real - sin_y.T @ imaginary
    imaginary_x = cos_y.T @ imaginary + sin_y.T @ real
    return (real_x @ cos_x - imaginary_x @ sin_x) / (sizes[0] * sizes[1])


def _waves(size: int, side: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine (side, size) of the window's frequencies along one axis."""
    frequency = np.arange(side) - side // 2
    # Reduced to one turn before the cosine: large angles would cost digits.
    angle = 2.0 * np.pi * (np.outer(frequency, np.arange(size)) % size) / size
    return tuple(torch.from_numpy(wave(angle).astype(np.float32)).to(like.device) for wave in (np.cos, np.sin))


class ChannelAttention(nn.Module):
    """F sigmoid(MLP(mean F) + MLP(max F)), Eq. 5, with one hidden layer of C/``reduction``."""

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        hidden = max(1, channels // reduction)
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False), nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, most = x.mean(dim=(2, 3), keepdim=True), x.amax(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.mlp(mean) + self.mlp(most))


class SpatialAttention(nn.Module):
    """F sigmoid(conv7x7[mean over channels; max over channels]), Eq. 6."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.conv(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)))


class SpatioFrequencyAttention(nn.Sequential):
    """Frequency enhancement (none with ``window`` 0), channel attention, spatial attention; (N, C, H, W) unchanged."""

    def __init__(self, channels: int, *, window: int, divisor: int, reduction: int, per_channel: bool):
        frequency = [LowFrequencyFilter(channels, window, divisor, per_channel)] if window else []
        super().__init__(*frequency, ChannelAttention(channels, reduction), SpatialAttention())
