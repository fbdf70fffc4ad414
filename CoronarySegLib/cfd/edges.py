"""Edges of a triangle mesh as arrays: who is next to whom, in one sort.

Every step of remeshing begins here, so the order is fixed: the same mesh always gives the same edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ..reconstruction.vectors import length


@dataclass(frozen=True)
class Edges:
    """``ends`` (e, 2), the lower vertex first. ``of_triangle`` (m, 3): the edge from corner k to corner k + 1.
    ``count`` (e,): triangles at the edge. ``sides`` (e, 2): two of them, -1 where there is none."""

    ends: np.ndarray
    of_triangle: np.ndarray
    count: np.ndarray
    sides: np.ndarray

    @property
    def boundary(self) -> np.ndarray:
        """Edges with one triangle only (e,) bool."""
        return self.count == 1

    @property
    def non_manifold(self) -> np.ndarray:
        """Edges with more than two triangles (e,) bool."""
        return self.count > 2

    def opposite(self, triangles: np.ndarray) -> np.ndarray:
        """The third vertex of the triangles on both sides (e, 2), -1 where there is none."""
        totals = triangles[:, 0] + triangles[:, 1] + triangles[:, 2]
        third = totals[self.sides] - (self.ends[:, 0] + self.ends[:, 1])[:, None]
        return np.where(self.sides >= 0, third, -1)

    def lengths_mm(self, points_mm: np.ndarray) -> np.ndarray:
        return length(points_mm.take(self.ends[:, 1], axis=0) - points_mm.take(self.ends[:, 0], axis=0))


def edges_of(triangles: np.ndarray, point_count: int) -> Edges:
    """Edges of triangles (m, 3)."""
    starts, stops = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    low, high = np.minimum(starts, stops), np.maximum(starts, stops)
    keys = low * np.int64(point_count) + high
    order = _order_of(point_count, low, high)
    ordered = keys[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, np.int64)
    count = np.diff(np.r_[first, len(ordered)])
    number = np.repeat(np.arange(len(first)), count)
    of_triangle = np.empty(len(keys), np.int64)
    of_triangle[order] = number
    sides = np.full((len(first), 2), -1, np.int64)
    sides[:, 0] = order[first] // 3
    shared = count > 1
    sides[shared, 1] = order[first[shared] + 1] // 3
    unique = ordered[first]
    ends = np.stack([unique // point_count, unique % point_count], axis=1)
    return Edges(ends, of_triangle.reshape(-1, 3), count, sides)


def _order_of(count: int, *columns: np.ndarray) -> np.ndarray:
    """Stable order (n,) by the first of ``columns`` (n,) of numbers below ``count``, then by the next: a counting sort
    each, which is what turning a sparse matrix from rows to columns is, three times faster than sorting."""
    size = len(columns[0])
    rows, order = np.arange(size + 1), np.arange(size)
    for numbers in reversed(columns):
        matrix = csr_array((np.ones(size, np.int8), numbers[order], rows), shape=(size, count))
        order = order[matrix.tocsc().indices]
    return order


def boundary_points(triangles: np.ndarray, point_count: int) -> np.ndarray:
    """True for vertices on a free edge (n,)."""
    edges = edges_of(triangles, point_count)
    on = np.zeros(point_count, bool)
    on[edges.ends[edges.boundary].ravel()] = True
    return on


def neighbours(edges: Edges, point_count: int) -> csr_array:
    """Symmetric 0/1 matrix of the vertices that share an edge."""
    a, b = edges.ends.T
    ones = np.ones(2 * len(a), np.int32)
    return csr_array((ones, (np.r_[a, b], np.r_[b, a])), shape=(point_count, point_count))


def triangles_at(triangles: np.ndarray, point_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangles round each vertex: ``start`` (n + 1,) and ``of``; those of v are ``of[start[v]:start[v + 1]]``."""
    corners = triangles.ravel()
    order = _order_of(point_count, corners)
    start = np.r_[0, np.cumsum(np.bincount(corners, minlength=point_count))]
    return start, order // 3


def pinched_points(triangles: np.ndarray, point_count: int) -> np.ndarray:
    """Vertices (k,) where two fans of triangles meet in the point only: no solver's mesher takes them as a surface."""
    edges = edges_of(triangles, point_count)
    corners = triangles.ravel()
    # Corners of a triangle are joined across each edge with the same vertex's corner on the other side.
    inner = np.flatnonzero(edges.count == 2)
    left, right = edges.sides[inner].T
    parent = np.arange(len(corners))
    rows, columns = [], []
    for end in range(2):
        vertex = edges.ends[inner, end]
        rows.append(3 * left + np.argmax(triangles[left] == vertex[:, None], axis=1))
        columns.append(3 * right + np.argmax(triangles[right] == vertex[:, None], axis=1))
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    graph = csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(parent), len(parent)))
    _, fan = connected_components(graph, directed=False)
    pairs = np.unique(np.stack([corners, fan], axis=1), axis=0)
    return np.flatnonzero(np.bincount(pairs[:, 0], minlength=point_count) > 1)
