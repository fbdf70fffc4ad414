"""Branches that touch each other close a loop in the mask. It is opened where it is weakest.

The tree of shortest ways has no loop, but it cuts one where two ways of equal length meet, which may be the middle of a
vessel: its distal half would hang on its neighbour. So the places where ways meet are looked up, the loop through each
is followed, and the mask is parted across its narrowest or least probable place before the ways are searched again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow
from scipy.spatial import cKDTree

from .nodes import NodeTree
from .options import CentrelineOptions
from .tracing import Traced, trace
from .voxel_graph import VoxelGraph

MOST_LOOPS = 200
"""Each loop costs a search of all ways; a mask with more loops than this is a sponge and is not opened to the end."""
SHRED = 12
"""Voxels: a smallest cut may leave as many hanging loose, and no vessel's way is lost with them."""
FLANK_MM = (1.5, 5.0)
"""Where the vessel on either side of a narrow place is looked at, to tell how narrow it is."""
LARGER_CUT = 1.6
"""A cut between two vessels may be this many times larger than one through the thinner of them; where a branch merely
ends at another, it would be twice as large at least."""
MOST_PUSHES = 12
TURN_MM = 3.0
"""Over this way to either side the chord is compared with the course, to tell a sideways crossing."""
DETOUR = 2.0
"""Ways that meet have closed a loop when the way round is this many times longer than the radii there, plus
``DETOUR_MM``; less is the crotch of a bifurcation."""
DETOUR_MM = 6.0


@dataclass(frozen=True)
class OpenedLoop:
    """Where a loop was opened, LPS mm, and how wide the mask was there."""

    place_lps_mm: np.ndarray
    radius_mm: float


def trace_without_loops(
    graph: VoxelGraph, root: int, options: CentrelineOptions
) -> tuple[Traced, VoxelGraph, tuple[OpenedLoop, ...], tuple[np.ndarray, ...]]:
    """Paths of a tree whose loops are opened, the parted graph, where that was, and places (3,) of loops that stay."""
    opened: list[OpenedLoop] = []
    stay: list[np.ndarray] = []
    traced = trace(graph, root, options)
    while True:
        loops = [loop for loop in _loops(graph, traced) if not _is_near(loop.meeting_lps_mm, stay, graph.voxel_mm)]
        if not loops:
            break
        if len(opened) >= MOST_LOOPS:
            stay += [loop.meeting_lps_mm for loop in loops]
            break
        loop = min(loops, key=lambda loop: len(loop.voxels))
        place, ahead, behind, radius = weakest_place(graph, loop.voxels, (loop.parting,))
        cut = _keeping_whole(graph, weakest_cut(graph, place, ahead, behind), place)
        if not cut.any():
            stay.append(loop.meeting_lps_mm)
            continue
        graph = graph.without_edges(cut)
        opened.append(OpenedLoop(place, radius))
        traced = trace(graph, root, options)
    return traced, graph, tuple(opened), tuple(stay)


