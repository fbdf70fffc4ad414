"""How much contrast this volume's own arteries have, by their width: thin ones lose theirs to the scanner's blur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..preparation.contrast import FAT_HU
from .boxes import around

DEPTHS_MM = np.arange(0.5, 3.0, 0.25)
DEPTH_REACH_MM = 0.2
LEAST_AS_DEEP = 15


@dataclass(frozen=True)
class UsualContrast:
    """HU above fat, ``contrast_hu`` (k,), of arteries whose axis lies ``depths_mm`` (k,) from their wall."""

    depths_mm: np.ndarray
    contrast_hu: np.ndarray

    @staticmethod
    def of(depth_mm: np.ndarray, contrast_hu: np.ndarray) -> UsualContrast | None:
        """From places on the axes of sure arteries, both (n,); None where hardly any are as wide as another."""
        known = []
        for depth in DEPTHS_MM:
            rows = np.abs(depth_mm - depth) <= DEPTH_REACH_MM
            if np.count_nonzero(rows) >= LEAST_AS_DEEP:
                known.append((depth, np.median(contrast_hu[rows])))
        if not known:
            return None
        depths, usual = np.array(known).T
        # Nothing gets dimmer by being wider.
        return UsualContrast(depths, np.maximum.accumulate(usual))

    def shares(self, depth_mm: np.ndarray, contrast_hu: np.ndarray) -> np.ndarray:
        """Contrast of places (n,) as shares of what arteries of their width usually have."""
        return contrast_hu / np.interp(depth_mm, self.depths_mm, self.contrast_hu)


def contrast_at(ct_hu: np.ndarray, index_zyx: np.ndarray) -> np.ndarray:
    """HU above fat (n,) of the brightest of the 27 voxels around each place (n, 3): a ridge may lie beside the middle
    of a thin vessel."""
    return np.max(list(around(ct_hu, index_zyx)), axis=0) - FAT_HU
