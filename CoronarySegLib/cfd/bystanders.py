"""What a cut must leave alone: openings that are there already, and every vessel that is not beyond it.

What lies beyond a cut is found by walking over the surface. Where the end of a branch shares its lumen with another
vessel, or a plane near the ostium goes through the trunk, that walk would take the other vessel away, or the inlet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..centreline.tree import CentrelineTree
from .cuts import Cut
from .ruler import Ruler, ruler_along

MOST_LOST_MM = 3.0
"""So much centreline of other vessels may lose its wall: the bulge of a neighbour is shared out to either."""
OWN_RADII = 3.0
"""Nearer to the cut than this many radii, a wall is that of the vessel that is cut."""


@dataclass(frozen=True)
class Bystanders:
    """The tree as places along it, asked before each cut is made."""

    tree: CentrelineTree
    ruler: Ruler

    @classmethod
    def of(cls, tree: CentrelineTree) -> Bystanders:
        return cls(tree, ruler_along(tree))

    def lost(self, removed_mm: np.ndarray, cut: Cut) -> tuple[float, np.ndarray]:
        """Length of centreline before the cut, or of vessels that do not hang on it, whose wall is among the points
        ``removed_mm`` (n, 3), and where it lies (k, 3)."""
        if not len(removed_mm):
            return 0.0, np.zeros((0, 3))
        places = np.unique(self.ruler.place_of(removed_mm))
        away = np.linalg.norm(self.ruler.places_mm[places] - cut.position_lps_mm, axis=1)
        lost = places[~self._beyond(cut)[places] & (away > OWN_RADII * cut.radius_mm)]
        return float(self.ruler.length_mm[lost].sum()), self.ruler.places_mm[lost]

    def _beyond(self, cut: Cut) -> np.ndarray:
        branch, arc = self.ruler.branch, self.ruler.arc_mm
        if cut.kind == "inlet":
            return (branch == cut.branch) & (arc <= cut.arc_mm)
        downstream, waiting = [], list(self.tree.children[cut.branch])
        while waiting:
            downstream.append(waiting.pop())
            waiting += self.tree.children[downstream[-1]]
        return np.isin(branch, downstream) | ((branch == cut.branch) & (arc >= cut.arc_mm))
