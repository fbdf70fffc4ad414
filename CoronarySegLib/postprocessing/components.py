"""Connected pieces of the foreground, counted and chosen.

Face connectivity throughout: two voxels that share only an edge or a corner would give a surface that touches itself
there. Such pieces are separate here and :mod:`.reconnect` joins them with a real bridge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class Pieces:
    """Components as lists of voxels: ``index_zyx[k]`` (n, 3) int, ``volumes_mm3`` (k,), largest first."""

    index_zyx: tuple[np.ndarray, ...]
    volumes_mm3: np.ndarray

    def __len__(self) -> int:
        return len(self.index_zyx)


def label_components(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Face-connected components: int32 labels (z, y, x), 0 outside, and how many."""
    return ndimage.label(mask)


def component_sizes(labels: np.ndarray, count: int) -> np.ndarray:
    """Voxels of each label, (count + 1,); the background counts as 0."""
    sizes = np.bincount(labels[labels > 0], minlength=count + 1)
    sizes[0] = 0
    return sizes


def large_pieces(mask: np.ndarray, smallest_mm3: float, voxel_mm3: float) -> np.ndarray:
    """The pieces of ``mask`` (bool, z, y, x) of at least ``smallest_mm3``. Corners connect: for what is taken away."""
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    return (component_sizes(labels, count) * voxel_mm3 >= smallest_mm3)[labels]


def pieces_of(mask: np.ndarray, voxel_mm3: float) -> Pieces:
    """The components of ``mask``, largest first (ties by first voxel, so that the order is always the same)."""
    labels, count = label_components(mask)
    index = np.argwhere(labels)
    ids = labels[tuple(index.T)]
    order = np.argsort(ids, kind="stable")
    sizes = np.bincount(ids, minlength=count + 1)[1:]
    groups = np.split(index[order], np.cumsum(sizes)[:-1]) if count else []
    ranked = np.argsort(-sizes, kind="stable")
    return Pieces(tuple(groups[i] for i in ranked), sizes[ranked] * voxel_mm3)


def keep_largest(mask: np.ndarray, keep: int) -> tuple[np.ndarray, int]:
    """The paper's component filter: the ``keep`` largest, and how many were dropped. ``keep=1`` is its literal
    reading and loses one of the two coronary trees."""
    labels, count = label_components(mask)
    if count <= keep:
        return mask.copy(), 0
    largest = np.argsort(-component_sizes(labels, count), kind="stable")[:keep]
    return np.isin(labels, largest), count - keep


def opened(mask: np.ndarray) -> np.ndarray:
    """The paper's binary opening: 6-neighbourhood, one iteration. Removes what is thinner than three voxels."""
    return ndimage.binary_opening(mask, ndimage.generate_binary_structure(3, 1))


def filled(mask: np.ndarray) -> np.ndarray:
    """Cavities that no path of faces leads out of are lumen too."""
    labels, count = ndimage.label(np.pad(~mask, 1, constant_values=True))
    if count == 1:
        return mask
    return (labels != labels[0, 0, 0])[1:-1, 1:-1, 1:-1]
