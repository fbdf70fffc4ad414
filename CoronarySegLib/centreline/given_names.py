"""Names that a person gave, carried over to centrelines that were computed anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from .tree import UNKNOWN, CentrelineTree

GIVEN = 1.0
"""Confidence of a name that a person gave; what the program finds itself stays below."""
AWAY_MM = 1.5
SHARE = 0.5
"""Of a branch that must run along the vessel of that name."""


def with_given_names(
    trees: Mapping[str, CentrelineTree], earlier: Mapping[str, CentrelineTree]
) -> dict[str, CentrelineTree]:
    """``trees`` with the names given by hand in ``earlier`` where a branch runs along the same vessel (LPS mm).

    A branch that the program called the same elsewhere loses that name: the given one is right.
    """
    points, names = _given_points(earlier)
    if not len(points):
        return dict(trees)
    lookup, given = cKDTree(points), set(names.tolist()) - {""}
    named = {}
    for key, tree in trees.items():
        branches = []
        for branch in tree.branches:
            away, near = lookup.query(branch.points_lps_mm)
            found, count = np.unique(names[near[away <= AWAY_MM]], return_counts=True)
            name = str(found[np.argmax(count)]) if len(found) else ""
            if name and count.max() >= SHARE * len(branch.points_lps_mm):
                branch = replace(branch, name=name, confidence=GIVEN)
            elif branch.name in given:
                branch = replace(branch, name=UNKNOWN, confidence=0.0)
            branches.append(branch)
        named[key] = tree.with_branches(branches)
    return named


def _given_points(trees: Mapping[str, CentrelineTree]) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) of all branches, each with the name that was given to its branch, "" where the program named it."""
    branches = [branch for tree in trees.values() for branch in tree.branches]
    names = [branch.name if branch.confidence >= GIVEN else "" for branch in branches]
    if not any(names):
        return np.zeros((0, 3)), np.zeros(0, "<U1")
    points = np.concatenate([branch.points_lps_mm for branch in branches])
    return points, np.repeat(np.array(names), [len(branch.points_lps_mm) for branch in branches])
