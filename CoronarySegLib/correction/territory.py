"""Which voxels belong to which branch: every voxel goes to the nearest centreline in units of that one's radius."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..centreline.tree import CentrelineTree
from .picking import inside_parent, wide_radius_mm

ASKED = 24
"""Nearest points that are asked: the nearest one may be of a twig beside a trunk."""


@dataclass(frozen=True)
class Core:
    """Points (n, 3) LPS mm on centrelines and the radius (n,) of the lumen round each."""

    points_lps_mm: np.ndarray
    radius_mm: np.ndarray

    def __len__(self) -> int:
        return len(self.points_lps_mm)

    def scaled_distance(self, points_lps_mm: np.ndarray) -> np.ndarray:
        """Distance (m,) of points to the nearest centreline in radii: up to 1 inside of the lumen, inf without any."""
        if not len(self) or not len(points_lps_mm):
            return np.full(len(points_lps_mm), np.inf)
        count = min(ASKED, len(self))
        away, near = cKDTree(self.points_lps_mm).query(points_lps_mm, k=count)
        return (away.reshape(-1, count) / self.radius_mm[near].reshape(-1, count)).min(axis=1)

    def near(self, lower_lps_mm: np.ndarray, upper_lps_mm: np.ndarray) -> Core:
        """The part in a box of LPS mm."""
        keep = ((self.points_lps_mm >= lower_lps_mm) & (self.points_lps_mm <= upper_lps_mm)).all(axis=1)
        return Core(self.points_lps_mm[keep], self.radius_mm[keep])

    @staticmethod
    def of(tree: CentrelineTree, branches: Iterable[int]) -> Core:
        """The branches' points; of one whose parent is not among them without those that still lie in its lumen."""
        points, radius = [np.zeros((0, 3))], [np.zeros(0)]
        chosen = set(branches)
        for number in sorted(chosen):
            alone = tree.branches[number].parent not in chosen
            own = ~inside_parent(tree, number) if alone else slice(None)
            points.append(tree.branches[number].points_lps_mm[own])
            radius.append(wide_radius_mm(tree.branches[number])[own])
        return Core(np.concatenate(points), np.concatenate(radius))

    def __add__(self, other: Core) -> Core:
        return Core(
            np.concatenate([self.points_lps_mm, other.points_lps_mm]), np.concatenate([self.radius_mm, other.radius_mm])
        )
