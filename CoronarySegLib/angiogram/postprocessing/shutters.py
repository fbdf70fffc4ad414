"""Where the X-ray tube's shutters, or a blank rim, cover a frame: there are no vessels."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.morphology import disk

from ..reading.reduced import reduced

BLACK = 0.2
"""Of the frame's median. Lungs reach the edge at half of it, and vessels over them are darker still."""
WIDEST_VESSEL = 0.05
"""Of the frame's side: what hangs on the edge and is narrower is a catheter or a vessel."""
REACH = 0.02
"""Of the frame's side: the blurred rim of a shutter."""


def covered_by_shutters(frame: np.ndarray) -> np.ndarray:
    """What is black, or in a negative white, wide and hangs together with the edge of a frame (y, x) in 0..1, and its
    blurred rim (bool, y, x)."""
    small, step = reduced(frame)
    side = max(small.shape)
    middle = float(np.median(small))
    covered = np.zeros(small.shape, bool)
    for far in (small < BLACK * middle, small > 1.0 - BLACK * (1.0 - middle)):
        covered |= _wide_at_edge(far, max(1, round(0.5 * WIDEST_VESSEL * side)))
    covered = ndimage.binary_dilation(covered, iterations=max(1, round(REACH * side)))
    if step == 1:
        return covered
    index = [np.minimum(np.arange(n) // step, k - 1) for n, k in zip(frame.shape, small.shape, strict=True)]
    return covered[np.ix_(*index)]


def _wide_at_edge(far: np.ndarray, radius: int) -> np.ndarray:
    """The part of ``far`` that a disc rolled in from beyond the frame reaches: a thin rim counts, a line does not."""
    # All is shutter beyond the frame.
    wide = ndimage.binary_opening(np.pad(far, 3 * radius, constant_values=True), disk(radius))
    labels, _ = ndimage.label(wide)
    inner = (slice(3 * radius, -3 * radius),) * 2
    return (labels == labels[radius, radius])[inner] & far
