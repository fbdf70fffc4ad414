"""A piece of a large mesh round one end of a vessel, changed alone and put back.

A tree of twenty ends is cut twenty times, and each cut concerns a centimetre of it; the rest need not be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..reconstruction.mesh import renumbered
from ..reconstruction.vectors import some


@dataclass(frozen=True)
class Patch:
    """Points (k, 3) LPS mm and triangles (l, 3) near some course. ``vertices`` (k,): their numbers in the whole mesh;
    ``rest`` (m - l, 3): the triangles elsewhere; ``joined`` (k,) bool: vertices that the rest shares."""

    points: np.ndarray
    triangles: np.ndarray
    vertices: np.ndarray
    rest: np.ndarray
    joined: np.ndarray

    def put_back(
        self, whole_points: np.ndarray, points: np.ndarray, triangles: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The whole mesh with the patch's triangles replaced, and the number in it of each of the patch's ``points``.

        ``points``: those of the patch in their order, then new ones. The whole keeps its points' numbers.
        """
        new = points[len(self.vertices) :]
        number = np.r_[self.vertices, len(whole_points) + np.arange(len(new))]
        return np.concatenate([whole_points, new]), np.concatenate([self.rest, number[triangles]]), number


def patch_round(points: np.ndarray, triangles: np.ndarray, course_mm: np.ndarray, reach_mm: float) -> Patch:
    """The triangles with a corner within ``reach_mm`` (infinite: all) of the points ``course_mm`` (c, 3)."""
    near = ((points > course_mm.min(0) - reach_mm) & (points < course_mm.max(0) + reach_mm)).all(1)
    inside = np.flatnonzero(near)
    if np.isfinite(reach_mm) and len(inside):
        away, _ = cKDTree(course_mm).query(points[inside], distance_upper_bound=reach_mm)
        near[inside[~np.isfinite(away)]] = False
    chosen = some(near[triangles])
    rest = triangles[~chosen]
    vertices, own = renumbered(triangles[chosen])
    shared = np.zeros(len(points), bool)
    shared[rest] = True
    return Patch(points[vertices], own, vertices, rest, shared[vertices])
