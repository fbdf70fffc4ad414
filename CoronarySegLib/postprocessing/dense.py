"""What is denser than any contrast-filled lumen is none: pacemaker leads, undiluted contrast in the superior cava."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .boxes import bounding_box
from .components import large_pieces

TOO_DENSE_HU = 1000.0
"""Coronary lumen has 250 to 700 HU, rarely 900; a lead 1500 and more, the superior cava up to 1500."""
SMALLEST_MM3 = 200.0
"""Stents and plaque are as dense, but smaller in one piece; a lead has as much on 6 cm."""
EDGE_MM = 1.5
"""The blurred edge of a lead passes through the HU of lumen; it goes with the lead."""


def without_dense_bodies(lumen: np.ndarray, ct_hu: np.ndarray, spacing_zyx_mm: np.ndarray) -> np.ndarray:
    """Lumen probability (z, y, x) with 0 in and round large dense bodies; ``ct_hu`` on the same grid."""
    box = bounding_box(ct_hu > TOO_DENSE_HU, margin=int(np.ceil(EDGE_MM / spacing_zyx_mm.min())) + 1)
    if box is None:
        return lumen
    large = large_pieces(ct_hu[box] > TOO_DENSE_HU, SMALLEST_MM3, float(np.prod(spacing_zyx_mm)))
    if not large.any():
        return lumen
    steps = max(1, round(EDGE_MM / float(spacing_zyx_mm.max())))
    bodies = ndimage.binary_dilation(large, np.ones((3, 3, 3), bool), iterations=steps)
    lumen = lumen.copy()
    lumen[box][bodies] = 0.0
    return lumen
