"""Pieces of one system that do not touch: short gaps are bridged and named, other pieces are left out and named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .voxel_graph import VoxelGraph


@dataclass(frozen=True)
class Gap:
    """A bridge of ``length_mm`` between two pieces, its middle at ``place_lps_mm``."""

    place_lps_mm: np.ndarray
    length_mm: float


def joined_fragments(graph: VoxelGraph, gap_mm: float) -> tuple[VoxelGraph, tuple[Gap, ...], tuple[str, ...]]:
    """The largest piece with what lies at most ``gap_mm`` away from it, directly or by other pieces; the gaps, and a
    warning when something was left out."""
    part = graph.components()
    joined = part == 0
    waiting = set(range(1, int(part.max()) + 1))
    pairs, gaps = [], []
    while waiting:
        inside = np.flatnonzero(joined)
        open_voxels = np.flatnonzero(~joined)
        distance, nearest = cKDTree(graph.points_lps_mm[inside]).query(graph.points_lps_mm[open_voxels])
        first = int(np.argmin(distance))
        if distance[first] > gap_mm:
            break
        ends = np.array([inside[nearest[first]], open_voxels[first]])
        pairs.append(ends)
        gaps.append(Gap(graph.points_lps_mm[ends].mean(axis=0), float(distance[first])))
        waiting.discard(int(part[ends[1]]))
        joined |= part == part[ends[1]]
    if pairs:
        graph = graph.with_edges(np.array(pairs))
    warnings = ()
    if waiting:
        count = len(waiting)
        share = 100.0 * float((~joined).mean())
        warnings = (
            f"{count} fragment{'s' if count > 1 else ''} ({share:.1f} % of the voxels) "
            f"{'lie' if count > 1 else 'lies'} {distance[first]:.1f} mm or more away from the tree and "
            f"{'are' if count > 1 else 'is'} left out: reconnect or remove what belongs there.",
        )
    return (graph if joined.all() else graph.part(joined)), tuple(gaps), warnings
