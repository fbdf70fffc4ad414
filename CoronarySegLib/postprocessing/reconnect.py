"""Fragments near a tree: joined along the probability where they clearly belong to it.

A network leaves gaps at stenoses, motion and slab steps. A fragment is joined when all of these hold: the gap is short,
the cheapest path through the probability is clearly brighter than what surrounds it, that path is about as long as
the gap, and the fragment points towards where the path leads. The gap is filled as a tube of the local radius.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .boxes import box_of_points, corner, inside_box, mask_of_points

PATH_FLOOR = 0.02
"""Added to the probability in the cost 1/(p + floor): an empty voxel costs as much as about fifty certain ones."""
DIRECTION_WITHIN_MM = 5.0
COSINE = 0.5
"""A fragment longer than it is thick may leave its own axis by up to 60 degrees."""
LARGEST_RADIUS_MM = 2.5
SMALLEST_RADIUS_VOXELS = 1.1
"""Thinner than this a diagonal path would give voxels that touch only at edges."""


@dataclass(frozen=True)
class GapRule:
    """How far and through how little probability a bridge may go; see PostOptions.

    ``minimum_path_probability`` None: the fragment is known to belong there, and only the way is looked for."""

    maximum_gap_mm: float
    minimum_path_probability: float | None


@dataclass(frozen=True)
class Bridge:
    """A path (n, 3) z, y, x from a fragment to a tree, the radius it is filled with and why it was believed."""

    path_zyx: np.ndarray
    radius_mm: float
    gap_mm: float
    mean_probability: float


def find_bridge(
    field: np.ndarray, trees: np.ndarray, number: int, fragment_zyx: np.ndarray, tree_points: cKDTree,
    spacing_zyx_mm: np.ndarray, rule: GapRule,
) -> Bridge | None:
    """The bridge from a fragment to the tree, or None when it does not clearly belong there.

    ``field`` probability (z, y, x); ``trees`` uint8 of the same shape, ``number`` the tree to reach: no bridge crosses
    another one; ``fragment_zyx`` (n, 3); ``tree_points`` k-d tree over the tree's voxels in mm (z, y, x times spacing).
    """
    points = fragment_zyx * spacing_zyx_mm
    distance, nearest = tree_points.query(points, distance_upper_bound=rule.maximum_gap_mm)
    first = int(np.argmin(distance))
    gap_mm = float(distance[first])
    if not np.isfinite(gap_mm):
        return None
    goal = np.rint(tree_points.data[nearest[first]] / spacing_zyx_mm).astype(int)
    margin = np.ceil((gap_mm * 0.5 + 2.0) / spacing_zyx_mm).astype(int)
    box = box_of_points(np.array([fragment_zyx[first], goal]), margin, field.shape)
    tree = trees[box] == number
    path = _cheapest_path(field[box], tree, (trees[box] > 0) & ~tree, fragment_zyx, box, spacing_zyx_mm)
    if path is None:
        return None
    inside = mask_of_points(fragment_zyx, box)
    on_path = tuple((path - corner(box)).T)
    open_voxels = ~(inside | tree)[on_path]
    along = field[box][on_path][open_voxels]
    if rule.minimum_path_probability is not None:
        if along.size and not _believable(along, field[box], inside | tree, on_path, gap_mm, spacing_zyx_mm, rule):
            return None
        if not _points_there(points, path, points[first], spacing_zyx_mm):
            return None
    radius_mm = _local_radius(inside, tree, on_path, spacing_zyx_mm, dark=rule.minimum_path_probability is None)
    return Bridge(path, radius_mm, gap_mm, float(along.mean()) if along.size else 1.0)


def fill_bridge(field: np.ndarray, bridge: Bridge, threshold: float, spacing_zyx_mm: np.ndarray) -> np.ndarray:
    """Raise ``field`` in place to a tube round the bridge, its wall at ``threshold``; returns the new voxels (n, 3)."""
    step_mm = float(spacing_zyx_mm.min())
    margin = np.ceil((bridge.radius_mm + step_mm) / spacing_zyx_mm).astype(int) + 1
    box = box_of_points(bridge.path_zyx, margin, field.shape)
    off_path = ~mask_of_points(bridge.path_zyx, box)
    distance_mm = ndimage.distance_transform_edt(off_path, sampling=spacing_zyx_mm)
    tube = np.clip(threshold + (bridge.radius_mm - distance_mm) / (2.0 * step_mm), 0.0, 1.0)
    before = field[box] >= threshold
    field[box] = np.maximum(field[box], tube)
    return np.argwhere((field[box] >= threshold) & ~before) + corner(box)


def _cheapest_path(field, tree, blocked, fragment_zyx, box, spacing_zyx_mm) -> np.ndarray | None:
    from skimage.graph import MCP_Geometric

    starts = inside_box(fragment_zyx, box)
    ends = np.argwhere(tree)
    if not len(starts) or not len(ends):
        return None
    costs = 1.0 / (field.astype(np.float64) + PATH_FLOOR)
    costs[blocked] = -1.0
    finder = MCP_Geometric(costs, fully_connected=True, sampling=tuple(spacing_zyx_mm))
    reached, _ = finder.find_costs(starts, ends, find_all_ends=False)
    totals = reached[tuple(ends.T)]
    best = int(np.argmin(totals))
    if not np.isfinite(totals[best]):
        return None
    return np.array(finder.traceback(ends[best]), int) + corner(box)


def _believable(along, field, used, on_path, gap_mm, spacing_zyx_mm, rule) -> bool:
    """Bright enough against the box, and no long detour."""
    near = np.zeros(field.shape, bool)
    near[on_path] = True
    near = ndimage.binary_dilation(near | used, np.ones((3, 3, 3), bool), iterations=2)
    around = field[~near]
    background = float(np.percentile(around, 90)) if around.size else 0.0
    path = np.array(on_path).T * spacing_zyx_mm
    length_mm = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    if length_mm > 1.6 * gap_mm + 2.0 * float(spacing_zyx_mm.max()):
        return False
    return float(along.mean()) >= max(rule.minimum_path_probability, background + 0.1)


def _points_there(points, path, end, spacing_zyx_mm) -> bool:
    """The end of the fragment points along the path. A fragment as short as it is thick points nowhere: accepted."""
    near = points[np.linalg.norm(points - end, axis=1) <= DIRECTION_WITHIN_MM]
    if len(near) < 10:
        return True
    _, extent, axes = np.linalg.svd(near - near.mean(0), full_matrices=False)
    course = (path[-1] - path[0]) * spacing_zyx_mm
    length = float(np.linalg.norm(course))
    if length < 2.0 * float(spacing_zyx_mm.max()) or extent[0] < 1.7 * max(extent[1], 1e-6):
        return True
    return abs(float(course @ axes[0])) / length >= COSINE


def _local_radius(fragment, tree, on_path, spacing_zyx_mm, *, dark: bool) -> float:
    """Mean of the calibres on both sides, half a voxel taken off the distance to the first voxel outside; the thinner
    one where the network sees nothing between them (``dark``)."""
    half_mm = 0.5 * float(spacing_zyx_mm.min())
    radii = []
    for mask, at in ((fragment, 0), (tree, -1)):
        distance = ndimage.distance_transform_edt(mask, sampling=spacing_zyx_mm)
        z, y, x = (int(axis[at]) for axis in on_path)
        around = distance[max(z - 3, 0) : z + 4, max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4]
        radii.append(float(around.max()) - half_mm)
    # A side branch leaves a trunk at its own calibre, not at the trunk's.
    radius = min(radii) if dark else min(0.5 * (radii[0] + radii[1]), 1.5 * radii[0])
    return float(np.clip(radius, SMALLEST_RADIUS_VOXELS * float(spacing_zyx_mm.max()), LARGEST_RADIUS_MM))
