"""The voxels of a vessel as a graph, and shortest ways through it.

A tree of shortest ways from the ostium has no loop by construction and, unlike thinning, depends neither on the order
of the voxels nor on how the grid lies in the patient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra

from ..postprocessing.boxes import inside_distance, points_of, spacing_zyx
from ..volume import Volume

CENTRING = 2.0
"""Exponent of the depth in the cost: a way along the wall costs many times one along the axis."""
_FORWARD = [offset for offset in product((-1, 0, 1), repeat=3) if offset > (0, 0, 0)]


@dataclass(frozen=True)
class VoxelGraph:
    """Voxels of a mask and which of them touch (26 neighbours).

    ``points_lps_mm`` (n, 3); ``depth_mm`` (n,) distance to the wall; ``belief`` (n,) probability, 1 for a mask;
    ``edges`` (m, 2) voxel numbers; ``length_mm`` (m,); ``voxel_mm`` the longest voxel side.
    """

    points_lps_mm: np.ndarray
    depth_mm: np.ndarray
    belief: np.ndarray
    edges: np.ndarray
    length_mm: np.ndarray
    voxel_mm: float

    def __len__(self) -> int:
        return len(self.points_lps_mm)

    @property
    def cost(self) -> np.ndarray:
        """Of each edge: its length over the squared depth and belief, so that ways keep to the axis (m,)."""
        worth = self.depth_mm * self.belief
        return self.length_mm / (0.5 * (worth[self.edges[:, 0]] + worth[self.edges[:, 1]])) ** CENTRING

    def without_edges(self, gone: np.ndarray) -> VoxelGraph:
        """The graph without the edges marked in ``gone`` (m,) bool."""
        return replace(self, edges=self.edges[~gone], length_mm=self.length_mm[~gone])

    def with_edges(self, pairs: np.ndarray) -> VoxelGraph:
        """The graph with further edges (k, 2), such as bridges between fragments."""
        length = np.linalg.norm(self.points_lps_mm[pairs[:, 0]] - self.points_lps_mm[pairs[:, 1]], axis=1)
        return replace(
            self, edges=np.concatenate([self.edges, pairs]), length_mm=np.concatenate([self.length_mm, length])
        )

    def part(self, keep: np.ndarray) -> VoxelGraph:
        """The graph of the voxels marked in ``keep`` (n,) bool."""
        number = np.cumsum(keep) - 1
        inside = keep[self.edges].all(axis=1)
        return replace(
            self, points_lps_mm=self.points_lps_mm[keep], depth_mm=self.depth_mm[keep], belief=self.belief[keep],
            edges=number[self.edges[inside]], length_mm=self.length_mm[inside],
        )

    def components(self) -> np.ndarray:
        """Number of the connected part of each voxel (n,), 0 for the one with most voxels, and so on down."""
        matrix = coo_array((np.ones(len(self.edges)), tuple(self.edges.T)), shape=(len(self),) * 2)
        _, part = connected_components(matrix, directed=False)
        rank = np.argsort(np.argsort(-np.bincount(part), kind="stable"), kind="stable")
        return rank[part]

    def nearest_ways(self, source: int, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shortest ways from voxel ``source`` with ``weight`` per edge (m,): total (n,), inf where there is none, and
        the voxel before each (n,), itself at the source and where there is none."""
        matrix = coo_array((weight, tuple(self.edges.T)), shape=(len(self),) * 2).tocsr()
        total, before = dijkstra(matrix, directed=False, indices=source, return_predecessors=True)
        return total, np.where(before < 0, np.arange(len(self)), before)


def voxel_graph(mask: np.ndarray, field: Volume) -> VoxelGraph:
    """The graph of a bool ``mask`` (z, y, x) on the grid of ``field``, whose values are the belief."""
    spacing = spacing_zyx(field.geometry)
    index, distance = inside_distance(mask, spacing)
    number = np.full(np.add(mask.shape, 2), -1, np.int32)
    number[tuple(index.T + 1)] = np.arange(len(index))
    pairs, lengths = [], []
    for offset in _FORWARD:
        other = number[tuple((index + 1 + offset).T)]
        here = np.flatnonzero(other >= 0)
        pairs.append(np.stack([here, other[here]], axis=1))
        lengths.append(np.full(len(here), np.linalg.norm(spacing * offset)))
    half = 0.5 * float(np.mean(spacing))
    return VoxelGraph(
        points_of(field.geometry, index), np.maximum(distance - half, half),
        np.clip(field.array[tuple(index.T)].astype(float), 0.05, 1.0),
        np.concatenate(pairs), np.concatenate(lengths), float(spacing.max()),
    )
