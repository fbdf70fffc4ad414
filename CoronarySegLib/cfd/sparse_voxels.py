"""Who touches whom among the voxels of a sparse mask, and what falls apart without some of them.

A coronary tree fills a thousandth of its box, so voxels are rows and not places of an array.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_HALF_OFFSETS = [o for o in np.ndindex(3, 3, 3) if o > (1, 1, 1)]


class SparseVoxels:
    """The True voxels of a mask (z, y, x), ``index`` (n, 3), and who touches whom."""

    def __init__(self, inside: np.ndarray):
        self.index = np.argwhere(inside)
        shape = np.add(inside.shape, 2)
        self._steps = np.array([shape[1] * shape[2], shape[2], 1])
        self._keys = (self.index + 1) @ self._steps  # ascending, as argwhere is

    def neighbours(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Numbers of voxels that touch at a face, an edge or a corner, each pair once, some at a time."""
        for offset in _HALF_OFFSETS:
            wanted = self._keys + (np.array(offset) - 1) @ self._steps
            found = np.minimum(np.searchsorted(self._keys, wanted), len(wanted) - 1)
            rows = np.flatnonzero(self._keys[found] == wanted)
            yield rows, found[rows]


class Joints:
    """The mask as few nodes: what hangs together without any of the numbered ``parts`` (z, y, x), and the parts."""

    def __init__(self, voxels: SparseVoxels, parts: np.ndarray):
        part = parts[tuple(voxels.index.T)]
        rest = part == 0
        node, count = np.arange(len(part)), len(part)
        for rows, others in voxels.neighbours():
            # Joined offset by offset: all neighbours at once would be thirteen times as many.
            some = rest[rows] & rest[others] & (node[rows] != node[others])
            if some.any():
                count, joined = _joined(node[rows[some]], node[others[some]], count)
                node = joined[node]
        self._first = count
        node = np.where(rest, node, count + part - 1)
        links = [np.zeros((0, 2), np.int64)]
        for rows, others in voxels.neighbours():
            ends = np.stack([node[rows], node[others]], axis=1)
            links.append(np.unique(ends[(ends[:, 0] != ends[:, 1]) & (ends >= count).any(1)], axis=0))
        self._links = np.unique(np.concatenate(links), axis=0)
        self._size = np.bincount(node, minlength=count + int(parts.max()))

    def pieces_without(self, gone: list[int], smallest: int) -> int:
        """How many pieces of at least ``smallest`` voxels are left without the parts ``gone`` (numbers from 1)."""
        stays = np.ones(len(self._size), bool)
        stays[self._first + np.array(gone, int) - 1] = False
        links = self._links[stays[self._links].all(1)]
        _, piece = _joined(*links.T, len(stays))
        return int((np.bincount(piece, np.where(stays, self._size, 0)) >= smallest).sum())


def _joined(a: np.ndarray, b: np.ndarray, count: int) -> tuple[int, np.ndarray]:
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    return connected_components(graph, directed=False)
