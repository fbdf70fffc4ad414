"""Centrelines as weighted points: from the branches of a tree when they are known, else from the skeleton of a mask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..volume import Geometry
from .metrics import FULL_NEIGHBOURHOOD, bounding_box
from .skeleton import Skeleton, skeleton_of

SIDES = ("left", "right")


class BranchLike(Protocol):
    """What a branch must offer: the truth's branches, or any object with these fields."""

    side: str
    points_lps_mm: np.ndarray
    radius_mm: np.ndarray


@dataclass(frozen=True)
class Centreline:
    """Points on centrelines. ``points_lps_mm`` (n, 3), ``radius_mm`` (n,), ``length_mm`` (n,) is the length each point
    stands for, ``side`` (n,) holds "left" or "right" ("" when not known). ``name`` (n,) is the branch's ("" without
    one) and ``reach`` (n,) 0..1 the way from the ostium as a share of the longest way in the same system; None where
    nobody knows."""

    points_lps_mm: np.ndarray
    radius_mm: np.ndarray
    length_mm: np.ndarray
    side: np.ndarray
    name: np.ndarray | None = None
    reach: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.points_lps_mm)

    def of_side(self, side: str) -> Centreline:
        return self.where(self.side == side)

    def where(self, chosen: np.ndarray) -> Centreline:
        """The points where ``chosen`` (n,) bool is True."""
        values = (getattr(self, field.name) for field in fields(self))
        return Centreline(*(None if value is None else value[chosen] for value in values))


def centreline_of_branches(branches: Iterable[BranchLike]) -> Centreline:
    """All points of all branches; each point stands for half the way to its two neighbours on its branch.

    Branches that also have a ``name`` and a ``parent`` (index among them, -1 at an ostium) give name and reach.
    """
    branches = tuple(branches)
    points, radius, length, side = [np.zeros((0, 3))], [np.zeros(0)], [np.zeros(0)], [np.zeros(0, "<U5")]
    for branch in branches:
        xyz = np.asarray(branch.points_lps_mm, float).reshape(-1, 3)
        steps = np.linalg.norm(np.diff(xyz, axis=0), axis=1)
        points.append(xyz)
        radius.append(np.asarray(branch.radius_mm, float).reshape(-1))
        length.append((np.r_[0.0, steps] + np.r_[steps, 0.0]) / 2.0)
        side.append(np.full(len(xyz), branch.side, "<U5"))
    names = [np.full(len(xyz), getattr(branch, "name", "")) for branch, xyz in zip(branches, points[1:], strict=True)]
    return Centreline(
        *(np.concatenate(part) for part in (points, radius, length, side)),
        name=np.concatenate(names) if names else None, reach=_reach(branches),
    )


def _reach(branches: tuple[BranchLike, ...]) -> np.ndarray | None:
    """Way from the ostium of every point, as a share of the longest in its system. None where a parent is not said."""
    parents = [getattr(branch, "parent", None) for branch in branches]
    if not branches or any(parent is None or not -1 <= parent < len(branches) for parent in parents):
        return None
    ways: dict[int, tuple[np.ndarray, int]] = {}

    def way(index: int, below: frozenset[int] = frozenset()) -> tuple[np.ndarray, int] | None:
        """Distances along a branch and the index of its root; None where parents run in a circle."""
        if index in below:
            return None
        if index not in ways:
            points, parent = np.asarray(branches[index].points_lps_mm, float), parents[index]
            start, root = 0.0, index
            if parent >= 0:
                above = way(parent, below | {index})
                if above is None:
                    return None
                start = above[0][cKDTree(branches[parent].points_lps_mm).query(points[0])[1]]
                root = above[1]
            steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
            ways[index] = start + np.r_[0.0, np.cumsum(steps)], root
        return ways[index]

    found = [way(index) for index in range(len(branches))]
    if any(item is None for item in found):
        return None
    longest: dict[int, float] = {}
    for distance, root in found:
        longest[root] = max(longest.get(root, 1e-6), float(distance.max()))
    return np.concatenate([distance / longest[root] for distance, root in found])


def centreline_of_mask(mask: np.ndarray, geometry: Geometry, side: str = "") -> Centreline:
    """The skeleton of a mask (z, y, x) with the distance to the mask's edge as radius.

    A voxelised tube's skeleton runs within half a voxel of its axis, so radii are good to about half a voxel: state the
    voxel size with any figure by radius.
    """
    return centreline_of_skeleton(skeleton_of(mask, geometry.spacing_xyz_mm[::-1]), mask, geometry, side)


def centreline_of_skeleton(skeleton: Skeleton, mask: np.ndarray, geometry: Geometry, side: str = "") -> Centreline:
    """As :func:`centreline_of_mask` for a skeleton of the mask that is already there."""
    points = geometry.points_lps(skeleton.index_zyx[:, ::-1])
    radius = _edge_distance(mask, points, geometry) if len(skeleton) else np.zeros(0)
    return Centreline(points, radius, skeleton.length_mm, np.full(len(points), side, "<U5"))


def near_mask(line: Centreline, mask: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Which points have the mask near them, (n,) bool: a voxel centre within the lumen radius there, or within one
    voxel (its longest edge) where the lumen is thinner than that."""
    if len(line) == 0 or not mask.any():
        return np.zeros(len(line), bool)
    box = bounding_box(mask)
    index = np.argwhere(mask[box]) + [s.start for s in box]
    tree = cKDTree(geometry.points_lps(index[:, ::-1]))
    distance = tree.query(line.points_lps_mm)[0]
    return distance <= np.maximum(line.radius_mm, max(geometry.spacing_xyz_mm)) + 1e-6


def _edge_distance(mask: np.ndarray, points: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Distance to the nearest background voxel centre less half a voxel: the radius of the largest sphere inside."""
    box = bounding_box(mask)
    part = np.pad(mask[box], 1)
    shell = ndimage.binary_dilation(part, FULL_NEIGHBOURHOOD) & ~part
    index = np.argwhere(shell) + [s.start - 1 for s in box]
    distance = cKDTree(geometry.points_lps(index[:, ::-1])).query(points)[0]
    half = 0.5 * min(geometry.spacing_xyz_mm)
    return np.maximum(distance - half, half)
