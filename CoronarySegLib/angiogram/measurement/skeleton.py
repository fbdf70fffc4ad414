"""The skeleton of a mask as trees of points, each rooted at its widest free end.

A projection has no depth: where two vessels cross, the skeleton joins them, and a loop may close. Ways from the root
that keep to wide vessels open it where two ways meet.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from skimage.morphology import skeletonize

from ...centreline.nodes import NodeTree

LEAST_LENGTH = 0.04
"""Of the picture's side: a shorter piece has no course to measure."""
SPUR_RADII = 1.6
"""A side branch no longer than this many radii of what it leaves is a bump of its wall."""
SPUR_PX = 6.0
CALIBRE_PX = (4.0, 24.0)
"""The stretch behind a free end over which its calibre is taken."""


def vessel_trees(mask: np.ndarray) -> tuple[NodeTree, ...]:
    """One tree of points for each piece of the mask (y, x), the longest first; lengths in pixels.

    Points are (x, y, 0), so that what is written for space serves the plane. Empty when nothing is long enough.
    """
    skeleton = skeletonize(mask)
    places = np.argwhere(skeleton)
    if len(places) < 2:
        return ()
    depth = ndimage.distance_transform_edt(mask)[skeleton] - 0.5
    edges, length = _edges(skeleton, len(places))
    weight = length / np.maximum(0.5 * (depth[edges[:, 0]] + depth[edges[:, 1]]), 0.5) ** 2
    count = len(places)
    costs = coo_array((weight, tuple(edges.T)), shape=(count, count)).tocsr()
    lengths = coo_array((length, tuple(edges.T)), shape=(count, count)).tocsr()
    _, part = connected_components(costs, directed=False)
    trees = []
    for number in range(part.max() + 1):
        members = np.flatnonzero(part == number)
        if len(members) < LEAST_LENGTH * max(mask.shape):
            continue
        root = _root(members, lengths, depth, edges)
        trees.append(_tree(places, depth, costs, root))
    trees = [_without_spurs(tree) for tree in trees]
    long_enough = [t for t in trees if t.step_mm.sum() >= LEAST_LENGTH * max(mask.shape)]
    return tuple(sorted(long_enough, key=lambda tree: -float(tree.step_mm.sum())))


def _edges(skeleton: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of touching skeleton pixels (m, 2) and their distance (m,). A diagonal is left out where two straight steps
    do the same, so that a corner is no triangle."""
    number = np.full(np.add(skeleton.shape, 2), -1)
    number[1:-1, 1:-1][skeleton] = np.arange(count)
    here = number[1:-1, 1:-1]
    pairs, lengths = [], []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other = number[1 + dy : number.shape[0] - 1 + dy, 1 + dx : number.shape[1] - 1 + dx]
        touching = (here >= 0) & (other >= 0)
        if dy and dx:
            below = number[2:, 1:-1]
            beside = number[1:-1, 1 + dx : number.shape[1] - 1 + dx]
            touching &= (below < 0) & (beside < 0)
        pairs.append(np.stack([here[touching], other[touching]], axis=1))
        lengths.append(np.full(len(pairs[-1]), np.hypot(dy, dx)))
    return np.concatenate(pairs), np.concatenate(lengths)


def _root(members: np.ndarray, lengths, depth: np.ndarray, edges: np.ndarray) -> int:
    """The free end with the widest vessel behind it; of a ring any pixel."""
    degree = np.bincount(edges.ravel(), minlength=len(depth))
    ends = members[degree[members] == 1]
    if not len(ends):
        return int(members[np.argmax(depth[members])])
    away = dijkstra(lengths, directed=False, indices=ends, limit=CALIBRE_PX[1])
    behind = (away >= CALIBRE_PX[0]) & np.isfinite(away)
    calibre = [float(np.median(depth[row])) if row.any() else 0.0 for row in behind]
    return int(ends[np.argmax(calibre)])


def _tree(places: np.ndarray, depth: np.ndarray, costs, root: int) -> NodeTree:
    total, before = dijkstra(costs, directed=False, indices=root, return_predecessors=True)
    order = np.argsort(total, kind="stable")
    order = order[np.isfinite(total[order])]
    number = np.full(len(places), -1)
    number[order] = np.arange(len(order))
    parent = np.where(before[order] >= 0, number[np.maximum(before[order], 0)], -1)
    points = np.c_[places[order][:, ::-1].astype(float), np.zeros(len(order))]
    return NodeTree(points, parent, np.maximum(depth[order], 0.5))


def _without_spurs(tree: NodeTree) -> NodeTree:
    """Without side branches that are bumps of a wall; the shortest goes first, for what is left may be one vessel."""
    while True:
        shortest, at = np.inf, None
        for run in tree.branches():
            if tree.child_count[run[-1]] or tree.parent[run[0]] < 0:
                continue
            length = float(tree.arc_mm[run[-1]] - tree.arc_mm[run[0]])
            if length < max(SPUR_PX, SPUR_RADII * tree.radius_mm[run[0]]) and length < shortest:
                shortest, at = length, run
        if at is None:
            return tree
        keep = np.ones(len(tree), bool)
        keep[at[1:]] = False
        tree = tree.keeping(keep)
