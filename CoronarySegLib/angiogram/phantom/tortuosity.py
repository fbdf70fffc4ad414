"""Bends that the phantom's smooth courses lack: one displacement of space, so that branches stay joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WAVES = 14


@dataclass(frozen=True)
class Wander:
    """A smooth displacement of space: a sum of plane waves of 9 to 40 mm. ``waves`` (n, 3) are in rad/mm, ``shifts``
    (n, 3) in mm, ``phases`` (n,)."""

    waves: np.ndarray
    shifts: np.ndarray
    phases: np.ndarray

    @staticmethod
    def drawn(rng: np.random.Generator) -> Wander:
        """Amplitude 0.4 to 2 mm: stretched in the young, winding in the old and hypertensive."""
        length_mm = np.exp(rng.uniform(np.log(9.0), np.log(40.0), WAVES))
        direction = rng.normal(size=(WAVES, 3))
        waves = 2.0 * np.pi / length_mm[:, None] * direction / np.linalg.norm(direction, axis=1, keepdims=True)
        amplitude = rng.uniform(0.4, 2.0) * np.sqrt(2.0 / WAVES) * (length_mm / 25.0) ** 0.7
        return Wander(waves, amplitude[:, None] * rng.normal(size=(WAVES, 3)), rng.uniform(0, 2 * np.pi, WAVES))

    def moved(self, points_lps_mm: np.ndarray, still_lps_mm: np.ndarray) -> np.ndarray:
        """Points (n, 3) displaced; the place ``still_lps_mm`` (3,), the ostium, stays where it is."""
        shift = np.sin(points_lps_mm @ self.waves.T + self.phases) @ self.shifts
        free = 1.0 - np.exp(-np.linalg.norm(points_lps_mm - still_lps_mm, axis=1) / 8.0)
        return points_lps_mm + free[:, None] * shift
