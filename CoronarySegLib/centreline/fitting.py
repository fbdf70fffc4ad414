"""Paths of voxels made into centred, smooth, evenly sampled curves with radii and areas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..volume import Volume
from .ends import with_straight_root, without_stubs
from .nodes import NodeTree
from .options import CentrelineOptions
from .sections import Sections, measured_sections
from .smoothing import smoothed

ROUNDS = 3
INSIDE_TRUST = 0.02
"""A section of a side branch that still lies in its parent's lumen says nothing about the branch's centre."""
END_SHARE = 0.75
"""Towards a round end the section closes; the curve ends where it has this share of the calibre before."""


@dataclass(frozen=True)
class FittedTree:
    """Nodes at even steps, ``radius_mm`` in them, and ``area_mm2`` (n,) with NaN."""

    nodes: NodeTree
    area_mm2: np.ndarray


def fitted(paths: NodeTree, field: Volume, options: CentrelineOptions, keep_root: bool = False) -> FittedTree:
    """Centre the paths in ``field``, round by round: sections give the centres, the smooth tree gives the sections.

    ``keep_root``: the first point was given and stays at that end of the path; otherwise the first vessel is carried on
    straight to where it leaves the mask.
    """
    nodes = paths.resampled(options.step_mm)
    nodes = smoothed(nodes, nodes.points_lps_mm, np.ones(len(nodes)), 1.5 * options.smoothing_mm)
    for number in range(ROUNDS):
        nodes = nodes.resampled(options.step_mm)
        sections = measured_sections(nodes, field, options.threshold)
        nodes = nodes.with_values(radius_mm=_known(sections, nodes))
        trust = np.where(_inside_parent(nodes), INSIDE_TRUST, sections.trust)
        nodes = smoothed(nodes, sections.centre_lps_mm, trust, options.smoothing_mm)
        if number == 0:
            nodes = without_stubs(nodes, options, float(np.mean(field.geometry.spacing_xyz_mm)))
            if not keep_root:
                nodes = with_straight_root(nodes, field, options.threshold, options.step_mm)
    nodes = nodes.resampled(options.step_mm)
    sections = measured_sections(nodes, field, options.threshold)
    return _trimmed(nodes.with_values(radius_mm=_known(sections, nodes)), sections)


def _known(sections: Sections, nodes: NodeTree) -> np.ndarray:
    """The measured radius; where a bridge runs outside of the lumen and nothing was measured, the one of the path."""
    return np.where(np.isfinite(sections.radius_mm), sections.radius_mm, nodes.radius_mm)


def _inside_parent(nodes: NodeTree) -> np.ndarray:
    """Which nodes (n,) of side branches still lie in the lumen of the vessel they leave."""
    chains = nodes.chains()
    result = np.zeros(len(nodes), bool)
    owner = np.empty(len(nodes), int)
    for number, chain in enumerate(chains):
        owner[chain if number == 0 else chain[1:]] = number
    for chain in chains[1:]:
        above = np.flatnonzero(owner == owner[chain[0]])
        distance, nearest = cKDTree(nodes.points_lps_mm[above]).query(nodes.points_lps_mm[chain[1:]])
        result[chain[1:]] = distance < nodes.radius_mm[above[nearest]]
    return result


def _trimmed(nodes: NodeTree, sections: Sections) -> FittedTree:
    """Without the last points of free ends in which the round end closes; no branch loses more than a third."""
    keep = np.ones(len(nodes), bool)
    for run in nodes.branches():
        ends = []
        if nodes.child_count[run[-1]] == 0:
            ends.append(run[::-1])
        if nodes.parent[run[0]] < 0 and nodes.child_count[run[0]] == 1:
            ends.append(run)
        for end in ends:
            keep[end[: _closing(nodes, sections.calibre_mm, end)]] = False
    return FittedTree(nodes.keeping(keep), sections.area_mm2[keep])


def _closing(nodes: NodeTree, calibre_mm: np.ndarray, end: np.ndarray) -> int:
    """How many nodes of a run that begins at a free end belong to its cap."""
    arc = np.abs(nodes.arc_mm[end] - nodes.arc_mm[end[0]])
    calibre = float(np.median(calibre_mm[end[arc <= max(4.0, 0.3 * arc[-1])]]))
    most = min(int((arc <= 1.5 * calibre).sum()), len(end) // 3)
    small = np.flatnonzero(calibre_mm[end[:most]] < END_SHARE * calibre)
    return int(small[-1]) + 1 if len(small) else 0
