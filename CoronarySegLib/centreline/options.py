"""What a person may choose about centrelines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CentrelineOptions:
    """Choices of :func:`~CoronarySegLib.centreline.extract_centrelines`. Lengths in mm.

    ``step_mm`` lies between two points of a branch. ``smoothing_mm`` is the wavelength at which a wiggle of the course
    loses half of its height; longer ones stay. ``shortest_branch_mm`` is how far a branch must stand out of the vessel
    it leaves; less is a bump of the wall. ``gap_mm`` is the longest gap between a fragment and its tree that is
    bridged. ``widest_mm`` is the largest diameter that can be a coronary artery: a mask that is wider somewhere holds a
    chamber or the aorta. ``threshold`` is where a probability says lumen.
    """

    step_mm: float = 0.4
    smoothing_mm: float = 4.0
    shortest_branch_mm: float = 1.5
    gap_mm: float = 3.0
    widest_mm: float = 14.0
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0.1 <= self.step_mm <= 2.0:
            raise ValueError(f"step_mm must lie between 0.1 and 2, not {self.step_mm}")
        if not 2.0 * self.step_mm <= self.smoothing_mm <= 20.0:
            raise ValueError(f"smoothing_mm must lie between two steps and 20 mm, not {self.smoothing_mm}")
        if not 0.0 < self.threshold < 1.0:
            raise ValueError(f"threshold must lie between 0 and 1, not {self.threshold}")
        if min(self.shortest_branch_mm, self.gap_mm) < 0.0 or self.widest_mm <= 1.0:
            raise ValueError("shortest_branch_mm and gap_mm cannot be negative, widest_mm must exceed 1 mm")
