"""Where the probability is cut: 0.5, lowered only while what it gives is too small to be coronary arteries."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import EmptyResultError
from .boxes import grown
from .components import component_sizes, label_components

LOG = logging.getLogger(__name__)
STEPS = (0.5, 0.4, 0.3, 0.2, 0.1)
"""The published schedule."""
HOPELESS = 0.1
"""A network whose largest probability anywhere is below this saw no vessel; cutting its noise would invent one."""
SEED_MM3 = 5.0
WEAK_MM3 = 1.0


@dataclass(frozen=True)
class Threshold:
    """The probability used, the foreground it gives, and whether it is the fallback of half the maximum."""

    value: float
    foreground_mm3: float
    is_fallback: bool = False

    @property
    def warning(self) -> str | None:
        """What the reader of the report must know, None for the ordinary 0.5."""
        if self.is_fallback:
            return (
                f"The network was unsure everywhere: the threshold fell back to half of its largest probability "
                f"({self.value:.2f}). Check the result against the CT."
            )
        if self.value < STEPS[0] - 1e-6:
            return (
                f"The threshold was lowered to {self.value:.1f} because higher ones gave too little vessel. "
                f"Check the result against the CT."
            )
        return None


def adaptive_threshold(probability: np.ndarray, voxel_mm3: float, *, plausible_mm3: float) -> Threshold:
    """The first of 0.5, 0.4 … 0.1 whose foreground reaches ``plausible_mm3``, otherwise half of the maximum.

    ``probability`` (z, y, x). Raises EmptyResultError when nothing reaches 0.1. Source: the reconstruction pipeline's
    paper, post-processing section; "implausibly small" in mm³ is ours, so that it means the same on every grid.
    """
    values = probability[probability >= STEPS[-1] * 0.5]
    maximum = float(values.max()) if values.size else 0.0
    if maximum < HOPELESS:
        raise EmptyResultError(
            f"No coronary artery was found (highest probability {maximum:.2f}). Check that the volume is a contrast CT "
            "of the heart in HU; otherwise try another model."
        )
    for step in STEPS:
        foreground_mm3 = np.count_nonzero(values >= step) * voxel_mm3
        if foreground_mm3 >= plausible_mm3:
            break
    else:
        half = 0.5 * maximum
        chosen = Threshold(half, np.count_nonzero(values >= half) * voxel_mm3, is_fallback=half < STEPS[0] * 0.9)
        LOG.info("probability threshold: fallback %.3f, %.0f mm3", chosen.value, chosen.foreground_mm3)
        return chosen
    LOG.info("probability threshold %.1f, %.0f mm3", step, foreground_mm3)
    return Threshold(step, foreground_mm3)


def lift_weak_branches(
    probability: np.ndarray, threshold: float, weak_threshold: float, voxel_mm3: float
) -> np.ndarray:
    """Raise thin branches above the threshold when they hang on a vessel that is above it (hysteresis).

    Plain hysteresis would cut everything at the lower threshold and thicken every vessel. Here only what reaches
    beyond the shell round the strong part is lifted, by the ratio of the two thresholds; the rest keeps its values, so
    calibre stays where it was. Returns a new float32 array (z, y, x).
    """
    core = probability >= threshold
    support = probability >= weak_threshold
    labels, count = label_components(core)
    seeds = np.isin(labels, np.flatnonzero(component_sizes(labels, count) * voxel_mm3 >= SEED_MM3))
    weak, count = ndimage.label(support & ~grown(core), np.ones((3, 3, 3)))
    sizes = component_sizes(weak, count)
    large = np.isin(weak, np.flatnonzero(sizes * voxel_mm3 >= WEAK_MM3))
    result = probability.astype(np.float32, copy=True)
    if not large.any():
        return result
    region = grown(large) & support & ~core
    joined, count = label_components(region | core)
    hanging = np.zeros(count + 1, bool)
    hanging[np.unique(joined[seeds & (labels > 0)])] = True
    hanging[0] = False
    region &= hanging[joined]
    if not region.any():
        return result
    gain = np.float32(threshold / weak_threshold * 1.001)
    fringe = grown(region, 2) & ~core & ~region
    result[region] = np.minimum(result[region] * gain, 1.0)
    # The fringe rises with the branch, so that its surface lies between voxels as everywhere, but never joins it.
    result[fringe] = np.minimum(result[fringe] * gain, 0.98 * threshold)
    return result


def without(field: np.ndarray, mask: np.ndarray, threshold: float) -> None:
    """Take voxels out of the foreground in place: mirrored at the threshold, so that an iso-surface beside them
    passes half-way between the voxels instead of through the neighbour that stays."""
    field[mask] = np.clip(2.0 * threshold - field[mask], 0.0, 0.98 * threshold)
