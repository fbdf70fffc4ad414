"""Are the vessels darker or brighter than what is round them?"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .reduced import reduced

SCALES_PX = (1.5, 2.5)
"""Of a picture brought down to about 256 pixels: a coronary trunk is 3 to 10 of them wide."""
SHADE_PX = 8.0
MARGIN = 0.06
"""Shutters and the picture's rim are no vessels."""
SHUTTER, SHUTTER_REACH = 0.5, 5
STRONGEST = 0.07
"""The share of pixels whose ridges are looked at; a tree covers 2 to 8 in a hundred."""
BRIGHT_WHEN = 1.7
"""Nearly every file shows vessels dark, so bright ridges must outweigh dark ones by this much to be believed."""


def dark_vessels(frame: np.ndarray) -> bool:
    """True unless the long ridges of a frame (y, x) are mostly bright ones.

    What counts is the strength of each connected ridge times its extent: a vessel tree is one long structure, the edges
    of ribs and lungs are short or one-sided.
    """
    dark, bright = ridges(frame)
    level = float(np.quantile(np.maximum(dark, bright), 1.0 - STRONGEST))
    return BRIGHT_WHEN * _weight(dark, level) >= _weight(bright, level)


def ridges(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength of dark and of bright ridges (y, x), on a picture of about 256 pixels without its rim and shutters.

    The ridge strength is the larger eigenvalue of the Hessian less the size of the other, so that an edge or a blob
    counts little (after Frangi et al. 1998), relative to the local grey.
    """
    small, _ = reduced(frame)
    shade = ndimage.gaussian_filter(small, SHADE_PX)
    # The same for a picture and its negative, so that neither is favoured.
    relative = small / np.sqrt(np.maximum(shade * (1.0 - shade), 0.02))
    dark = np.zeros(small.shape, np.float32)
    bright = np.zeros(small.shape, np.float32)
    for sigma in SCALES_PX:
        xx = ndimage.gaussian_filter(relative, sigma, order=(0, 2))
        yy = ndimage.gaussian_filter(relative, sigma, order=(2, 0))
        xy = ndimage.gaussian_filter(relative, sigma, order=(1, 1))
        mean, spread = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
        upper, lower = mean + spread, mean - spread
        np.maximum(dark, sigma**2 * (upper - np.abs(lower)), out=dark)
        np.maximum(bright, sigma**2 * (-lower - np.abs(upper)), out=bright)
    rim = [max(2, round(MARGIN * n)) for n in small.shape]
    inside = (slice(rim[0], -rim[0]), slice(rim[1], -rim[1]))
    open_ = ~_shutters(small)[inside]
    return np.maximum(dark[inside], 0.0) * open_, np.maximum(bright[inside], 0.0) * open_


def _shutters(small: np.ndarray) -> np.ndarray:
    """What is black, or in a negative white, and hangs together with the picture's edge, and its blurred rim."""
    middle = float(np.median(small))
    covered = np.zeros(small.shape, bool)
    for far in (small < SHUTTER * middle, small > 1.0 - SHUTTER * (1.0 - middle)):
        labels, _ = ndimage.label(far)
        at_edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
        covered |= np.isin(labels, at_edge[at_edge > 0])
    return ndimage.binary_dilation(covered, iterations=SHUTTER_REACH)


def _weight(ridge: np.ndarray, level: float) -> float:
    labels, count = ndimage.label(ridge > level, np.ones((3, 3)))
    if not count:
        return 0.0
    strength = ndimage.sum_labels(ridge, labels, np.arange(1, count + 1))
    boxes = ndimage.find_objects(labels)
    extent = np.array([np.hypot(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in boxes])
    return float((strength * extent).sum())
