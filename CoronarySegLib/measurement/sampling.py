"""Branches at even steps, and where along them a lumen cannot be told from its neighbour or from its own end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..centreline import CentrelineBranch, CentrelineTree
from .options import MeasurementOptions

SECTIONS_SHARE = 0.3
"""A tree with sections on at least this share of its length has none elsewhere because the lumen there is not of one
vessel alone; one with fewer was measured without sections."""


@dataclass(frozen=True)
class BranchSamples:
    """One branch at even steps, both ends included; every array has one entry a step.

    ``inscribed_diameter_mm`` is 0 where the tree has no lumen (radius NaN); ``area_mm2`` is NaN where not measured.
    ``junction`` marks what lies in the lumen of a neighbouring branch or of the aorta, or has no section of its own;
    ``free_end`` the closing dome.
    """

    arc_mm: np.ndarray
    points_lps_mm: np.ndarray
    inscribed_diameter_mm: np.ndarray
    area_mm2: np.ndarray
    junction: np.ndarray
    free_end: np.ndarray

    @property
    def area_diameter_mm(self) -> np.ndarray:
        return 2.0 * np.sqrt(self.area_mm2 / np.pi)

    @property
    def step_mm(self) -> float:
        return float(self.arc_mm[1])


def sampled(tree: CentrelineTree, options: MeasurementOptions) -> tuple[BranchSamples, ...]:
    """Every branch of ``tree`` in its order."""
    plain = [_resampled(branch, options.step_mm) for branch in tree.branches]
    has_sections = np.isfinite(np.concatenate([area for *_, area in plain])).mean() > SECTIONS_SHARE
    samples = []
    for index, (arc, points, diameter, area) in enumerate(plain):
        junction = _inside_neighbours(tree, index, points)
        if index == 0:
            junction |= arc < _typical(tree.branches[0].radius_mm)
        if has_sections:
            junction |= ~np.isfinite(area) & (diameter > options.occluded_below_mm)
        leaf = not tree.children[index]
        end = arc > arc[-1] - options.end_margin_mm if leaf else np.zeros(len(arc), bool)
        samples.append(BranchSamples(arc, points, diameter, area, junction, end))
    return tuple(samples)


def _resampled(branch: CentrelineBranch, step_mm: float) -> tuple[np.ndarray, ...]:
    arc = np.linspace(0.0, branch.length_mm, max(3, round(branch.length_mm / step_mm) + 1))
    radius = np.nan_to_num(np.maximum(branch.radius_mm, 0.0), nan=0.0)
    points = np.stack([np.interp(arc, branch.arc_mm, branch.points_lps_mm[:, axis]) for axis in range(3)], axis=1)
    return arc, points, 2.0 * np.interp(arc, branch.arc_mm, radius), np.interp(arc, branch.arc_mm, branch.area_mm2)


def _inside_neighbours(tree: CentrelineTree, index: int, points: np.ndarray) -> np.ndarray:
    """Which points lie inside the spheres of mother, sisters or daughters, without a break from the shared junction."""
    branch = tree.branches[index]
    inside = np.zeros(len(points), bool)
    if branch.parent >= 0:
        sisters = [i for i in tree.children[branch.parent] if i != index]
        inside |= _leading(_in_spheres(points, [tree.branches[i] for i in (branch.parent, *sisters)]))
    if tree.children[index]:
        daughters = [tree.branches[i] for i in tree.children[index]]
        inside |= _leading(_in_spheres(points[::-1], daughters))[::-1]
    return inside


def _in_spheres(points: np.ndarray, branches: list[CentrelineBranch]) -> np.ndarray:
    centres = np.concatenate([b.points_lps_mm for b in branches])
    radii = np.nan_to_num(np.concatenate([b.radius_mm for b in branches]), nan=0.0)
    reach = float(radii.max())
    inside = np.zeros(len(points), bool)
    for i, near in enumerate(cKDTree(centres).query_ball_point(points, max(reach, 1e-3))):
        if near:
            inside[i] = bool((np.linalg.norm(centres[near] - points[i], axis=1) <= radii[near]).any())
    return inside


def _leading(flags: np.ndarray) -> np.ndarray:
    """Only the run of True that starts at the first entry."""
    return np.logical_and.accumulate(flags)


def _typical(radius_mm: np.ndarray) -> float:
    lumen = radius_mm[np.isfinite(radius_mm) & (radius_mm > 0.0)]
    return float(np.median(lumen)) if len(lumen) else 0.0
