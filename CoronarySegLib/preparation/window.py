"""Hounsfield units to the 0..1 a network sees."""

from __future__ import annotations

import numpy as np


def hu_window(array: np.ndarray, low_hu: float = -500.0, high_hu: float = 1000.0) -> np.ndarray:
    """Clip HU to ``low_hu``..``high_hu`` and scale to 0..1; float32 of the same shape, a new array.

    The default window is the one of the ResUNet3D paper: below it only lung and air, above it metal.
    Raises ValueError for an empty window.
    """
    if not high_hu > low_hu:
        raise ValueError(f"HU window {low_hu}..{high_hu} is empty")
    # One float32 array worked on in place: a full field at 0.5 mm has 70 million voxels.
    scaled = np.array(array, dtype=np.float32)
    scaled -= np.float32(low_hu)
    scaled *= np.float32(1.0 / (high_hu - low_hu))
    return np.clip(scaled, 0.0, 1.0, out=scaled)
