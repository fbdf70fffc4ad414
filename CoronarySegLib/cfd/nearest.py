"""The nearest place on a triangle surface for many points at once.

A vessel's other wall, or the wall of its neighbour, may be nearer than the wall a point belongs to. Whoever knows which
way the point's wall faces says so, and walls that face the other way are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from ..reconstruction.mesh import vertex_normals
from ..reconstruction.vectors import corners_of, cross, dot, length
from .edges import triangles_at

CHUNK = 20_000
FACING = 6
AWAY_MM2 = 1e6


@dataclass(frozen=True)
class Nearest:
    """``points_mm`` (n, 3) on a surface, ``distance_mm`` (n,), ``triangle`` (n,), corners' ``weights`` (n, 3)."""

    points_mm: np.ndarray
    distance_mm: np.ndarray
    triangle: np.ndarray
    weights: np.ndarray


class SurfaceSearch:
    """Nearest places on one surface (points (n, 3) LPS mm, triangles (m, 3)).

    Looks at the triangles round the ``candidates`` nearest vertices: exact where triangles are about as long as wide
    and of like size nearby, as iso-surfaces and remeshed surfaces are.
    """

    def __init__(self, points_mm: np.ndarray, triangles: np.ndarray, candidates: int = 2):
        self.points_mm, self.triangles = points_mm, triangles
        self._start, self._around = triangles_at(triangles, len(points_mm))
        self._sizes = np.diff(self._start)
        self._used = np.flatnonzero(self._sizes)
        self._tree = cKDTree(points_mm[self._used])
        self._candidates = min(candidates, len(self._used))

    @cached_property
    def normals(self) -> np.ndarray:
        return vertex_normals(self.points_mm, self.triangles)

    def __call__(self, points_mm: np.ndarray, normals: np.ndarray | None = None) -> Nearest:
        """Nearest places of points (n, 3); ``normals`` (n, 3): only walls that face the same way, where one is near."""
        parts = [
            self._search(points_mm[i:i + CHUNK], None if normals is None else normals[i:i + CHUNK])
            for i in range(0, len(points_mm), CHUNK)
        ]
        if not parts:
            return Nearest(np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.int64), np.zeros((0, 3)))
        return Nearest(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _search(self, points: np.ndarray, normals: np.ndarray | None):
        near = self._near(points, self._candidates) if normals is None else self._facing(points, normals)
        # One row for each pair of a point and a triangle at one of its candidates.
        first, size = self._start[near.ravel()], self._sizes[near.ravel()]
        offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        triangle = self._around[np.repeat(first, size) + offset]
        per_point = size.reshape(near.shape).sum(1)
        row = np.repeat(np.arange(len(points)), per_point)
        a, b, c = (self.points_mm.take(self.triangles[triangle, k], axis=0) for k in range(3))
        asked = points.take(row, axis=0)
        found, weights = closest_on_triangles(asked, a, b, c)
        off = found - asked
        squared = dot(off, off)
        if normals is not None:
            away = dot(cross(b - a, c - a), normals.take(row, axis=0)) < 0.0
            squared[away] += AWAY_MM2
        begin = np.cumsum(per_point) - per_point
        least = np.minimum.reduceat(squared, begin)
        hit = np.flatnonzero(squared == least[row])
        best = hit[np.r_[True, np.diff(row[hit]) > 0]]  # the first of each row, where two are as near
        distance = length(found[best] - points)
        return found[best], distance, triangle[best], weights[best]

    def _near(self, points: np.ndarray, count: int) -> np.ndarray:
        """The ``count`` nearest vertices (n, count), nearest first."""
        _, near = self._tree.query(points, k=count)
        return self._used[near.reshape(len(points), count)]

    def _facing(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """The nearest vertex (n, 1) of a wall that faces the same way; the nearest of all where none near does."""
        chosen = np.empty((len(points), 1), np.int64)
        rows = np.arange(len(points))
        for count in (1, min(FACING, len(self._used))):  # nearly always it is the very nearest
            near = self._near(points[rows], count)
            facing = np.einsum("nkd,nd->nk", self.normals.take(near, axis=0), normals[rows]) > 0.0
            chosen[rows] = np.take_along_axis(near, np.argmax(facing, axis=1)[:, None], axis=1)
            rows = rows[~facing.any(axis=1)]
            if not len(rows):
                break
        return chosen

    def values_at(self, nearest: Nearest, values: np.ndarray) -> np.ndarray:
        """Values given per vertex (n,) at the places found."""
        return dot(values[self.triangles[nearest.triangle]], nearest.weights)

    def signed_mm(self, points_mm: np.ndarray, normals: np.ndarray | None = None) -> np.ndarray:
        """Distance to the surface (n,), positive on the side its normals point to."""
        nearest = self(points_mm, normals)
        corners = corners_of(self.normals, self.triangles[nearest.triangle])
        smooth = np.einsum("nkd,nk->nd", corners, nearest.weights)
        side = dot(points_mm - nearest.points_mm, smooth)
        return np.where(side < 0.0, -nearest.distance_mm, nearest.distance_mm)


def closest_on_triangles(
    points: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Closest place on the triangles a, b, c (each (n, 3)) to points (n, 3), and its corner weights (n, 3).

    By the region of the triangle's plane a point lies over: a corner, an edge, the inside (Ericson 2005, 5.1.5).
    """
    ab, ac, ap = b - a, c - a, points - a
    bp, cp = points - b, points - c
    d1, d2 = dot(ab, ap), dot(ac, ap)
    d3, d4 = dot(ab, bp), dot(ac, bp)
    d5, d6 = dot(ab, cp), dot(ac, cp)
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    total = va + vb + vc
    safe = np.where(total > 1e-300, total, 1.0)
    v, w = vb / safe, vc / safe
    # Later lines take precedence: edges over the inside, corners over edges.
    along = (d4 - d3) / np.maximum((d4 - d3) + (d5 - d6), 1e-300)
    on_bc = (va <= 0) & (d4 >= d3) & (d5 >= d6)
    v, w = np.where(on_bc, 1.0 - along, v), np.where(on_bc, along, w)
    on_ac = (vb <= 0) & (d2 >= 0) & (d6 <= 0)
    v, w = np.where(on_ac, 0.0, v), np.where(on_ac, d2 / np.maximum(d2 - d6, 1e-300), w)
    on_ab = (vc <= 0) & (d1 >= 0) & (d3 <= 0)
    v, w = np.where(on_ab, d1 / np.maximum(d1 - d3, 1e-300), v), np.where(on_ab, 0.0, w)
    at_c, at_b, at_a = (d6 >= 0) & (d5 <= d6), (d3 >= 0) & (d4 <= d3), (d1 <= 0) & (d2 <= 0)
    v, w = np.where(at_c, 0.0, v), np.where(at_c, 1.0, w)
    v, w = np.where(at_b, 1.0, v), np.where(at_b, 0.0, w)
    v, w = np.where(at_a, 0.0, v), np.where(at_a, 0.0, w)
    return a + v[:, None] * ab + w[:, None] * ac, np.stack([1.0 - v - w, v, w], axis=1)
