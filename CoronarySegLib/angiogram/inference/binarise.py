"""A probability to a mask."""

from __future__ import annotations

import numpy as np
from skimage.filters import threshold_otsu

HALF = 0.5
FLAT = 1e-6
"""A probability whose values differ by less is a constant map, for which Otsu has no answer."""


def binarised(probability: np.ndarray, method: str) -> tuple[np.ndarray, float]:
    """Mask (bool) of a probability 0..1 and the threshold it was cut at: one half, or by "otsu" that of Otsu (1979).

    A constant map is cut at one half.
    """
    flat = float(np.ptp(probability)) < FLAT if probability.size else True
    threshold = HALF if method == "half" or flat else float(threshold_otsu(probability))
    return probability > threshold, threshold
