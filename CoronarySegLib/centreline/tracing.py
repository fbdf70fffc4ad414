"""From the voxels of a vessel tree to its paths: root, branches, no bumps.

From the ostium outwards, the way to the farthest voxel that no path passes yet becomes the next branch, if it stands
far enough out of the lumen round the paths that are there (after Sato et al. 2000, TEASAR).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .ends import without_stubs
from .nodes import NodeTree
from .options import CentrelineOptions
from .voxel_graph import VoxelGraph

COVER = 1.5
"""A path passes the voxels within this many radii, plus one voxel: sections are not round and paths not yet centred."""
END_CALIBRE_MM = (1.5, 8.0)
"""Stretch behind a free end over which its calibre is taken."""
TWIG_SHARE, TWIG = 0.4, 0.7
"""An end whose own branch has less than that share of the calibre behind it is a twig of a trunk more likely than an
ostium, and counts as so much thinner."""
HIGHER = 0.01
"""An end 10 mm higher than another counts as 10 % thicker: ostia lie high, and a wide distal end may lie low."""


@dataclass(frozen=True)
class Traced:
    """Paths through a graph: ``nodes`` with the ``voxel`` of each (n,), and the voxel ``before`` each voxel of the
    graph on its way to the ostium."""

    nodes: NodeTree
    voxel: np.ndarray
    before: np.ndarray


def trace(graph: VoxelGraph, root: int, options: CentrelineOptions) -> Traced:
    """All branches of a connected graph from voxel ``root`` on."""
    _, before = graph.nearest_ways(root, graph.cost)
    far, _ = graph.nearest_ways(root, graph.length_mm)
    places = cKDTree(graph.points_lps_mm)
    reach = COVER * graph.depth_mm + graph.voxel_mm
    number = np.full(len(graph), -1)
    number[root] = 0
    voxel, parent = [root], [-1]
    passed = np.zeros(len(graph), bool)
    for tip in np.argsort(-far, kind="stable"):
        if passed[tip] or not np.isfinite(far[tip]):
            continue
        path = [int(tip)]
        while number[path[-1]] < 0:
            path.append(int(before[path[-1]]))
        accepted = len(voxel) == 1 or _stands_out(graph, path, np.array(voxel), options)
        for near in places.query_ball_point(graph.points_lps_mm[path], reach[path]):
            passed[near] = True
        if not accepted:
            continue
        # A tree begins with one vessel: what would leave the root itself leaves the point after it.
        above = number[path[-1]] if len(voxel) == 1 else max(number[path[-1]], 1)
        for v in reversed(path[:-1]):
            number[v] = len(voxel)
            parent.append(int(above))
            voxel.append(v)
            above = number[v]
    voxels = np.array(voxel)
    return Traced(NodeTree(graph.points_lps_mm[voxels], np.array(parent), graph.depth_mm[voxels]), voxels, before)


def find_root(graph: VoxelGraph, options: CentrelineOptions) -> int:
    """Voxel of the free end that looks most like an ostium: the thickest, and of similar ones the highest."""
    start = int(np.argmax(graph.depth_mm))
    far, _ = graph.nearest_ways(start, graph.length_mm)
    first_end = int(np.argmax(np.where(np.isfinite(far), far, -1.0)))
    # A few millimetres behind a bump of the trunk lies the trunk: it would be as thick as an ostium.
    nodes = without_stubs(trace(graph, first_end, options).nodes, options)
    ends, calibre = free_ends(nodes)
    places = nodes.points_lps_mm[ends]
    calibre = np.where(_are_twigs(nodes, ends, calibre), TWIG * calibre, calibre)
    best = int(np.argmax(calibre * (1.0 + HIGHER * (places[:, 2] - places[:, 2].max())).clip(0.1)))
    return int(cKDTree(graph.points_lps_mm).query(places[best])[1])


def free_ends(nodes: NodeTree) -> tuple[np.ndarray, np.ndarray]:
    """Node numbers of all free ends, the root first, and the calibre (median radius in mm) behind each of them."""
    ends = np.r_[0, np.flatnonzero(nodes.child_count[1:] == 0) + 1]
    calibre = [_calibre(nodes, nodes.path_to_root(end)) for end in ends[1:]]
    return ends, np.array([_calibre(nodes, nodes.chains()[0]), *calibre])


def _are_twigs(nodes: NodeTree, ends: np.ndarray, calibre: np.ndarray) -> np.ndarray:
    """Which free ends (k,), the root apart, are of a branch that is itself much thinner than what lies behind it."""
    twigs = np.zeros(len(ends), bool)
    for k, end in enumerate(ends[1:], start=1):
        path = nodes.path_to_root(end)
        joins = np.flatnonzero(nodes.child_count[path[1:]] > 1)
        if len(joins):
            junction = path[joins[0] + 1]
            way = nodes.arc_mm[end] - nodes.arc_mm[path[: joins[0] + 1]]
            own = way < max(nodes.arc_mm[end] - nodes.arc_mm[junction] - nodes.radius_mm[junction], 1.0)
            twigs[k] = np.median(nodes.radius_mm[path[: joins[0] + 1][own]]) < TWIG_SHARE * calibre[k]
    return twigs


def _calibre(nodes: NodeTree, path: np.ndarray) -> float:
    way = np.abs(nodes.arc_mm[path] - nodes.arc_mm[path[0]])
    inside = (way >= END_CALIBRE_MM[0]) & (way <= END_CALIBRE_MM[1])
    return float(np.median(nodes.radius_mm[path[inside]])) if inside.any() else float(nodes.radius_mm[path].max())


def _stands_out(graph: VoxelGraph, path: list[int], voxel: np.ndarray, options: CentrelineOptions) -> bool:
    """Whether the path gets far enough out of the lumen round the paths there are: by the option's length, and by more
    than the vessel's own calibre, or a bump of a thick wall would pass for a thin branch. Its end may touch another
    vessel, so the whole path counts."""
    away, nearest = cKDTree(graph.points_lps_mm[voxel]).query(graph.points_lps_mm[path])
    own = float(np.median(graph.depth_mm[path[: max(len(path) // 2, 1)]]))
    return float((away - graph.depth_mm[voxel[nearest]]).max()) >= max(options.shortest_branch_mm, 1.5 * own)
