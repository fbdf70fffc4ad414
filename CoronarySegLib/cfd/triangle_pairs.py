"""Which triangles are close to each other, and which of those cut: all pairs of a surface at once.

Broad: triangles are entered into the cells of a grid their boxes touch. Narrow: signs of the volumes of tetrahedra
(Guigue, Devillers 2003 use the same predicate), where a volume within rounding error of zero counts as zero, that is as
touching.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..reconstruction.vectors import corners_of, cross, dot, every, length, some, unit
from .edges import edges_of

PAIRS_AT_ONCE = 2_000_000
FRONT = 0.1
"""Least cosine between a triangle's normal and that of its vertex at which the triangle's front is seen for certain."""
ROUNDING = 1e-11
"""Relative to the cube of the longest edge; double precision at a few hundred mm keeps 1e-13 of a 0.1 mm edge."""
FOLDED = 1.0 - np.cos(np.deg2rad(0.1))
"""Two neighbours that close to within 0.1 degree lie on each other; meshers refuse them."""


def close_pairs(points: np.ndarray, triangles: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs (k, 2), lower number first, whose boxes overlap; each pair once, some at a time."""
    a, b, c = corners_of(points, triangles).transpose(1, 0, 2)
    low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
    cell = max(float(np.percentile((high - low).max(1), 75)), 1e-9)
    origin = low.min(0)
    first = np.floor((low - origin) / cell).astype(np.int64)
    last = np.floor((high - origin) / cell).astype(np.int64)
    size = last - first + 1
    count = size.prod(1)
    triangle = np.repeat(np.arange(len(triangles)), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    width = size[triangle]
    steps = np.stack([offset // (width[:, 1] * width[:, 2]), offset // width[:, 2] % width[:, 1],
                      offset % width[:, 2]], axis=1)
    shape = last.max(0) + 1
    key = (first[triangle] + steps) @ np.array([shape[1] * shape[2], shape[2], 1])
    order = np.argsort(key, kind="stable")
    key, triangle = key[order], triangle[order]
    start = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    group = np.diff(np.r_[start, len(key)])
    # An entry is paired with all that follow it in its cell.
    follow = np.repeat(group, group) - 1 - (np.arange(len(key)) - np.repeat(start, group))
    total = np.cumsum(follow)
    begin = 0
    while begin < len(key):
        done = total[begin - 1] if begin else 0
        end = max(int(np.searchsorted(total, done + PAIRS_AT_ONCE, side="right")), begin + 1)
        further = follow[begin:end]
        entry = np.repeat(np.arange(begin, end), further)
        other = entry + 1 + np.arange(len(entry)) - np.repeat(np.cumsum(further) - further, further)
        a, b = triangle[entry], triangle[other]
        for axis in range(3):  # one after the other: each leaves a few for the next
            overlap = (low[a, axis] <= high[b, axis]) & (low[b, axis] <= high[a, axis])
            a, b, entry = a[overlap], b[overlap], entry[overlap]
        # Two triangles may meet in several cells; the cell where both have begun is only one of them.
        both = np.maximum(first[a], first[b]) @ np.array([shape[1] * shape[2], shape[2], 1])
        here = both == key[entry]
        yield np.sort(np.stack([a[here], b[here]], axis=1), axis=1)
        begin = end


def spread_out(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Vertices (n,) bool round which no two triangles can cut each other, known without a look at pairs.

    The fan goes once round, and seen along the vertex' normal all of its triangles show their front: then they lie side
    by side in that view. On a smooth wall that is nearly every vertex, and neighbours are nearly all close pairs.
    """
    corners = corners_of(points, triangles)
    normals = unit(cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    flat = triangles.ravel()
    upward = np.stack([np.bincount(flat, np.repeat(normals[:, k], 3), len(points)) for k in range(3)], axis=1)
    upward = unit(upward)
    sound = np.ones(len(points), bool)
    angle = np.empty((len(triangles), 3))
    for k in range(3):
        axis = upward.take(triangles[:, k], axis=0)
        sound[triangles[dot(normals, axis) < FRONT, k]] = False
        arms = [corners[:, (k + step) % 3] - corners[:, k] for step in (1, 2)]
        first, second = (unit(arm - dot(arm, axis)[:, None] * axis) for arm in arms)
        angle[:, k] = np.arccos(np.clip(dot(first, second), -1.0, 1.0))
    once = np.bincount(flat, angle.ravel(), len(points)) < 3.0 * np.pi
    edges = edges_of(triangles, len(points))
    open_ends = np.zeros(len(points), bool)
    open_ends[edges.ends[edges.count != 2].ravel()] = True
    return sound & once & ~open_ends


def cutting(
    points: np.ndarray, triangles: np.ndarray, pairs: np.ndarray, spread: np.ndarray | None = None
) -> np.ndarray:
    """True for pairs (k, 2) of triangles that cut or touch in more than what they share (k,).

    ``spread`` (n,) as :func:`spread_out` has it saves the look at pairs that share such a vertex.
    """
    result = np.zeros(len(pairs), bool)
    first, second = (triangles.take(side, axis=0) for side in pairs.T)
    same = first[:, :, None] == second[:, None, :]
    of_first = np.logical_or.reduce([same[:, :, k] for k in range(3)])
    shared = np.add.reduce(list(of_first.T), dtype=np.int8)
    result[shared == 3] = True
    if spread is not None:
        shared[some(of_first & spread[first]) & (shared < 3)] = -1
    for number, test in ((0, _apart_cut), (1, _at_a_corner_cut), (2, _at_an_edge_cut)):
        rows = np.flatnonzero(shared == number)
        if len(rows):
            a, b = _shared_first(triangles, pairs[rows], same[rows])
            result[rows] = test(corners_of(points, a), corners_of(points, b))
    return result


def _shared_first(triangles, pairs, same) -> tuple[np.ndarray, np.ndarray]:
    """Both triangles of each pair with the shared vertices in front, in the same order."""
    first, second = triangles[pairs[:, 0]], triangles[pairs[:, 1]]
    order_a = np.argsort(~same.any(2), axis=1, kind="stable")
    first = np.take_along_axis(first, order_a, axis=1)
    # Position of each vertex of ``first`` in ``second``; 3 for those that are not there.
    match = np.where((first[:, :, None] == second[:, None, :]).any(2),
                     np.argmax(first[:, :, None] == second[:, None, :], axis=2), 3)
    rank = np.full(second.shape, 3)
    for k in range(3):
        here = match[:, k] < 3
        rank[np.flatnonzero(here), match[here, k]] = k
    return first, np.take_along_axis(second, np.argsort(rank, axis=1, kind="stable"), axis=1)


def _apart_cut(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """No vertex shared: an edge of one passes through the other, or both lie in a plane and overlap."""
    limit = _limit(a, b)
    of_b = _signs(np.stack([_volume(a[:, 0], a[:, 1], a[:, 2], b[:, k]) for k in range(3)], 1), limit)
    of_a = _signs(np.stack([_volume(b[:, 0], b[:, 1], b[:, 2], a[:, k]) for k in range(3)], 1), limit)
    result = np.zeros(len(a), bool)
    flat = every(of_a == 0) | every(of_b == 0)
    possible = np.flatnonzero(~(_one_side(of_a) | _one_side(of_b)) & ~flat)
    for one, other, side in ((a, b, of_a), (b, a, of_b)):
        for k in range(3):
            rows = possible[~result[possible]]
            j = (k + 1) % 3
            result[rows] |= _segment_cuts(
                one[rows, k], one[rows, j], other[rows], side[rows, k], side[rows, j], limit[rows]
            )
    rows = np.flatnonzero(flat)
    result[rows] = _overlap_in_plane(a[rows], b[rows])
    return result


def _at_a_corner_cut(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The first vertex is shared: the edge of one against it reaches the other."""
    limit = _limit(a, b)
    of_b = _signs(np.stack([_volume(a[:, 0], a[:, 1], a[:, 2], b[:, k]) for k in (1, 2)], 1), limit)
    of_a = _signs(np.stack([_volume(b[:, 0], b[:, 1], b[:, 2], a[:, k]) for k in (1, 2)], 1), limit)
    result = np.zeros(len(a), bool)
    flat = every(of_a == 0) | every(of_b == 0)
    rows = np.flatnonzero(~(_one_side(of_a) | _one_side(of_b)) & ~flat)
    result[rows] = _segment_cuts(a[rows, 1], a[rows, 2], b[rows], of_a[rows, 0], of_a[rows, 1], limit[rows])
    result[rows] |= _segment_cuts(b[rows, 1], b[rows, 2], a[rows], of_b[rows, 0], of_b[rows, 1], limit[rows])
    rows = np.flatnonzero(flat)
    result[rows] = _sectors_overlap(a[rows], b[rows])
    return result


def _at_an_edge_cut(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The first two vertices are shared: cut when the third ones lie on the same side, folded onto each other."""
    along = unit(a[:, 1] - a[:, 0])
    first, second = a[:, 2] - a[:, 0], b[:, 2] - a[:, 0]
    first, second = (v - dot(v, along)[:, None] * along for v in (first, second))
    return dot(unit(first), unit(second)) > 1.0 - FOLDED


def _segment_cuts(p, q, triangle, sign_p, sign_q, limit) -> np.ndarray:
    """True where the segment p-q meets the triangle, given on which side of its plane its ends lie."""
    sides = _signs(np.stack(
        [_volume(p, q, triangle[:, k], triangle[:, (k + 1) % 3]) for k in range(3)], axis=1
    ), limit)
    through = (sign_p * sign_q <= 0) & ((sign_p != 0) | (sign_q != 0))
    return through & (every(sides >= 0) | every(sides <= 0))


def _overlap_in_plane(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Triangles in one plane: True where no edge of either separates them."""
    if not len(a):
        return np.zeros(0, bool)
    a, b = _in_plane(a, b)
    separate = np.zeros(len(a), bool)
    for one, other in ((a, b), (b, a)):
        for k in range(3):
            p, q = one[:, k], one[:, (k + 1) % 3]
            own = _area(p, q, one[:, (k + 2) % 3])
            theirs = np.stack([_area(p, q, other[:, j]) for j in range(3)], axis=1)
            limit = ROUNDING * np.abs(own)
            separate |= every(theirs * np.sign(own)[:, None] < -limit[:, None])
    return ~separate


def _sectors_overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Triangles in one plane with the first vertex shared: True where their angles at it meet."""
    if not len(a):
        return np.zeros(0, bool)
    a, b = _in_plane(a, b)
    result = np.zeros(len(a), bool)
    for one, other in ((a, b), (b, a)):
        turn = np.sign(_area(one[:, 0], one[:, 1], one[:, 2]))
        # The other's edges, and the line halving its angle, inside of this one's angle or on its edge.
        half = other[:, 0] + unit(other[:, 1] - other[:, 0]) + unit(other[:, 2] - other[:, 0])
        for point in (other[:, 1], other[:, 2], half):
            scale = np.linalg.norm(point - one[:, 0], axis=1) * np.linalg.norm(one[:, 1] - one[:, 0], axis=1)
            left = turn * _area(one[:, 0], one[:, 1], point) > -1e-9 * scale
            scale = np.linalg.norm(point - one[:, 0], axis=1) * np.linalg.norm(one[:, 2] - one[:, 0], axis=1)
            right = turn * _area(one[:, 0], point, one[:, 2]) > -1e-9 * scale
            result |= left & right
    return result


def _in_plane(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two of the three coordinates of coplanar triangles, those that keep most of the larger one's area."""
    normals = [np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]) for t in (a, b)]
    larger = (normals[0] ** 2).sum(1) >= (normals[1] ** 2).sum(1)
    drop = np.argmax(np.abs(np.where(larger[:, None], *normals)), axis=1)
    keep = np.array([[1, 2], [0, 2], [0, 1]])[drop]
    return tuple(np.take_along_axis(t, np.repeat(keep[:, None], 3, axis=1), axis=2) for t in (a, b))


def _area(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
    return (q[:, 0] - p[:, 0]) * (r[:, 1] - p[:, 1]) - (q[:, 1] - p[:, 1]) * (r[:, 0] - p[:, 0])


def _volume(p: np.ndarray, q: np.ndarray, r: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Six times the signed volume of tetrahedra (n,)."""
    u, v, w = q - p, r - p, s - p
    return (
        u[:, 0] * (v[:, 1] * w[:, 2] - v[:, 2] * w[:, 1]) - u[:, 1] * (v[:, 0] * w[:, 2] - v[:, 2] * w[:, 0])
        + u[:, 2] * (v[:, 0] * w[:, 1] - v[:, 1] * w[:, 0])
    )


def _limit(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    longest = np.maximum.reduce([length(t[:, k] - t[:, k - 1]) for t in (a, b) for k in range(3)])
    return ROUNDING * longest**3


def _signs(values: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """-1, 0 or 1; 0 within the rounding error (n, k)."""
    return np.where(np.abs(values) <= limit[:, None], 0, np.sign(values)).astype(np.int8)


def _one_side(signs: np.ndarray) -> np.ndarray:
    return every(signs > 0) | every(signs < 0)
