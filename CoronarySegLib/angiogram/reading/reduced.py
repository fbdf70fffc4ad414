"""A frame brought down to a size at which shades, shutters and trunks are looked at."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

WORKING_PX = 256


def reduced(frame: np.ndarray) -> tuple[np.ndarray, int]:
    """The frame (y, x) at about 256 pixels, each the mean round every ``step``-th pixel, and that step."""
    step = max(1, round(max(frame.shape) / WORKING_PX))
    if step == 1:
        return frame, step
    return ndimage.uniform_filter(frame, step)[step // 2 :: step, step // 2 :: step], step
