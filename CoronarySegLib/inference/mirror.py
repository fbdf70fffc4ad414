"""Test-time mirroring: predict a patch and its mirror images and average, which removes part of the chance in a result.

Only along axes the training mirrored as well (``StageCard.mirror_axes``): a network that has never seen a mirrored
heart answers worse to it, not differently.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .engines import Engine


class MirrorEngine:
    """Averages ``engine`` over all combinations of flips along ``axes`` (of z, y, x = 0, 1, 2): 2, 4 or 8 passes."""

    def __init__(self, engine: Engine, axes: tuple[int, ...]):
        self._engine = engine
        # Axes of (N, C, z, y, x).
        self._flips = [
            tuple(axis + 2 for axis in flip) for count in range(len(axes) + 1) for flip in combinations(axes, count)
        ]

    @property
    def name(self) -> str:
        return f"{self._engine.name}, {len(self._flips)} mirrored passes"

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._engine.warnings

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """As :class:`~CoronarySegLib.inference.engines.Engine`."""
        total = None
        for flip in self._flips:
            answer = np.flip(self._engine.predict(np.flip(batch, flip)), flip)
            total = answer.copy() if total is None else total + answer
        return total / np.float32(len(self._flips))
