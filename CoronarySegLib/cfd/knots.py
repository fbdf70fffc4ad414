"""Knots of a wall cut out and covered anew.

Where a spike of the mask was smaller than an edge, remeshing leaves needles and triangles folded over each other: no
collapse undoes them without turning one over. They are cut out with what is round them, and the hole gets new triangles
like those of a lid.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ..errors import SurfaceError
from .edges import triangles_at
from .lids import lid
from .rims import boundary_loops
from .shape_quality import misshapen

LARGEST_ASPECT = 6.0
"""Circumradius over twice the inradius; more is a needle."""
LARGEST_TURN_DEG = 120.0
"""Between the normals of neighbours; the crotch of two vessels turns by less."""
RINGS = (1, 2, 3, 4)
"""How much round a knot goes with it: the least that leaves a hole which a lid closes."""
LARGEST_HOLE = 80
"""Corners of a hole; a larger one is no knot."""


def without_knots(
    points_mm: np.ndarray, triangles: np.ndarray, fixed_count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (k, 3), triangles (l, 3) and the vertex (k,) that each point was, -1 for new ones.

    The first ``fixed_count`` points stay, and so do edges between two of them. The topology stays, too: a knot is a
    disc, and so is what covers its hole.
    """
    knots = _knots(points_mm, triangles, fixed_count)
    points, origin = points_mm, np.arange(len(points_mm))
    for knot in knots:
        covered = _covered(points, triangles, knot, fixed_count)
        if covered is not None:
            new, triangles = covered
            points = np.concatenate([points, new])
            origin = np.r_[origin, np.full(len(new), -1)]
    used = np.zeros(len(points), bool)
    used[triangles] = True
    used[:fixed_count] = True
    number = np.cumsum(used) - 1
    return points[used], number[triangles], origin[used]


def _knots(points: np.ndarray, triangles: np.ndarray, fixed_count: int) -> list[np.ndarray]:
    """Vertices of triangles that are needles or turned over, in groups that hang together."""
    rows = triangles[misshapen(points, triangles, LARGEST_ASPECT, LARGEST_TURN_DEG)]
    if not len(rows):
        return []
    starts, stops = rows.ravel(), np.roll(rows, -1, axis=1).ravel()
    joined = sparse.coo_array((np.ones(len(starts)), (starts, stops)), shape=(len(points),) * 2)
    _, group = connected_components(joined, directed=False)
    vertices = np.unique(rows)
    vertices = vertices[vertices >= fixed_count]
    return [vertices[group[vertices] == number] for number in np.unique(group[vertices])]


def _covered(
    points: np.ndarray, triangles: np.ndarray, knot: np.ndarray, fixed_count: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """New points and all triangles with ``knot`` cut out and covered, or None when no lid fits its hole."""
    start, of = triangles_at(triangles, len(points))
    # Some of it may have gone with a knot beside it.
    core = knot[np.diff(start)[knot] > 0]
    for ring in RINGS if len(core) else ():
        rows = np.unique(np.concatenate([of[start[v] : start[v + 1]] for v in core]))
        if ring > 1:
            core = np.unique(triangles[rows])
            core = core[core >= fixed_count]
            rows = np.unique(np.concatenate([of[start[v] : start[v + 1]] for v in core]))
        rim = _rim_of_disc(triangles[rows], core)
        if rim is None or _holds_a_feature(triangles[rows], fixed_count):
            continue
        if len(rim) > LARGEST_HOLE:
            return None
        around = points[rim] - points[rim].mean(0)
        normal = np.cross(around, np.roll(around, -1, axis=0)).sum(0)
        length = float(np.linalg.norm(normal))
        if length == 0.0:
            continue
        inside, cover = lid(points[rim], normal / length)
        if cover is None:
            continue
        number = np.r_[rim, len(points) + np.arange(len(inside))]
        kept = np.delete(triangles, rows, axis=0)
        if not _joins_twice(kept, rim, cover):
            return inside, np.concatenate([kept, number[cover]])
    return None


def _rim_of_disc(patch: np.ndarray, core: np.ndarray) -> np.ndarray | None:
    """Vertices round a ``patch`` of triangles, in their direction; None unless it is a disc with ``core`` inside."""
    try:
        loops = boundary_loops(patch)
    except SurfaceError:
        return None
    vertices, edges = len(np.unique(patch)), (3 * len(patch) + sum(map(len, loops))) // 2
    if len(loops) != 1 or vertices - edges + len(patch) != 1 or len(loops[0]) + len(core) != vertices:
        return None
    return loops[0][::-1]


def _holds_a_feature(patch: np.ndarray, fixed_count: int) -> bool:
    """Whether an edge between two fixed vertices runs through the patch: such edges stay as they are."""
    pairs = np.sort(np.concatenate([patch[:, [0, 1]], patch[:, [1, 2]], patch[:, [2, 0]]]), axis=1)
    pairs = pairs[pairs[:, 1] < fixed_count]
    return len(np.unique(pairs, axis=0)) < len(pairs)


def _joins_twice(kept: np.ndarray, rim: np.ndarray, cover: np.ndarray) -> bool:
    """Whether an edge of the lid across its rim is there already, outside."""
    pairs = np.concatenate([cover[:, [0, 1]], cover[:, [1, 2]], cover[:, [2, 0]]])
    across = np.abs(pairs[:, 0] - pairs[:, 1])
    chords = pairs[(pairs < len(rim)).all(1) & (across > 1) & (across < len(rim) - 1)]
    near = kept[np.isin(kept, rim).sum(1) >= 2]
    there = {tuple(sorted(edge)) for t in near.tolist() for edge in ((t[0], t[1]), (t[1], t[2]), (t[2], t[0]))}
    return any(tuple(sorted((int(rim[a]), int(rim[b])))) in there for a, b in chords.tolist())
