"""A CT in HU as the values a network sees: a window or the volume's own range, and unsharp masking of slices."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .window import hu_window

SHARPEN_SIGMA_PIXELS = 1.0
SHARPEN_MARGIN_PIXELS = 4
"""What must lie round a cut-out for its sharpened values to be those of the whole slice (the Gaussian ends there)."""


def ct_values(
    hu: np.ndarray,
    window_hu: tuple[float, float],
    *,
    range_hu: tuple[float, float] | None = None,
    sharpen: bool = False,
) -> np.ndarray:
    """0..1 (float32) of HU (..., z, y, x): ``window_hu`` clipped and scaled, or ``range_hu`` (minimum and maximum of
    the volume) where it is given; a volume of one value becomes 0. ``sharpen`` as :func:`sharpened`.
    """
    low, high = window_hu if range_hu is None else range_hu
    values = hu_window(hu, low, high) if high > low else np.zeros(hu.shape, np.float32)
    return sharpened(values) if sharpen else values


def sharpened(values: np.ndarray) -> np.ndarray:
    """X + (X - G * X) in each slice (y, x), clipped to 0..1: unsharp masking as in Seg2RefineNet, "Data preparation".

    The paper names neither width nor amount; here they are one pixel and one.
    """
    sigma = (0.0,) * (values.ndim - 2) + (SHARPEN_SIGMA_PIXELS,) * 2
    blurred = ndimage.gaussian_filter(values, sigma, truncate=SHARPEN_MARGIN_PIXELS, mode="nearest")
    return np.clip(2.0 * values - blurred, 0.0, 1.0, dtype=np.float32)
