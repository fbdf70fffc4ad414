"""Analytic vessels with their CT and their true centrelines, and what is done to them before they are corrected."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from shapes import Shape, grid_round, mask_of, probability_of, tube

from CoronarySegLib.centreline import CentrelineBranch, CentrelineTree
from CoronarySegLib.correction import CaseState
from CoronarySegLib.postprocessing.boxes import points_of

TRUNK_MM, SIDE_MM, TWIG_MM, RIGHT_MM = 1.7, 1.0, 0.9, 1.3
AT = (14.0, 26.0, 44.0)
"""Where along the trunk the side branch and the twig leave, and where it ends."""
SIDE, TWIG, DISTAL = 2, 4, 3
LUMEN_HU, MUSCLE_HU, NOISE_HU = 380.0, 60.0, 15.0


def left_shape() -> Shape:
    return Shape((
        tube([(0, 0, 0), (AT[0], 1, 0), (AT[1], 0, 1), (AT[2], -2, 2)], TRUNK_MM),
        tube([(AT[0], 1, 0), (18, 10, 1), (26, 20, 4), (32, 28, 9)], SIDE_MM, parent=0),
        tube([(AT[1], 0, 1), (29, -8, 0), (36, -16, -2)], TWIG_MM, parent=0),
    ))


def right_shape() -> Shape:
    return Shape((tube([(2, 24, -2), (10, 32, -4), (20, 36, -6)], RIGHT_MM),))


def whole_case() -> CaseState:
    left, right = left_shape(), right_shape()
    grid = grid_round(left.joined(right), (0.45, 0.45, 0.6), angles_deg=(10, -15, 25))
    labels = mask_of(left, grid).array.astype(np.uint8)
    labels[mask_of(right, grid).array > 0] = 2
    share = np.maximum(probability_of(left, grid, 2).array, probability_of(right, grid, 2).array)
    noise = np.random.default_rng(3).normal(0.0, NOISE_HU, share.shape)
    hu = ndimage.gaussian_filter(MUSCLE_HU + (LUMEN_HU - MUSCLE_HU) * share, 0.5) + noise
    volume = mask_of(left, grid)
    return CaseState(
        volume.with_array(labels), {"left": _left_tree(left), "right": _right_tree(right)},
        ct=volume.with_array(np.rint(hu).astype(np.int16)),
    )


def without_voxels(state: CaseState, branch: int, from_mm: float, to_mm: float) -> CaseState:
    """The left labels without what lies nearest to a stretch of one branch; the trees stay."""
    tree = state.trees["left"]
    owner = np.concatenate([np.full(len(b.points_lps_mm), i) for i, b in enumerate(tree.branches)])
    arc = np.concatenate([b.arc_mm for b in tree.branches])
    points = np.concatenate([b.points_lps_mm for b in tree.branches])
    index = np.argwhere(state.labels.array == 1)
    near = cKDTree(points).query(points_of(state.geometry, index))[1]
    gone = (owner[near] == branch) & (arc[near] > from_mm) & (arc[near] < to_mm)
    labels = state.labels.array.copy()
    labels[tuple(index[gone].T)] = 0
    return replace(state, labels=state.labels.with_array(labels))


def with_ball(state: CaseState, centre_lps_mm, radius_mm: float) -> tuple[CaseState, np.ndarray]:
    """The case with a ball of left lumen in empty voxels, and which voxels (z, y, x) those are."""
    index = np.argwhere(state.labels.array == 0)
    inside = np.linalg.norm(points_of(state.geometry, index) - centre_lps_mm, axis=1) < radius_mm
    leak = np.zeros(state.labels.array.shape, bool)
    leak[tuple(index[inside].T)] = True
    labels = np.where(leak, np.uint8(1), state.labels.array)
    return replace(state, labels=state.labels.with_array(labels)), leak


def middle_of(tree: CentrelineTree, branch: int) -> np.ndarray:
    points = tree.branches[branch].points_lps_mm
    return points[len(points) // 2]


def ras(point_lps_mm) -> np.ndarray:
    """A point as the views and nodes of Slicer count."""
    return np.asarray(point_lps_mm) * (-1, -1, 1)


def _left_tree(shape: Shape) -> CentrelineTree:
    trunk, side, twig = shape.tubes
    cuts = [0, *(int(np.argmin(np.linalg.norm(trunk.points_lps_mm - t.points_lps_mm[0], axis=1)))
                 for t in (side, twig)), len(trunk.points_lps_mm) - 1]
    trunks = [_branch(trunk, slice(a, b + 1)) for a, b in pairwise(cuts)]
    whole = slice(None)
    return CentrelineTree("left", (
        replace(trunks[0], name="LAD"), replace(trunks[1], name="LAD", parent=0),
        replace(_branch(side, whole), name="D1", parent=0), replace(trunks[2], name="LAD", parent=1),
        replace(_branch(twig, whole), parent=1),
    ))


def _right_tree(shape: Shape) -> CentrelineTree:
    return CentrelineTree("right", (replace(_branch(shape.tubes[0], slice(None)), name="RCA"),))


def _branch(one, part: slice) -> CentrelineBranch:
    points, radius = one.points_lps_mm[part], one.radius_mm[part]
    keep = np.unique(np.r_[np.arange(0, len(points), 4), len(points) - 1])
    points, radius = points[keep], radius[keep]
    return CentrelineBranch(-1, points, radius, np.pi * radius**2)
