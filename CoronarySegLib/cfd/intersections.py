"""Where a surface cuts through itself, and the mending of it.

A surface may be closed and manifold and still run through itself, where two vessels touch or a wall folds over. No
tetrahedral mesher takes that, and most say so only by failing. Touching counts as cutting; neighbours, which touch by
nature, count when they do more than share their corner or edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..errors import SurfaceError
from ..reconstruction.mesh import vertex_normals
from ..reconstruction.vectors import corners_of, dot, face_vectors, length, mean, some
from .edges import edges_of, neighbours
from .triangle_pairs import close_pairs, cutting, spread_out

ROUNDS = 24
STEP = 0.15
"""Share of an edge's length that facing walls step apart by in a round."""


@dataclass(frozen=True)
class Mended:
    """A surface after mending. ``pairs``: how many pairs of triangles cut each other before;
    ``vertices``: how many vertices moved; ``largest_shift_mm``: how far at most."""

    points_mm: np.ndarray
    triangles: np.ndarray
    pairs: int = 0
    vertices: int = 0
    largest_shift_mm: float = 0.0

    def summary(self) -> str:
        if not self.pairs:
            return "no self-intersection"
        return (
            f"{self.pairs} pair(s) of triangles cut each other; {self.vertices} vertices moved, "
            f"by {self.largest_shift_mm:.3f} mm at most"
        )


def self_intersections(points_mm: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Pairs (k, 2) of triangles that cut or touch each other in more than the corner or edge they share."""
    if len(triangles) < 2:
        return np.zeros((0, 2), np.int64)
    # About the centroid: orientation of four points loses digits far from the origin.
    points = np.asarray(points_mm, float) - np.mean(points_mm, axis=0)
    spread = spread_out(points, triangles)
    found = [pairs[cutting(points, triangles, pairs, spread)] for pairs in close_pairs(points, triangles)]
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *found])
    return pairs[np.lexsort(pairs.T[::-1])]


def without_self_intersections(
    points_mm: np.ndarray, triangles: np.ndarray, *, fixed_points: np.ndarray | None = None, or_refuse: bool = True
) -> Mended:
    """Vertices round every cut moved until nothing cuts: walls that face each other step back, folds are smoothed.

    ``fixed_points`` (n,) bool or indices: vertices that stay. Raises SurfaceError, with the place, where ``ROUNDS``
    rounds are not enough; not so with ``or_refuse`` False, for a surface that is going to be meshed anew: a fold
    smaller than its triangles, as at the very tip of a vessel, is gone after that.
    """
    points, movable = np.array(points_mm, float), np.ones(len(points_mm), bool)
    if fixed_points is not None:
        movable[np.asarray(fixed_points)] = False
    pairs = self_intersections(points, triangles)
    first = len(pairs)
    if first:
        edges = edges_of(triangles, len(points))
        matrix, lengths = neighbours(edges, len(points)), edges.lengths_mm(points)
        total = np.bincount(edges.ends.ravel(), np.repeat(lengths, 2), minlength=len(points))
        ring = total / np.maximum(np.bincount(edges.ends.ravel(), minlength=len(points)), 1)
        for number in range(ROUNDS):
            if not movable[triangles[pairs]].any():
                break
            folds = number >= ROUNDS // 2
            points = _apart(points, triangles, pairs, matrix, ring, movable, 1 + number % (ROUNDS // 2) // 4, folds)
            moved = some(points != points_mm)
            pairs = _near(points, triangles, moved, lengths.max())
            if not len(pairs):
                break
        if or_refuse and len(pairs := self_intersections(points, triangles)):
            refuse(points, triangles, pairs)
    shift = length(points - points_mm)
    return Mended(points, triangles, first, int((shift > 0).sum()), float(shift.max(initial=0.0)))


def refuse(points_mm: np.ndarray, triangles: np.ndarray, pairs: np.ndarray) -> None:
    """Raise SurfaceError that names how often and where the surface cuts itself."""
    places = points_mm[triangles[pairs[:, 0]]].mean(1)
    at = places[0]
    raise SurfaceError(
        f"The surface cuts through itself in {len(pairs)} place(s), the first at LPS {at[0]:.1f}, {at[1]:.1f}, "
        f"{at[2]:.1f} mm, and could not be mended there. Separate the vessels in the segmentation at that place, or "
        "loft the surface from the centreline."
    )


def _near(points: np.ndarray, triangles: np.ndarray, moved: np.ndarray, longest_mm: float) -> np.ndarray:
    """Pairs (k, 2) that cut among the triangles near moved vertices: elsewhere nothing has changed."""
    middles = mean(corners_of(points, triangles))
    reach_mm, _ = cKDTree(points[moved]).query(middles, distance_upper_bound=2.0 * longest_mm)
    near = np.flatnonzero(np.isfinite(reach_mm))
    return near[self_intersections(points, triangles[near])]


def _apart(points, triangles, pairs, matrix, ring, movable, rings: int, folds: bool) -> np.ndarray:
    """One round: facing walls moved back and folds smoothed, with ``rings`` of neighbours.

    ``folds``: all are smoothed. A needle turned inside out has walls that face each other, too, but each step back
    turns it out farther.
    """
    normals = vertex_normals(points, triangles)
    faces = face_vectors(points, triangles)
    facing = (dot(faces[pairs[:, 0]], faces[pairs[:, 1]]) < 0.0) & (not folds)
    back = np.zeros(len(points))
    back[np.unique(triangles[pairs[facing].ravel()])] = 1.0
    touched = np.zeros(len(points))
    touched[np.unique(triangles[pairs[~facing].ravel()])] = 1.0
    degree = np.maximum(matrix.sum(1), 1)
    for _ in range(rings):
        # Neighbours follow with a part of it, so that no step stays in the wall.
        back = np.maximum(back, 0.6 * (matrix @ back) / degree)
        touched = np.maximum(touched, np.minimum(matrix @ touched, 1.0) * 0.5)
    mean = np.stack([matrix @ points[:, k] for k in range(3)], axis=1) / degree[:, None]
    shift = 0.5 * touched[:, None] * (mean - points) - (STEP * ring * back)[:, None] * normals
    return np.where(movable[:, None], points + shift, points)
