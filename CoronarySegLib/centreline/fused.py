"""Both systems in one piece because a leak joins them: noticed by a second ostium, and parted at the leak.

An artery gets thinner towards its end. A free end that is as thick as an ostium, behind a thinner stretch, is the
ostium of the other system.
"""

from __future__ import annotations

import numpy as np

from ..volume import Volume
from .loops import weakest_cut, weakest_place
from .options import CentrelineOptions
from .tracing import find_root, free_ends, trace
from .voxel_graph import VoxelGraph, voxel_graph

OSTIUM_SHARE = 0.6
"""Of the first ostium's calibre: a thinner end is no second ostium."""
DIP_SHARE = 0.7
"""Of the second ostium's calibre: the way between both must be thinner than this somewhere."""
APART_MM = 10.0
PART_SHARE = 0.1
MOST_CUTS = 4


def split_fused(mask: np.ndarray, field: Volume, options: CentrelineOptions) -> tuple[np.ndarray, str] | None:
    """Voxels of both systems as 1 and 2 (z, y, x) uint8 and a warning; None when ``mask`` (z, y, x) bool holds one."""
    whole = voxel_graph(mask, field)
    largest = whole.components() == 0
    graph = whole.part(largest)
    root = find_root(graph, options)
    place, radius_mm = None, 0.0
    for _ in range(MOST_CUTS):
        path = _way_to_second_ostium(graph, root, options)
        if path is None:
            return None
        where, ahead, behind, radius = weakest_place(graph, path, (0, len(path) - 1))
        cut = weakest_cut(graph, where, ahead, behind)
        if not cut.any():
            return None
        if place is None:
            place, radius_mm = where, radius
        graph = graph.without_edges(cut)
        part = graph.components()
        if part[path[0]] != part[path[-1]]:
            return _two_parts(mask, largest, part, path, place, radius_mm)
    return None


def _way_to_second_ostium(graph: VoxelGraph, root: int, options: CentrelineOptions) -> np.ndarray | None:
    """Voxels from the root to the second ostium, or None where there is none."""
    traced = trace(graph, root, options)
    nodes = traced.nodes
    ends, calibre = free_ends(nodes)
    for k in np.argsort(-calibre[1:], kind="stable") + 1:
        if calibre[k] < OSTIUM_SHARE * calibre[0]:
            return None
        path = nodes.path_to_root(ends[k])[::-1]
        arc = nodes.arc_mm[path]
        inner = (arc > APART_MM) & (arc < arc[-1] - APART_MM)
        if np.linalg.norm(nodes.points_lps_mm[path[-1]] - nodes.points_lps_mm[0]) < APART_MM or not inner.any():
            continue
        if nodes.radius_mm[path[inner]].min() <= DIP_SHARE * calibre[k]:
            return traced.voxel[path]
    return None


def _two_parts(mask, largest, part, path, place, radius_mm) -> tuple[np.ndarray, str] | None:
    tree = np.zeros(mask.shape, np.uint8)
    index = np.argwhere(mask)[largest]
    for number, end in enumerate((path[0], path[-1]), start=1):
        voxels = part == part[end]
        if voxels.mean() < PART_SHARE:
            return None
        tree[tuple(index[voxels].T)] = number
    x, y, z = place
    return tree, (
        f"Both coronary systems touch at LPS ({x:.0f}, {y:.0f}, {z:.0f}), where the mask is {2.0 * radius_mm:.1f} mm "
        "wide, and were separated there: check this place."
    )
