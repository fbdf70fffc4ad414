"""How far an extracted tree is from the truth of a shape."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from shapes import Shape, Tube

from CoronarySegLib.centreline import CentrelineTree

MEASURED_MM = 1.5
"""Diameters from here on are expected to be right."""


def all_points(tree: CentrelineTree) -> np.ndarray:
    return np.concatenate([branch.points_lps_mm for branch in tree.branches])


def mean_error_mm(shape: Shape, tree: CentrelineTree) -> float:
    """Mean distance between both sets of curves, each way; the larger of the two."""
    truth, found = shape.points_lps_mm, all_points(tree)
    there = cKDTree(truth).query(found)[0]
    back = _to_polylines(truth, tree)
    return float(max(there.mean(), back.mean()))


def farthest_truth_mm(shape: Shape, tree: CentrelineTree) -> float:
    """Largest distance from a point of the truth to the tree: small only when no branch is missing."""
    return float(_to_polylines(shape.points_lps_mm, tree).max())


def radius_error(shape: Shape, tree: CentrelineTree) -> float:
    """Mean of |radius / truth - 1| where the truth is at least ``MEASURED_MM`` wide, free ends left out."""
    found = all_points(tree)
    radius = np.concatenate([branch.radius_mm for branch in tree.branches])
    _, nearest = cKDTree(shape.points_lps_mm).query(found)
    truth = shape.radius_mm[nearest]
    ends = np.concatenate([shape.free_ends_lps_mm, shape.ostium_lps_mm[None]])
    inner = cKDTree(ends).query(found)[0] > 2.0
    used = inner & (2.0 * truth >= MEASURED_MM)
    return float(np.abs(radius[used] / truth[used] - 1.0).mean())


def area_error(tube: Tube, tree: CentrelineTree) -> float:
    """Mean of |area / truth - 1| over the sections of a single vessel, ends left out."""
    branch = tree.branches[0]
    _, nearest = cKDTree(tube.points_lps_mm).query(branch.points_lps_mm)
    inner = slice(5, -5)
    truth = np.pi * tube.radius_mm[nearest] ** 2
    return float(np.nanmean(np.abs(branch.area_mm2 / truth - 1.0)[inner]))


def _to_polylines(points: np.ndarray, tree: CentrelineTree) -> np.ndarray:
    fine = [_finely(branch.points_lps_mm) for branch in tree.branches]
    return cKDTree(np.concatenate(fine)).query(points)[0]


def _finely(points: np.ndarray) -> np.ndarray:
    at = np.linspace(0, len(points) - 1, 8 * len(points))
    return np.stack([np.interp(at, np.arange(len(points)), points[:, k]) for k in range(3)], axis=1)
