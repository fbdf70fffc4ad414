"""The bolus: when contrast reaches a place of the tree, and how much of it is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...phantom.courses import arc_length
from ...phantom.tree import Branch


@dataclass(frozen=True)
class Bolus:
    """An injection. ``speed_mm_s`` is how fast its front moves; times are in seconds from the start of the run."""

    start_s: float
    length_s: float
    rise_s: float
    washout_s: float
    speed_mm_s: float

    @staticmethod
    def drawn(rng: np.random.Generator, start_s: float = 0.2) -> Bolus:
        """Speed: contrast reaches the end of an LAD in 20 to 36 frames of 1/30 s (Gibson's corrected frame count)."""
        return Bolus(
            start_s, rng.uniform(1.6, 2.6), rng.uniform(0.15, 0.35), rng.uniform(0.5, 0.9), rng.uniform(110.0, 190.0)
        )

    def concentration(self, way_mm: np.ndarray, time_s: float) -> np.ndarray:
        """Share (0..1) of full contrast at places ``way_mm`` (n,) from the ostium. The front spreads on its way."""
        since = time_s - self.start_s - way_mm / self.speed_mm_s
        rise_s = self.rise_s + 0.15 * way_mm / self.speed_mm_s
        filled = np.clip(since / rise_s, 0.0, 1.0)
        gone = np.clip(since - self.length_s, 0.0, None) / (self.washout_s + 0.3 * way_mm / self.speed_mm_s)
        return filled * np.exp(-gone)

    def best_time_s(self, longest_way_mm: float) -> float:
        """When the whole tree holds contrast: the front has passed the farthest end."""
        return self.start_s + self.rise_s + 1.15 * longest_way_mm / self.speed_mm_s


def ways_from_ostium(branches: tuple[Branch, ...], parents: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Length from the ostium to every point of every branch (mm). ``parents`` index into ``branches``, mothers first;
    -1 at the ostium."""
    ways: list[np.ndarray] = []
    for branch, parent in zip(branches, parents, strict=True):
        start = 0.0
        if parent >= 0:
            mother = branches[parent].points_lps_mm
            start = ways[parent][int(np.argmin(((mother - branch.points_lps_mm[0]) ** 2).sum(1)))]
        ways.append(start + arc_length(branch.points_lps_mm))
    return tuple(ways)
