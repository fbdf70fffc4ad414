"""Heartbeat and breathing: how far a point of the heart has moved at a time of the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...phantom.heart import HeartFrame


@dataclass(frozen=True)
class Motion:
    """A beat that draws the heart towards its long axis and its base downwards, and slow breathing."""

    rate_hz: float
    phase: float
    inwards_share: float
    base_mm: float
    breath_mm: float
    breath_hz: float

    @staticmethod
    def drawn(rng: np.random.Generator) -> Motion:
        return Motion(
            rng.uniform(0.95, 1.5), rng.uniform(0.0, 1.0), rng.uniform(0.04, 0.10), rng.uniform(3.0, 8.0),
            rng.uniform(0.0, 3.0), rng.uniform(0.2, 0.3),
        )

    def moved(self, points_lps_mm: np.ndarray, frame: HeartFrame, time_s: float) -> np.ndarray:
        """Points (n, 3) of the heart at rest, LPS mm, where they are at ``time_s``."""
        beat = 0.5 - 0.5 * np.cos(2.0 * np.pi * (self.rate_hz * time_s + self.phase))
        along = (points_lps_mm - frame.base) @ frame.apex
        axis = frame.base + along[:, None] * frame.apex
        # The base moves towards the apex, the apex hardly at all.
        share = np.clip(1.0 - along / 75.0, 0.0, 1.2)
        moved = points_lps_mm + beat * (
            self.inwards_share * (axis - points_lps_mm) + (self.base_mm * share)[:, None] * frame.apex
        )
        breath = self.breath_mm * np.sin(2.0 * np.pi * self.breath_hz * time_s + self.phase)
        return moved - [0.0, 0.0, breath]
