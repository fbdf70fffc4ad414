"""Plaque that would cut a vessel in two gives way: a calcified stenosis is a narrowing, not a hole.

Where plaque and lumen claim the same voxels, a plug of plaque stays plaque unless a piece of the tree would come off by
it. Plugs are looked at together, since two of them with a crumb of lumen between them part a vessel as one does.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .components import component_sizes, label_components

CRUMB_MM3 = 1.0
"""A piece of lumen smaller than this that plaque parts from its vessel is plaque itself."""


def kept_open(calcium: np.ndarray, lumen: np.ndarray, voxel_mm3: float) -> tuple[np.ndarray, int]:
    """``calcium`` without the plugs that would cut ``lumen`` (both bool, z, y, x) and with the crumbs it leaves, and
    how many plugs gave way. The largest plugs stay plaque as long as smaller ones can hold the vessel together."""
    pieces, piece_count = label_components(lumen & ~calcium)
    plugs, plug_count = label_components(lumen & calcium)
    touching = _touching(pieces, plugs)
    if not len(touching):
        return calcium, 0
    large = component_sizes(pieces, piece_count)[1:] * voxel_mm3 >= CRUMB_MM3
    given_back = np.bincount(touching[:, 1], minlength=plug_count) > 1
    whole = _trees(touching, given_back, large)
    sizes = component_sizes(plugs, plug_count)[1:]
    for plug in sorted(np.flatnonzero(given_back), key=lambda number: -sizes[number]):
        given_back[plug] = False
        given_back[plug] = _trees(touching, given_back, large) > whole
    held = _group_of(touching, given_back, piece_count)
    crumbs = np.zeros(piece_count, bool)
    crumbs[touching[:, 0]] = True
    crumbs &= ~np.isin(held, held[large])
    result = calcium & ~np.append(False, given_back)[plugs]
    return result | np.append(False, crumbs)[pieces], int(np.count_nonzero(given_back))


def _touching(pieces: np.ndarray, plugs: np.ndarray) -> np.ndarray:
    """(m, 2): which piece shares a face with which plug, both counted from 0."""
    index = np.argwhere(plugs)
    plug = plugs[tuple(index.T)]
    pairs = []
    for step in (*np.eye(3, dtype=int), *-np.eye(3, dtype=int)):
        beside = index + step
        inside = ((beside >= 0) & (beside < pieces.shape)).all(axis=1)
        piece = pieces[tuple(beside[inside].T)]
        pairs.append(np.column_stack([piece, plug[inside]])[piece > 0])
    return np.unique(np.concatenate(pairs), axis=0) - 1


def _trees(touching: np.ndarray, open_plugs: np.ndarray, large: np.ndarray) -> int:
    """How many separate things the large pieces form when these plugs are lumen."""
    return len(np.unique(_group_of(touching, open_plugs, len(large))[large]))


def _group_of(touching: np.ndarray, open_plugs: np.ndarray, piece_count: int) -> np.ndarray:
    """For each piece the number of the connected thing it belongs to when these plugs are lumen."""
    piece, plug = touching[open_plugs[touching[:, 1]]].T
    size = piece_count + len(open_plugs)
    graph = coo_array((np.ones(len(piece), bool), (piece, piece_count + plug)), shape=(size, size))
    return connected_components(graph, directed=False)[1][:piece_count]
