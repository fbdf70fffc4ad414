"""Calcified plaque: a label of its own, so that it is neither merged into the lumen nor cut out of it unseen.

Two sources, united: the network's calcium channel, and a rule in HU. The rule compares with this patient's own lumen,
because contrast varies from 280 to 600 HU and a fixed 130 HU (the Agatston threshold) is for scans without contrast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..volume import Geometry
from .boxes import bounding_box, spacing_zyx
from .components import large_pieces
from .kept_open import kept_open

FLOOR_HU = 500.0
STANDARD_DEVIATIONS = 4.0
AT_LEAST_ABOVE_HU = 150.0
"""A lumen with little noise would otherwise call its own brightest voxels calcium."""
REACH_MM = 1.5
"""Plaque lies in the wall: what is bright but further from the lumen is bone, a lead or another vessel."""
MINIMUM_MM3 = 0.4
CERTAIN_LUMEN = 0.8
"""With a calcium channel, the HU rule does not overrule a network this certain of lumen."""


@dataclass(frozen=True)
class Calcium:
    """``mask`` bool (z, y, x); ``threshold_hu`` of the rule, None without a CT; ``given_back`` deposits that would have
    cut a vessel in two and stay lumen where the network says lumen."""

    mask: np.ndarray
    threshold_hu: float | None
    given_back: int = 0


def lumen_threshold_hu(ct_hu: np.ndarray, lumen: np.ndarray) -> float | None:
    """HU above which a voxel is calcium: lumen median + max(4 robust SD, 150), at least 500. None without lumen."""
    inner = ndimage.binary_erosion(lumen)
    values = ct_hu[inner] if np.count_nonzero(inner) >= 100 else ct_hu[lumen]
    if values.size == 0:
        return None
    median = float(np.median(values))
    # Half-normal from below: plaque and blooming sit above the median and must not widen the spread.
    spread = 1.4826 * float(np.median(median - values[values <= median]))
    return max(FLOOR_HU, median + max(STANDARD_DEVIATIONS * spread, AT_LEAST_ABOVE_HU))


def find_calcium(
    lumen: np.ndarray, lumen_probability: np.ndarray, calcium_probability: np.ndarray | None, ct_hu: np.ndarray | None,
    geometry: Geometry, calcium_threshold: float,
) -> Calcium:
    """Calcium beside or in the ``lumen`` mask (bool, z, y, x). Probabilities 0..1 and CT share its grid."""
    mask = np.zeros(lumen.shape, bool)
    margin = int(np.ceil(REACH_MM / spacing_zyx(geometry).min())) + 2
    box = bounding_box(lumen, margin)
    if box is None:
        return Calcium(mask, None)
    lumen, probability = lumen[box], lumen_probability[box]
    found = np.zeros(lumen.shape, bool)
    threshold_hu = None
    if calcium_probability is not None:
        channel = calcium_probability[box]
        # Blooming makes plaque look like lumen too, so both channels may be sure: the rarer answer is the better one.
        found |= channel >= calcium_threshold
    if ct_hu is not None:
        threshold_hu = lumen_threshold_hu(ct_hu[box], lumen)
        bright = ct_hu[box] > threshold_hu
        found |= bright if calcium_probability is None else bright & (probability < CERTAIN_LUMEN)
    index = np.argwhere(found)
    spacing = spacing_zyx(geometry)
    reached, _ = cKDTree(np.argwhere(lumen) * spacing).query(index * spacing, distance_upper_bound=REACH_MM)
    found[tuple(index[~np.isfinite(reached)].T)] = False
    deposits = large_pieces(found, MINIMUM_MM3, geometry.voxel_mm3)
    mask[box], given_back = kept_open(deposits, lumen, geometry.voxel_mm3)
    return Calcium(mask, threshold_hu, given_back)
