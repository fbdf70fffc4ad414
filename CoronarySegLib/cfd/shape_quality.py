"""What a mesher asks of a surface's triangles, counted: topology first, then their shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..reconstruction.mesh import parts_of, vertex_count, volume_and_area
from ..reconstruction.vectors import corners_of, cross, dot, length
from .edges import Edges, edges_of, pinched_points


@dataclass(frozen=True)
class Topology:
    """Faults counted. ``turned``: edges whose triangles face opposite ways. ``euler``: vertices - edges + triangles, 2
    for a sphere; each loop of the lumen takes 2. ``volume_mm3`` is positive when normals point outward."""

    free_edges: int
    crowded_edges: int
    pinched_vertices: int
    turned: int
    components: int
    euler: int
    volume_mm3: float
    area_mm2: float

    @property
    def closed(self) -> bool:
        return self.free_edges == 0

    @property
    def manifold(self) -> bool:
        return self.crowded_edges == 0 and self.pinched_vertices == 0

    @property
    def loops(self) -> int:
        """Handles of a closed surface: ways round in the lumen."""
        return self.components - self.euler // 2


@dataclass(frozen=True)
class Spread:
    """Smallest, 1st percentile, median, 99th percentile and largest of a quantity."""

    smallest: float
    low: float
    median: float
    high: float
    largest: float

    @staticmethod
    def of(values: np.ndarray) -> Spread:
        return Spread(*(float(v) for v in np.percentile(values, (0, 1, 50, 99, 100))))


@dataclass(frozen=True)
class Shapes:
    """``edge_mm``; ``angle_deg``: smallest angle of each triangle; ``aspect``: circumradius over twice the inradius, 1
    for an equilateral triangle; ``fold_deg``: largest angle between neighbouring triangles' normals."""

    edge_mm: Spread
    angle_deg: Spread
    aspect: Spread
    fold_deg: float


def topology_of(points_mm: np.ndarray, triangles: np.ndarray) -> Topology:
    """Points (n, 3), triangles (m, 3), m >= 1; vertices no triangle uses do not count."""
    edges = edges_of(triangles, len(points_mm))
    # In a consistent surface each edge is walked once in each direction.
    upward = triangles < np.roll(triangles, -1, axis=1)
    balance = np.bincount(edges.of_triangle.ravel(), np.where(upward.ravel(), 1, -1), minlength=len(edges.ends))
    turned = int(((edges.count == 2) & (balance != 0)).sum())
    volume, area = volume_and_area(points_mm, triangles)
    used = vertex_count(triangles)
    return Topology(
        int(edges.boundary.sum()), int(edges.non_manifold.sum()), len(pinched_points(triangles, len(points_mm))),
        turned, parts_of(len(points_mm), triangles)[0], used - len(edges.ends) + len(triangles), volume, area,
    )


def shapes_of(points_mm: np.ndarray, triangles: np.ndarray) -> Shapes:
    """Distributions over all triangles; a triangle without area has angle 0 and an infinite aspect."""
    edges = edges_of(triangles, len(points_mm))
    sides, normals, double = _measured(points_mm, triangles)
    # The smallest angle lies between the two longest sides.
    ordered = np.sort(sides, axis=1)
    angle = np.degrees(np.arcsin(np.clip(double / np.maximum(ordered[:, 1] * ordered[:, 2], 1e-300), 0.0, 1.0)))
    cosine = _cosines(edges, normals)[1]
    fold = float(np.degrees(np.arccos(cosine.min()))) if len(cosine) else 0.0
    return Shapes(Spread.of(edges.lengths_mm(points_mm)), Spread.of(angle), Spread.of(_aspect(sides, double)), fold)


def misshapen(points_mm: np.ndarray, triangles: np.ndarray, aspect: float, turn_deg: float) -> np.ndarray:
    """Triangles (m,) bool that are more drawn out than ``aspect``, or from whose neighbour the normal turns by more
    than ``turn_deg``."""
    sides, normals, double = _measured(points_mm, triangles)
    found = _aspect(sides, double) > aspect
    neighbours, cosine = _cosines(edges_of(triangles, len(points_mm)), normals)
    found[neighbours[cosine < np.cos(np.radians(turn_deg))].ravel()] = True
    return found


def _measured(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sides (m, 3), unit normals (m, 3) and twice the areas (m,)."""
    a, b, c = corners_of(points, triangles).transpose(1, 0, 2)
    sides = np.stack([length(a - b), length(b - c), length(c - a)], axis=1)
    normals = cross(b - a, c - a)
    double = length(normals)
    return sides, normals / np.maximum(double, 1e-300)[:, None], double


def _aspect(sides: np.ndarray, double: np.ndarray) -> np.ndarray:
    a, b, c = sides.T
    with np.errstate(divide="ignore"):
        return a * b * c * (a + b + c) / np.maximum(4.0 * double**2, 1e-300)


def _cosines(edges: Edges, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (k, 2) of triangles that share an edge, and the cosine (k,) between their normals."""
    pairs = edges.sides[edges.count == 2]
    left, right = pairs.T
    return pairs, np.clip(dot(normals.take(left, axis=0), normals.take(right, axis=0)), -1.0, 1.0)
