"""How unsure the network is, voxel by voxel and on a surface."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..postprocessing.boxes import sample
from ..volume import Volume

LARGEST_VARIANCE = 0.25
"""That of answers which are half yes and half no."""


def uncertainty_of(probability: Volume | None = None, *, variance: Volume | None = None) -> Volume:
    """Uncertainty 0..1 (float32) on the same grid: the entropy in bit of ``probability`` 0..1 (Shannon, 1948), 1 where
    it is one half; or, where several models have answered, their standard deviation, 1 where half of them say no.

    Raises InputError when neither is given.
    """
    if variance is not None:
        return variance.with_array(np.sqrt(np.clip(variance.array / LARGEST_VARIANCE, 0.0, 1.0)).astype(np.float32))
    if probability is None:
        raise InputError("Uncertainty needs the probability of a run or the variance of several. Segment the CT again.")
    result = np.zeros(probability.array.shape, np.float32)
    unsure = (probability.array > 0.0) & (probability.array < 1.0)
    p = probability.array[unsure].astype(np.float64)
    result[unsure] = -(p * np.log2(p) + (1.0 - p) * np.log2(1.0 - p))
    return probability.with_array(result)


def doubt_inside(probability: Volume, points_lps_mm: np.ndarray, normals: np.ndarray, *, depth_mm: float = 1.0):
    """Uncertainty 0..1 (n,) of the lumen under points (n, 3) of a surface with outward ``normals`` (n, 3), LPS mm.

    On the wall itself the probability is one half everywhere, so what counts is the most that is reached on the way
    ``depth_mm`` inwards: 0 where the network is sure of the lumen there, 1 where it reaches no more than one half.
    """
    steps = np.linspace(0.0, depth_mm, 5)
    reached = np.max([sample(probability, points_lps_mm - step * normals) for step in steps], axis=0)
    return np.clip(2.0 * (1.0 - reached), 0.0, 1.0).astype(np.float32)
