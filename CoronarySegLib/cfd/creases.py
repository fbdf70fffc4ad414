"""Spikes and creases of a wall smoothed away where they are, and nowhere else.

A single voxel that sticks out of a mask becomes a needle under any low-pass, and a needle folds over itself. A vessel's
wall on a lattice finer than its voxels turns by a few degrees from triangle to triangle; what turns sharply is no wall.
"""

from __future__ import annotations

import numpy as np

from ..reconstruction.vectors import dot, face_vectors, unit
from .edges import Edges, edges_of, neighbours

SHARP_DEG = 60.0
"""A thread of 0.3 mm radius has ten edges round it, which turn by 36 degrees each; that is no crease."""
PASSES, ROUNDS = 12, 5
RINGS, WATCHED_RINGS = 2, 8


def without_creases(
    points_mm: np.ndarray, triangles: np.ndarray, sharp_deg: float = SHARP_DEG
) -> tuple[np.ndarray, int]:
    """New vertex positions (n, 3) of a closed manifold surface, and how many vertices moved.

    Vertices at edges over which the normal turns by more than ``sharp_deg``, and ``RINGS`` of neighbours, go to the
    middle of their neighbours until the edge is flat; at most ``PASSES`` times, so some may stay.
    """
    points = np.array(points_mm, float)
    edges = edges_of(triangles, len(points))
    sharp = np.flatnonzero(_turns(points, triangles, edges, np.arange(len(edges.ends))) > sharp_deg)
    if not len(sharp):
        return points, 0
    matrix = neighbours(edges, len(points))
    # Smoothing spreads by a ring a round; edges farther away than that stay as they are.
    near = _grown(matrix, np.unique(edges.ends[sharp]), WATCHED_RINGS)
    watched = np.flatnonzero(np.isin(edges.ends, near).any(1))
    for _ in range(PASSES):
        rows = _grown(matrix, np.unique(edges.ends[sharp]), RINGS)
        around = matrix[rows]
        degree = np.maximum(around.sum(1), 1)[:, None]
        for _ in range(ROUNDS):
            points[rows] = 0.5 * (points[rows] + (around @ points) / degree)
        sharp = watched[_turns(points, triangles, edges, watched) > sharp_deg]
        if not len(sharp):
            break
    return points, int((points != points_mm).any(1).sum())


def _turns(points: np.ndarray, triangles: np.ndarray, edges: Edges, some: np.ndarray) -> np.ndarray:
    """Angle in degrees between the normals on both sides of ``some`` edges (k,); 0 at a free edge."""
    sides = edges.sides[some]
    left, right = (unit(face_vectors(points, triangles[side])) for side in sides.T)
    cosine = np.clip(dot(left, right), -1.0, 1.0)
    return np.where(sides[:, 1] >= 0, np.degrees(np.arccos(cosine)), 0.0)


def _grown(matrix, rows: np.ndarray, rings: int) -> np.ndarray:
    """Vertices ``rows`` and those within ``rings`` edges of them."""
    for _ in range(rings):
        rows = np.union1d(rows, matrix[rows].indices)
    return rows
