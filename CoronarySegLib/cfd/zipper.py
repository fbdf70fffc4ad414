"""Two rings sewn together with triangles: a hole with the even rim that replaces it."""

from __future__ import annotations

import numpy as np


def zipped(points: np.ndarray, inner: np.ndarray, outer: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Triangles (k, 3) between the closed rings ``inner`` and ``outer`` of vertex numbers.

    Both run anticlockwise seen against ``normal``, ``outer`` lies further along it; the triangles' normals point away
    from the rings' middle. At each step the shorter of the two possible edges is taken.
    """
    first, second = points[inner], points[outer]
    start = _nearest(first[0], second)
    outer, second = np.roll(outer, -start), np.roll(second, -start, axis=0)
    share_inner, share_outer = _share(first, normal), _share(second, normal)
    i = j = 0
    made = []
    while i < len(inner) or j < len(outer):
        a, b = inner[i % len(inner)], outer[j % len(outer)]
        a_next, b_next = inner[(i + 1) % len(inner)], outer[(j + 1) % len(outer)]
        if i == len(inner):
            on_inner = False
        elif j == len(outer):
            on_inner = True
        else:
            ahead = share_inner[i + 1] - share_outer[j + 1]
            by_length = np.linalg.norm(points[a_next] - points[b]) <= np.linalg.norm(points[b_next] - points[a])
            # Lengths decide as long as both rings have come equally far round; a lobed ring must not run ahead.
            on_inner = by_length if abs(ahead) < 1.5 / min(len(inner), len(outer)) else ahead < 0
        if on_inner:
            made.append((a, a_next, b))
            i += 1
        else:
            made.append((a, b_next, b))
            j += 1
    return np.array(made, np.int64)


def _nearest(place: np.ndarray, ring: np.ndarray) -> int:
    return int(np.argmin(np.linalg.norm(ring - place, axis=1)))


def _share(ring: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Share of the way round (k + 1,), 0 at the first point, 1 back there."""
    flat = ring - (ring @ normal)[:, None] * normal
    steps = np.linalg.norm(np.diff(np.concatenate([flat, flat[:1]]), axis=0), axis=1)
    along = np.r_[0.0, np.cumsum(steps)]
    return along / along[-1]
