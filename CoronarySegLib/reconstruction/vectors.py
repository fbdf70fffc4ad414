"""Arithmetic on many vectors of three at once: rows of an (n, 3) array.

numpy reduces a short last axis, and gathers rows by a table of numbers, several times slower than it multiplies whole
columns or takes rows. Work on a mesh is hundreds of such steps, so they are written once here, the quick way.
"""

from __future__ import annotations

import numpy as np


def corners_of(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The places (m, 3, 3) of the corners of triangles (m, 3): triangle, corner, coordinate."""
    return points.take(triangles, axis=0)


def face_vectors(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Normals (m, 3) of triangles (m, 3), twice the area long."""
    a, b, c = (points.take(triangles[:, k], axis=0) for k in range(3))
    return cross(b - a, c - a)


def dot(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Inner product of the rows (n,)."""
    return np.einsum("nd,nd->n", u, v)


def length(vectors: np.ndarray) -> np.ndarray:
    """Length of each row (n,)."""
    return np.sqrt(np.einsum("nd,nd->n", vectors, vectors))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1; zeros stay zeros."""
    return vectors / np.maximum(length(vectors), 1e-300)[:, None]


def cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Vector product of the rows (n, 3)."""
    (a, b, c), (d, e, f) = u.T, v.T
    result = np.empty((len(u), 3))
    result[:, 0] = b * f - c * e
    result[:, 1] = c * d - a * f
    result[:, 2] = a * e - b * d
    return result


def every(rows: np.ndarray) -> np.ndarray:
    """Whether all columns of a boolean (n, k) array hold (n,)."""
    return np.logical_and.reduce(list(rows.T))


def some(rows: np.ndarray) -> np.ndarray:
    """Whether any column of a boolean (n, k) array holds (n,)."""
    return np.logical_or.reduce(list(rows.T))


def least(rows: np.ndarray) -> np.ndarray:
    """The smallest of each row (n,)."""
    return np.minimum.reduce(list(rows.T))


def mean(rows: np.ndarray) -> np.ndarray:
    """The mean of each row: (n, k) to (n,), or of corners (n, k, 3) to (n, 3)."""
    total = rows[:, 0] + rows[:, 1]
    for column in range(2, rows.shape[1]):
        total += rows[:, column]
    return total / rows.shape[1]
