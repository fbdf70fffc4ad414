"""A run's masks made consistent: what flickers in one frame goes, a gap that neighbours do not have is closed.

The heart moves between frames, so probabilities are not averaged, which would blur a vessel over its way. Neighbouring
masks are widened by that way instead, and say where a vessel can be.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .pieces import EIGHT

REACH = 0.016
"""Of the picture's side: how far a vessel moves between two frames (8 pixels of 512; at 15 frames a second and 0.3 mm
that is 36 mm/s, the speed of the coronaries in diastole and through most of the beat)."""
SEEN_SHARE = 0.3
LOW_SHARE = 0.4


def consistent_in_time(probability: np.ndarray, mask: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Masks (t, y, x) bool out of the masks and probabilities (t, y, x) of consecutive frames.

    A piece stays when at least 30 % of it lies within reach of the mask before or after. Pixels at 0.4 of the threshold
    or more join the mask they touch where both neighbours have vessel within reach; such a gap lasts one frame.
    """
    count = len(mask)
    if count < 2:
        return mask.copy()
    reach = max(2, round(REACH * max(mask.shape[1:])))
    near = np.stack([_widened(frame, reach) for frame in mask])
    result = np.zeros(mask.shape, bool)
    for t in range(count):
        before, after = near[max(t - 1, 0)], near[min(t + 1, count - 1)]
        neighbours = after if t == 0 else before if t == count - 1 else before | after
        kept = _seen(mask[t], neighbours)
        if 0 < t < count - 1:
            likely = (probability[t] >= LOW_SHARE * threshold) & before & after
            grown = ndimage.binary_propagation(kept, EIGHT, mask=likely | kept)
            kept = _joining(kept, grown)
        result[t] = kept
    return result


def _widened(mask: np.ndarray, reach: int) -> np.ndarray:
    return ndimage.distance_transform_edt(~mask) <= reach if mask.any() else np.zeros(mask.shape, bool)


def _seen(mask: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """The pieces of which enough lies in ``neighbours``."""
    labels, count = ndimage.label(mask, EIGHT)
    if not count:
        return mask.copy()
    area = np.bincount(labels.ravel(), minlength=count + 1)
    seen = np.bincount(labels[neighbours], minlength=count + 1)
    keep = seen >= SEEN_SHARE * area
    keep[0] = False
    return keep[labels]


def _joining(kept: np.ndarray, grown: np.ndarray) -> np.ndarray:
    """``kept`` with those additions that join two of its pieces: the rest is the soft rim of a vessel."""
    added, count = ndimage.label(grown & ~kept, EIGHT)
    if not count:
        return kept
    pieces, _ = ndimage.label(kept, EIGHT)
    touching = ndimage.grey_dilation(pieces, footprint=EIGHT)
    lowest = np.where(pieces > 0, pieces, np.iinfo(np.int32).max)
    lowest = ndimage.grey_erosion(lowest, footprint=EIGHT)
    index = np.arange(1, count + 1)
    high, low = ndimage.maximum(touching, added, index), ndimage.minimum(lowest, added, index)
    joins = np.r_[False, np.asarray(high) > np.asarray(low)]
    return kept | joins[added]
