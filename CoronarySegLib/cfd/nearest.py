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
        self._used = np.flatnonzero(np.diff(self._start))
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
        wanted = self._candidates if normals is None else min(FACING, len(self._used))
        _, near = self._tree.query(points, k=wanted)
        near = self._used[near.reshape(len(points), wanted)]
        if normals is not None:
            facing = np.einsum("nkd,nd->nk", self.normals[near], normals) > 0.0
            # The nearest that faces the same way; the nearest of all where none does.
            near = np.take_along_axis(near, np.argmax(facing, axis=1)[:, None], axis=1)
        # One row for each pair of a point and a triangle at one of its candidates.
        first, size = self._start[near.ravel()], np.diff(self._start)[near.ravel()]
        offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        triangle = self._around[np.repeat(first, size) + offset]
        per_point = size.reshape(near.shape).sum(1)
        row = np.repeat(np.arange(len(points)), per_point)
        a, b, c = (self.points_mm[self.triangles[triangle, k]] for k in range(3))
        found, weights = closest_on_triangles(points[row], a, b, c)
        squared = ((found - points[row]) ** 2).sum(1)
        if normals is not None:
            away = (np.cross(b - a, c - a) * normals[row]).sum(1) < 0.0
            squared[away] += AWAY_MM2
        begin = np.cumsum(per_point) - per_point
        least = np.minimum.reduceat(squared, begin)
        hit = np.flatnonzero(squared == least[row])
        best = hit[np.unique(row[hit], return_index=True)[1]]
        distance = np.linalg.norm(found[best] - points, axis=1)
        return found[best], distance, triangle[best], weights[best]

    def values_at(self, nearest: Nearest, values: np.ndarray) -> np.ndarray:
        """Values given per vertex (n,) at the places found."""
        return (values[self.triangles[nearest.triangle]] * nearest.weights).sum(1)

    def signed_mm(self, points_mm: np.ndarray, normals: np.ndarray | None = None) -> np.ndarray:
        """Distance to the surface (n,), positive on the side its normals point to."""
        nearest = self(points_mm, normals)
        smooth = (self.normals[self.triangles[nearest.triangle]] * nearest.weights[:, :, None]).sum(1)
        side = np.einsum("nd,nd->n", points_mm - nearest.points_mm, smooth)
        return np.where(side < 0.0, -nearest.distance_mm, nearest.distance_mm)


def closest_on_triangles(
    points: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Closest place on the triangles a, b, c (each (n, 3)) to points (n, 3), and its corner weights (n, 3).

    By the region of the triangle's plane a point lies over: a corner, an edge, the inside (Ericson 2005, 5.1.5).
    """
    ab, ac, ap = b - a, c - a, points - a
    bp, cp = points - b, points - c
    d1, d2 = _dot(ab, ap), _dot(ac, ap)
    d3, d4 = _dot(ab, bp), _dot(ac, bp)
    d5, d6 = _dot(ab, cp), _dot(ac, cp)
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


def _dot(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.einsum("nd,nd->n", u, v)
