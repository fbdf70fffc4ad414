"""How much contrast each frame of a run shows."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from .polarity import ridges

NOISE_SHARE = 3.0
"""A ridge counts when it is this many times as strong as the median ridge of the run, which is noise."""


def filling_of(frames: np.ndarray) -> np.ndarray:
    """Area times strength of the ridges in each frame (t, y, x), smoothed over three frames.

    Ridges of both signs count: the polarity of a run is decided on the frame that is found here, and bones and shutters
    are the same in every frame.
    """
    responses = [np.maximum(*ridges(frame)) for frame in frames]
    level = NOISE_SHARE * float(np.median(np.concatenate([r.ravel()[::7] for r in responses])))
    filling = np.array([np.maximum(response - level, 0.0).sum() for response in responses])
    return uniform_filter1d(filling, 3, mode="nearest")
