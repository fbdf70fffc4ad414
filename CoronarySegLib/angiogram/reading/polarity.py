"""Are the vessels darker or brighter than what is round them?"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SCALES_PX = (1.5, 2.5)
"""Of a picture brought down to about 256 pixels: a coronary trunk is 3 to 10 of them wide."""
WORKING_PX = 256
MARGIN = 0.06
"""Shutters and the picture's rim are no vessels."""
STRONGEST = 0.02
"""The share of pixels whose ridges decide; a tree covers 2 to 8 in a hundred."""


def dark_vessels(frame: np.ndarray) -> bool:
    """True when the strongest ridges of a frame (y, x) are dark ones."""
    dark, bright = ridges(frame)
    return strength(dark) >= strength(bright)


def ridges(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength of dark and of bright ridges (y, x), on a picture of about 256 pixels without its rim.

    The ridge strength is the larger eigenvalue of the Hessian less the size of the other, so that an edge or a blob
    counts little (after Frangi et al. 1998).
    """
    step = max(1, round(max(frame.shape) / WORKING_PX))
    small = ndimage.uniform_filter(frame, step)[step // 2 :: step, step // 2 :: step] if step > 1 else frame
    dark = np.zeros(small.shape, np.float32)
    bright = np.zeros(small.shape, np.float32)
    for sigma in SCALES_PX:
        xx = ndimage.gaussian_filter(small, sigma, order=(0, 2))
        yy = ndimage.gaussian_filter(small, sigma, order=(2, 0))
        xy = ndimage.gaussian_filter(small, sigma, order=(1, 1))
        mean, spread = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
        upper, lower = mean + spread, mean - spread
        np.maximum(dark, sigma**2 * (upper - np.abs(lower)), out=dark)
        np.maximum(bright, sigma**2 * (-lower - np.abs(upper)), out=bright)
    rim = [max(2, round(MARGIN * n)) for n in small.shape]
    inside = (slice(rim[0], -rim[0]), slice(rim[1], -rim[1]))
    return np.maximum(dark[inside], 0.0), np.maximum(bright[inside], 0.0)


def strength(ridge: np.ndarray) -> float:
    """Mean of the strongest ridges."""
    flat = ridge.ravel()
    count = max(1, int(STRONGEST * flat.size))
    return float(np.partition(flat, -count)[-count:].mean())