def weakest_cut(graph: VoxelGraph, place: np.ndarray, ahead: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """Edges (m,) bool of the smallest cut near ``place`` that parts the voxels ``ahead`` from those ``behind``.

    Where two vessels cross, the smallest cut may go through one of them, just before the contact, and leave it a blind
    end while the other has three ways on. The blind one is then pushed forward, as long as the cut between the two
    vessels is not much larger.
    """
    away = np.linalg.norm(graph.points_lps_mm - place, axis=1)
    inside = away <= away[np.concatenate([ahead, behind])].max() + graph.voxel_mm
    number = np.where(inside, np.cumsum(inside) - 1, -1)
    here = np.flatnonzero(inside[graph.edges].all(axis=1))
    edges = number[graph.edges[here]]
    rim = away[inside] > away[inside].max() - 1.5 * graph.voxel_mm
    capacity = graph.belief[graph.edges[here]].min(axis=1) / graph.length_mm[here]
    seeds = [number[ahead], number[behind]]
    chosen, limit = None, np.inf
    for _ in range(MOST_PUSHES):
        side = _smallest_cut(edges, capacity, *seeds, int(inside.sum()))
        cut = side[edges[:, 0]] != side[edges[:, 1]]
        size = float(capacity[cut].sum())
        if size > limit:
            break
        exits = [_pieces(edges, rim & (side == s)) for s in (True, False)]
        if chosen is None or min(exits) >= 2:
            chosen = cut
        limit = min(limit, LARGER_CUT * size)
        if min(exits) >= 2 or max(exits) < 3:
            break
        blind = int(np.argmin(exits))
        beyond = np.setdiff1d(edges[cut][side[edges[cut]] == (blind == 1)], seeds[1 - blind])
        if not len(beyond):
            break
        seeds[blind] = np.union1d(seeds[blind], beyond)
    result = np.zeros(len(graph.edges), bool)
    result[here] = chosen
    return result


def _keeping_whole(graph: VoxelGraph, cut: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The cut (m,) bool, or the part of it next to ``place`` where the whole would part the tree itself: both sides of
    a small loop may lie in the region that was cut. Empty where that part does, too."""
    if not cut.any() or not _parts_the_tree(graph, cut):
        return cut
    numbers = np.flatnonzero(cut)
    middle = graph.points_lps_mm[graph.edges[numbers]].mean(axis=1)
    touching = cKDTree(middle).query_pairs(1.1 * graph.voxel_mm, output_type="ndarray")
    matrix = coo_array((np.ones(len(touching)), tuple(touching.T)), shape=(len(numbers),) * 2)
    _, part = connected_components(matrix, directed=False)
    nearest = part[np.argmin(np.linalg.norm(middle - place, axis=1))]
    cut = np.zeros(len(cut), bool)
    cut[numbers[part == nearest]] = True
    return np.zeros(len(cut), bool) if _parts_the_tree(graph, cut) else cut


def _parts_the_tree(graph: VoxelGraph, cut: np.ndarray) -> bool:
    """Whether more than a shred of the largest piece is no longer joined to it."""
    before = np.bincount(graph.components())[0]
    return before - np.bincount(graph.without_edges(cut).components())[0] > SHRED


def _smallest_cut(edges: np.ndarray, capacity: np.ndarray, source: np.ndarray, sink: np.ndarray, count: int):
    """Which of ``count`` voxels (count,) bool stay with ``source`` when the least capacity is cut between it and
    ``sink``: those the greatest flow leaves reachable (Ford and Fulkerson 1956)."""
    whole = np.maximum(np.rint(1000.0 * capacity / capacity.max()), 1).astype(np.int32)
    rows = np.r_[edges[:, 0], edges[:, 1], np.full(len(source), count), sink]
    columns = np.r_[edges[:, 1], edges[:, 0], source, np.full(len(sink), count + 1)]
    endless = np.full(len(source) + len(sink), 10**8, np.int32)
    network = csr_array((np.r_[whole, whole, endless], (rows, columns)), shape=(count + 2,) * 2)
    left = network - maximum_flow(network, count, count + 1).flow
    left.data[left.data <= 0] = 0
    left.eliminate_zeros()
    reached = np.zeros(count + 2, bool)
    reached[breadth_first_order(left, count, directed=True, return_predecessors=False)] = True
    return reached[:count]


def _pieces(edges: np.ndarray, chosen: np.ndarray) -> int:
    """How many connected pieces the chosen voxels form."""
    inner = edges[chosen[edges].all(axis=1)]
    matrix = coo_array((np.ones(len(inner)), tuple(inner.T)), shape=(len(chosen),) * 2)
    return len(np.unique(connected_components(matrix, directed=False)[1][chosen]))


def meeting_edges(graph: VoxelGraph, traced: Traced) -> np.ndarray:
    """Edges (k,) of the graph across which ways meet that come from far apart, the deepest of each place."""
    node = _entry_node(traced, len(graph))
    ends = node[graph.edges]
    across = np.flatnonzero((ends[:, 0] != ends[:, 1]) & (ends >= 0).all(axis=1))
    pairs, inverse = np.unique(np.sort(ends[across], axis=1), axis=0, return_inverse=True)
    detour = _way_between(traced.nodes, pairs)
    radius = traced.nodes.radius_mm[pairs].sum(axis=1)
    detour, limit = detour[inverse.ravel()], (DETOUR * radius + DETOUR_MM)[inverse.ravel()]
    # Voxels of one wall of meeting belong together; a wall that begins in a crotch is that of a bifurcation.
    wall = np.flatnonzero(detour > 0.5 * limit)
    if not len(wall):
        return wall
    middle = graph.points_lps_mm[graph.edges[across[wall]]].mean(axis=1)
    touching = cKDTree(middle).query_pairs(1.8 * graph.voxel_mm, output_type="ndarray")
    matrix = coo_array((np.ones(len(touching)), tuple(touching.T)), shape=(len(wall),) * 2)
    count, group = connected_components(matrix, directed=False)
    depth = graph.depth_mm[graph.edges[across[wall]]].min(axis=1)
    found = []
    for number in range(count):
        members = np.flatnonzero(group == number)
        if (detour[wall[members]] > limit[wall[members]]).all():
            found.append(across[wall[members[np.argmax(depth[members])]]])
    return np.array(found, int)


@dataclass(frozen=True)
class _Loop:
    """``voxels`` of a loop in order (the last and the first one touch), which of them is the bifurcation where its two
    sides part, and the place LPS mm (3,) where they meet again."""

    voxels: np.ndarray
    parting: int
    meeting_lps_mm: np.ndarray


def _loops(graph: VoxelGraph, traced: Traced) -> list[_Loop]:
    found = []
    for edge in meeting_edges(graph, traced):
        ways = [_way_back(traced.before, int(v)) for v in graph.edges[edge]]
        shared = set(ways[1])
        parting = next(i for i, v in enumerate(ways[0]) if v in shared)
        second = ways[1][: ways[1].index(ways[0][parting])]
        loop = np.array(ways[0][: parting + 1] + second[::-1])
        found.append(_Loop(loop, parting, graph.points_lps_mm[graph.edges[edge]].mean(axis=0)))
    return found


def _is_near(place: np.ndarray, others: list[np.ndarray], reach_mm: float) -> bool:
    return any(float(np.linalg.norm(place - other)) <= reach_mm for other in others)


def weakest_place(
    graph: VoxelGraph, loop: np.ndarray, not_near: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Of a loop of voxels the weakest place (3,), the voxels of the loop ahead of and behind it, and its radius.

    Weak is what is narrow or improbable against the vessel on both sides, and where the course turns sharply: vessels
    that touch are crossed sideways. The bifurcation at which the loop begins turns as well and is left out, as are
    other places of the loop in ``not_near``.
    """
    points, depth = graph.points_lps_mm[loop], graph.depth_mm[loop]
    worth = depth * graph.belief[loop]
    step = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    arc, whole = np.r_[0.0, np.cumsum(step[:-1])], float(step.sum())
    ahead = (arc[None, :] - arc[:, None]) % whole
    behind = whole - ahead
    near, far = FLANK_MM[0], min(FLANK_MM[1], 0.3 * whole)
    flanks = [(d >= near) & (d <= far) for d in (ahead, behind)]
    width = np.minimum(*(np.where(flank, worth[None, :], 0.0).max(axis=1) for flank in flanks))
    ends = [np.abs(d - TURN_MM).argmin(axis=1) for d in (ahead, behind)]
    straight = np.linalg.norm(points[ends[0]] - points[ends[1]], axis=1) / (2.0 * TURN_MM)
    score = worth / np.maximum(width, 1e-6) * np.clip(straight, 0.2, 1.0)
    excluded = np.zeros(len(loop), bool)
    for place in not_near:
        excluded |= np.minimum(ahead[place], behind[place]) < min(2.0 * depth[place] + 1.0, 0.25 * whole)
    weakest = int(np.argmin(np.where(excluded, np.inf, score)))
    sides = [loop[flank[weakest]] for flank in flanks]
    return points[weakest], sides[0], sides[1], float(depth[weakest])


def _entry_node(traced: Traced, count: int) -> np.ndarray:
    """Node at which the way of each voxel reaches the paths (n,), -1 where there is no way."""
    node = np.full(count, -1)
    node[traced.voxel] = np.arange(len(traced.voxel))
    jump = np.where(node >= 0, np.arange(count), traced.before)
    while True:
        farther = jump[jump]
        if np.array_equal(farther, jump):
            return node[jump]
        jump = farther


def _way_between(nodes: NodeTree, pairs: np.ndarray) -> np.ndarray:
    """Way along the tree between two nodes (k,) for pairs (k, 2), by binary lifting."""
    level = np.zeros(len(nodes), int)
    for i in range(1, len(nodes)):
        level[i] = level[nodes.parent[i]] + 1
    up = [np.maximum(nodes.parent, 0)]
    while 2 ** len(up) <= level.max():
        up.append(up[-1][up[-1]])
    a, b = pairs[:, 0].copy(), pairs[:, 1].copy()
    for k in reversed(range(len(up))):
        a = np.where(level[a] - level[b] >= 2**k, up[k][a], a)
        b = np.where(level[b] - level[a] >= 2**k, up[k][b], b)
    for k in reversed(range(len(up))):
        apart = up[k][a] != up[k][b]
        a, b = np.where(apart, up[k][a], a), np.where(apart, up[k][b], b)
    shared = np.where(a == b, a, up[0][a])
    return nodes.arc_mm[pairs].sum(axis=1) - 2.0 * nodes.arc_mm[shared]


def _way_back(before: np.ndarray, voxel: int) -> list[int]:
    way = [voxel]
    while before[way[-1]] != way[-1]:
        way.append(int(before[way[-1]]))
    return way
