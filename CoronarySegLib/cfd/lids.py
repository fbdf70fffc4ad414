"""Flat lids for open ends, of triangles as even as the rim."""

from __future__ import annotations

import numpy as np
from scipy.spatial import Delaunay

from .section import plane_axes, winding

ROUNDS = 4
CLEARANCE = 0.55
"""Points of the lid keep this many edge lengths from the rim, so that no triangle at the rim is flat."""


def lid(rim: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """New points (k, 3) inside a rim (n, 3), and triangles over rim (0 to n - 1) and new points (n to n + k - 1).

    Triangles face ``normal``; None instead of triangles when the rim is no simple polygon. The points begin as a
    hexagonal grid of the rim's edge length and settle in the middle of their neighbours.
    """
    axes = plane_axes(normal)
    middle = rim.mean(0)
    flat = (rim - middle) @ axes.T
    edge = float(np.linalg.norm(flat - np.roll(flat, 1, axis=0), axis=1).mean())
    inside = _grid_inside(flat, edge)
    triangles = _triangulated(flat, inside)
    for _ in range(ROUNDS if len(inside) else 0):
        if triangles is None:
            break
        inside = _settled(flat, inside, triangles)
        triangles = _triangulated(flat, inside)
    if triangles is None:
        inside = np.zeros((0, 2))
        triangles = _ears(flat)
    return middle + inside @ axes, triangles


def _grid_inside(flat: np.ndarray, edge: float) -> np.ndarray:
    low, high = flat.min(0), flat.max(0)
    rows = np.arange(0.0, high[1] - low[1] + edge, edge * np.sqrt(0.75))
    columns = np.arange(-edge, high[0] - low[0] + edge, edge)
    x, y = np.meshgrid(columns, rows)
    x = x + 0.5 * edge * (np.arange(len(rows)) % 2)[:, None]
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    # The grid's own centre on the rim's: lids of round rims come out symmetric.
    grid += (low + high) / 2 - (grid.min(0) + grid.max(0)) / 2
    if not len(grid):
        return grid
    grid = grid[winding(flat, grid)]
    return grid[_distance(grid, flat) > CLEARANCE * edge] if len(grid) else grid


def _distance(places: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Distance (n,) of places from the ring's edges."""
    start, arrow = ring, np.roll(ring, -1, axis=0) - ring
    offset = places[:, None] - start[None]
    share = np.clip((offset * arrow).sum(2) / np.maximum((arrow * arrow).sum(1), 1e-12), 0.0, 1.0)
    return np.linalg.norm(offset - share[..., None] * arrow, axis=2).min(axis=1)


def _triangulated(flat: np.ndarray, inside: np.ndarray) -> np.ndarray | None:
    """Delaunay triangles inside the rim, anticlockwise; None when an edge of the rim is not among them."""
    places = np.concatenate([flat, inside])
    triangles = Delaunay(places).simplices.astype(np.int64)
    triangles = triangles[winding(flat, places[triangles].mean(axis=1))]
    a, b, c = places[triangles.T]
    twice = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    triangles = np.where((twice < 0)[:, None], triangles[:, ::-1], triangles)
    triangles = triangles[np.abs(twice) > 1e-12]
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    used, count = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    free = {tuple(edge) for edge in used[count == 1].tolist()}
    count_rim = len(flat)
    rim = {tuple(sorted((i, (i + 1) % count_rim))) for i in range(count_rim)}
    return triangles if free == rim and count.max() <= 2 and len(np.unique(triangles)) == len(places) else None


def _settled(flat: np.ndarray, inside: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    places = np.concatenate([flat, inside])
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    total, count = np.zeros_like(places), np.zeros(len(places))
    for a, b in (edges.T, edges[:, ::-1].T):
        np.add.at(total, a, places[b])
        np.add.at(count, a, 1)
    mean = total / np.maximum(count, 1)[:, None]
    return mean[len(flat) :]


def _ears(flat: np.ndarray) -> np.ndarray | None:
    """The rim alone, ear by ear: for shapes that no grid fits."""
    left, made = list(range(len(flat))), []
    while len(left) > 3:
        best, ear = -1.0, None
        for k in range(len(left)):
            a, b, c = left[k - 1], left[k], left[(k + 1) % len(left)]
            u, v = flat[b] - flat[a], flat[c] - flat[b]
            turn = u[0] * v[1] - u[1] * v[0]
            others = [i for i in left if i not in (a, b, c)]
            if turn <= 1e-14 or winding(flat[[a, b, c]], flat[others]).any():
                continue
            quality = turn / (u @ u + v @ v + (flat[c] - flat[a]) @ (flat[c] - flat[a]))
            if quality > best:
                best, ear = quality, k
        if ear is None:
            return None
        made.append((left[ear - 1], left[ear], left[(ear + 1) % len(left)]))
        del left[ear]
    made.append(tuple(left))
    return np.array(made, np.int64)
