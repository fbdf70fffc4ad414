"""Cardiac veins are no arteries: they run side by side in the same groove and, in a late phase, with the same HU."""

from __future__ import annotations

import numpy as np

from .components import large_pieces

SURE_VEIN = 0.5
WEAK_LUMEN = 0.3
"""What is less than this is no lumen anyway."""
SMALLEST_MM3 = 3.0
"""Smaller places of doubt stay lumen: taking them would cut the artery where a vein crosses it."""


def without_veins(lumen: np.ndarray, vein: np.ndarray, voxel_mm3: float) -> np.ndarray:
    """Lumen probability (z, y, x) with 0 where the network is surer of a vein, over a connected piece of some size.

    A vein that touches an artery would otherwise come along with its tree.
    """
    rather_vein = (vein > SURE_VEIN) & (vein > lumen) & (lumen > WEAK_LUMEN)
    return np.where(large_pieces(rather_vein, SMALLEST_MM3, voxel_mm3), np.float32(0.0), lumen)
