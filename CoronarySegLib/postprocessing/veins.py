"""Cardiac veins are no arteries: they run side by side in the same groove and, in a late phase, with the same HU.

The fine stage sees 32 mm and cannot tell them apart where they shine alike; the locator sees the whole heart, where a
vessel comes from. So the fine stage says where a vessel is and the locator, where it is sure, which of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..preparation import resample
from ..volume import Geometry, Volume
from .components import large_pieces

SURE_VEIN = 0.5
WEAK_LUMEN = 0.3
"""What is less than this is no lumen anyway."""
SMALLEST_MM3 = 3.0
"""Smaller places of doubt stay lumen: taking them would cut the artery where a vein crosses it."""
SURE_PRIOR = 0.5
ARTERY_LEAD, VEIN_LEAD = 0.3, 0.1
"""By how much one of the locator's answers must exceed the other to decide. Chosen on phantoms kept for that."""
SEEN_LUMEN = 0.2
"""Lumen the fine stage must see itself before what it called vein is counted as lumen."""


@dataclass(frozen=True)
class Courses:
    """The locator's probabilities on the fine grid (z, y, x): of either artery tree, and of a vein."""

    artery: np.ndarray
    vein: np.ndarray


def courses_on(grid: Geometry, left: Volume, right: Volume, vein: Volume) -> Courses:
    """The locator's answers brought to the grid of the fine stage."""
    left, right, vein = (resample(v, grid, interpolation="linear", fill=0.0).array for v in (left, right, vein))
    return Courses(np.maximum(left, right), vein)


def without_veins(
    lumen: np.ndarray, vein: np.ndarray, voxel_mm3: float, courses: Courses | None = None
) -> np.ndarray:
    """Lumen probability (z, y, x) with 0 where the network is surer of a vein, over a connected piece of some size.

    A vein that touches an artery would otherwise come along with its tree. With ``courses`` the locator decides where
    it is sure: along an artery's course vein counts as lumen, along a vein's lumen counts for nothing.
    """
    doubt = (vein > SURE_VEIN) & (vein > lumen) & (lumen > WEAK_LUMEN)
    if courses is not None:
        lead = courses.artery - courses.vein
        doubt &= lead <= 0.0
    result = np.where(large_pieces(doubt, SMALLEST_MM3, voxel_mm3), np.float32(0.0), lumen)
    if courses is None:
        return result
    artery = (courses.artery > SURE_PRIOR) & (lead > ARTERY_LEAD) & (lumen > SEEN_LUMEN)
    result[artery] = np.minimum(lumen[artery] + vein[artery], 1.0)
    result[(courses.vein > SURE_PRIOR) & (lead < -VEIN_LEAD)] = 0.0
    return result
