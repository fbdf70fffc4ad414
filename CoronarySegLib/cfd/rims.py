"""Rims of open ends: those a wall has, and the even one that replaces a cut's own."""

from __future__ import annotations

import numpy as np

from ..errors import SurfaceError
from .section import Loop, plane_axes, polygon_area, polygon_centroid

FEWEST_RIM_POINTS = 12
LONGEST_EDGE_MM = 1.0
"""Of a rim and of the wall: an aorta is meshed no coarser than this."""


def boundary_loops(triangles: np.ndarray) -> list[np.ndarray]:
    """Vertices of each hole in order, anticlockwise seen from outside. Raises SurfaceError where two holes touch."""
    if not len(triangles):
        return []
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).astype(np.int64)
    key = edges.min(axis=1) * (int(edges.max()) + 1) + edges.max(axis=1)
    order = np.argsort(key)
    same = key[order][1:] == key[order][:-1]
    free = edges[order[~(np.r_[False, same] | np.r_[same, False])]]
    # A wall triangle passes a hole clockwise as the hole sees it from outside: the cap's edge runs the other way.
    follows = {int(b): int(a) for a, b in free}
    if len(follows) != len(free):
        raise SurfaceError("Two openings touch in one vertex. Move one of the cuts.")
    loops = []
    while follows:
        first, node = next(iter(follows.items()))
        del follows[first]
        loop = [first]
        while node != first:
            loop.append(node)
            node = follows.pop(node)
        loops.append(np.array(loop))
    return loops


def even_rim(loop: Loop, normal: np.ndarray, edge_mm: float) -> np.ndarray:
    """The loop as points (k, 3) at even steps of about ``edge_mm``, exactly in its plane, with the area unchanged.

    A polygon inside a curve has less area than the curve (5 % with 12 points); it is widened about its centroid.
    """
    axes = plane_axes(normal)
    flat = (loop.points_mm - loop.centroid_mm) @ axes.T
    closed = np.concatenate([flat, flat[:1]])
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))]
    count = max(FEWEST_RIM_POINTS, round(along[-1] / edge_mm))
    # The voxels' corners are no shape of the vessel: each point is the mean over one step of the curve.
    fine = np.linspace(0.0, along[-1], 8 * count, endpoint=False)
    dense = np.stack([np.interp(fine, along, closed[:, i]) for i in range(2)], axis=1)
    window = np.fft.rfft(np.r_[np.ones(5), np.zeros(8 * count - 9), np.ones(4)] / 9.0).real[:, None]
    even = np.fft.irfft(np.fft.rfft(dense, axis=0) * window, n=8 * count, axis=0)[::8]
    centre = polygon_centroid(even)
    scale = np.sqrt(loop.area_mm2 / abs(polygon_area(even)))
    return loop.centroid_mm + (centre + scale * (even - centre)) @ axes
