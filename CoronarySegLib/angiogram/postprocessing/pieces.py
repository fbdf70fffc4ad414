"""Pieces of a mask that are too small to be a vessel."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

LEAST_AREA = 0.0004
"""Of the picture: a hundred pixels of 512², a vessel of 3 pixels' width and 35 pixels' length."""
LEAST_SHARE = 0.03
"""Of the largest piece."""
EIGHT = np.ones((3, 3), bool)


def without_specks(mask: np.ndarray) -> np.ndarray:
    """The mask (y, x) without pieces smaller than 0.04 % of the picture or 3 % of its largest piece."""
    labels, count = ndimage.label(mask, EIGHT)
    if not count:
        return np.zeros(mask.shape, bool)
    area = np.bincount(labels.ravel(), minlength=count + 1)
    area[0] = 0
    keep = area >= max(LEAST_AREA * mask.size, LEAST_SHARE * area.max())
    keep[0] = False
    return keep[labels]
