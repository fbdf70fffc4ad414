"""Skeletons of thin vessels that do not lose branches.

scikit-image's thinning (Lee et al. 1994) eats a vessel up from its end where the cross-section is symmetric, most often
an even number of voxels wide: 1-2 % of a real coronary tree's length goes, ends of distal branches mostly, and a
straight tube four voxels wide vanishes. Widening the mask by one voxel along an axis makes even widths odd. So the mask
is thinned as it is and again widened along some or all axes, and what only a later skeleton has is added to the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from skimage.morphology import skeletonize

from .metrics import bounding_box

SAME_LINE_VOXELS = 2.0
"""The two skeletons of one vessel run about a voxel apart; what is farther is a line that only one of them has."""
SHORTEST_RUN = 3
WIDENINGS_ZYX = ((1, 1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0))


@dataclass(frozen=True)
class Skeleton:
    """``index_zyx`` (n, 3): points in voxels, multiples of one half (a whole number is a voxel's centre);
    ``length_mm`` (n,): length each point stands for."""

    index_zyx: np.ndarray
    length_mm: np.ndarray

    def __len__(self) -> int:
        return len(self.index_zyx)

    def joined(self, other: Skeleton) -> Skeleton:
        """Both skeletons as one."""
        return Skeleton(
            np.concatenate([self.index_zyx, other.index_zyx]), np.concatenate([self.length_mm, other.length_mm])
        )


def skeleton_of(mask: np.ndarray, spacing_zyx_mm: tuple[float, ...]) -> Skeleton:
    """Skeleton of a bool mask (z, y, x); no points for an empty one."""
    box = bounding_box(mask)
    if box is None:
        return Skeleton(np.zeros((0, 3)), np.zeros(0))
    part = np.pad(mask[box], ((0, 1),) * 3)
    index = np.argwhere(skeletonize(part)).astype(float)
    for axes in WIDENINGS_ZYX:
        # Voxel q of the widened mask is the point q - 1/2 that the voxels q - 1 and q share.
        other = np.argwhere(skeletonize(_widened(part, axes))) - 0.5 * np.asarray(axes)
        index = np.concatenate([index, _runs(other[_distance(other, index) > SAME_LINE_VOXELS])])
    return Skeleton(index + [s.start for s in box], _lengths(index * np.asarray(spacing_zyx_mm), spacing_zyx_mm))


def inside(mask: np.ndarray, index_zyx: np.ndarray) -> np.ndarray:
    """Which points (n, axes) lie in or on a voxel of the mask, (n,) bool. Points outside the volume do not."""
    result = np.zeros(len(index_zyx), bool)
    for corner in product((np.floor, np.ceil), repeat=mask.ndim):
        index = np.stack([f(index_zyx[:, i]) for i, f in enumerate(corner)], axis=1).astype(int)
        valid = ((index >= 0) & (index < mask.shape)).all(axis=1)
        result[valid] |= mask[tuple(index[valid].T)]
    return result


def cldice(predicted: np.ndarray, truth: np.ndarray, skeleton_p: Skeleton, skeleton_t: Skeleton) -> float:
    """Centreline Dice (Shit et al. 2021, eq. 1-3): harmonic mean of topology precision and topology sensitivity.

    Skeleton points count with their length in mm, so that long voxels count as long. 0 when one mask is empty, nan when
    both are.
    """
    if len(skeleton_p) == 0 or len(skeleton_t) == 0:
        return float("nan") if len(skeleton_p) == len(skeleton_t) else 0.0
    precision = _share(skeleton_p, inside(truth, skeleton_p.index_zyx))
    sensitivity = _share(skeleton_t, inside(predicted, skeleton_t.index_zyx))
    total = precision + sensitivity
    return float(2 * precision * sensitivity / total) if total else 0.0


def _widened(mask: np.ndarray, axes: tuple[int, int, int]) -> np.ndarray:
    """One voxel wider towards larger indices along the axes marked 1. The last plane of the mask must be empty."""
    for axis in np.flatnonzero(axes):
        mask = mask | np.roll(mask, 1, axis)
    return mask


def _distance(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    return cKDTree(others).query(points)[0] if len(others) else np.full(len(points), np.inf)


def _runs(points: np.ndarray) -> np.ndarray:
    """Without the points that do not form a line of at least ``SHORTEST_RUN`` (stubs at the ends of thick vessels)."""
    if len(points) == 0:
        return points
    pairs = cKDTree(points).query_pairs(1.75, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(points),) * 2)
    group = connected_components(graph, directed=False)[1]
    return points[np.bincount(group)[group] >= SHORTEST_RUN]


def _lengths(points_mm: np.ndarray, spacing_zyx_mm: tuple[float, ...]) -> np.ndarray:
    """Half the way to the neighbouring points, at most two of them: more would count junctions twice."""
    if len(points_mm) < 3:
        return np.full(len(points_mm), float(np.mean(spacing_zyx_mm)))
    reach = float(np.linalg.norm(spacing_zyx_mm)) * 1.001
    distance = cKDTree(points_mm).query(points_mm, k=3, distance_upper_bound=reach)[0][:, 1:]
    return 0.5 * np.where(np.isfinite(distance), distance, 0.0).sum(axis=1)


def _share(skeleton: Skeleton, chosen: np.ndarray) -> float:
    whole = float(skeleton.length_mm.sum())
    return float(skeleton.length_mm[chosen].sum()) / whole if whole > 0 else float(chosen.mean())
