"""The same figures for parts of the tree: by position along it, by named branch, by calibre.

A mean over the tree hides what the mask-guided paper shows in its comparison by position: the trunks are found by
anybody and the distal branches decide. Every voxel is counted where the nearest point of the truth's centreline lies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from ..volume import Geometry
from .centreline import Centreline, near_mask
from .metrics import bounding_box
from .scores import RADIUS_EDGES_MM, RegionScore, radius_name

POSITIONS = ("proximal", "mid", "distal")
BRANCHES = ("LM", "LAD", "D", "S", "LCx", "OM", "RI", "RCA", "CB", "SN", "RV", "AM", "PDA", "PLB", "unnamed")
UNNAMED = ("", "twig")
NEAR_MM = 3.0
"""Predicted voxels further outside of the true lumen than this are false, but false in no particular vessel."""


def region_scores(
    line: Centreline, predicted: np.ndarray, truth: np.ndarray, geometry: Geometry
) -> tuple[RegionScore, ...]:
    """Figures of ``predicted`` against ``truth`` (bool z, y, x) by the regions that ``line``, the truth's, can tell.

    Regions without any centreline are left out. No region for a line without points.
    """
    if not len(line):
        return ()
    hit = near_mask(line, predicted, geometry)
    tree = cKDTree(line.points_lps_mm)
    at_truth = _nearest(tree, truth, geometry)[1]
    distance, at_predicted = _nearest(tree, predicted, geometry)
    counted = distance <= line.radius_mm[at_predicted] + NEAR_MM
    at_predicted, common = at_predicted[counted], _nearest(tree, predicted & truth, geometry)[1]
    found = []
    for kind, name, chosen in _regions(line):
        length = float(line.length_mm[chosen].sum())
        if length <= 0:
            continue
        n_truth, n_predicted, n_common = (int(chosen[at].sum()) for at in (at_truth, at_predicted, common))
        found.append(RegionScore(
            kind, name, length, float(line.length_mm[chosen & hit].sum()) / length,
            2 * n_common / (n_truth + n_predicted) if n_truth + n_predicted else float("nan"),
            n_common / n_truth if n_truth else float("nan"),
        ))
    return tuple(found)


def family_of(name: str) -> str:
    """"D2" and "D1" are "D"; branches without a name in anatomy are "unnamed"."""
    return "unnamed" if name in UNNAMED else re.sub(r"\d+$", "", name)


def region_order(kind: str, name: str) -> tuple[int, int, str]:
    """A sorting key: position, branch, radius; each as a reader expects it."""
    kinds = {"position": POSITIONS, "branch": BRANCHES, "radius": _RADII}
    names = kinds[kind]
    return list(kinds).index(kind), names.index(name) if name in names else len(names), name


def _regions(line: Centreline) -> Iterator[tuple[str, str, np.ndarray]]:
    """(kind, name, points (n,) bool)."""
    if line.reach is not None:
        third = np.minimum((line.reach * 3).astype(int), 2)
        yield from (("position", name, third == number) for number, name in enumerate(POSITIONS))
    if line.name is not None and any(name not in UNNAMED for name in line.name):
        families = np.array([family_of(str(name)) for name in line.name])
        for name in sorted(set(families), key=lambda name: region_order("branch", name)):
            yield "branch", name, families == name
    for (low, high), name in zip(pairwise(RADIUS_EDGES_MM), _RADII, strict=True):
        yield "radius", name, (line.radius_mm >= low) & (line.radius_mm < high)


def _nearest(tree: cKDTree, mask: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Distance in mm and index of the centreline point nearest to every voxel of a mask."""
    box = bounding_box(mask)
    if box is None:
        return np.zeros(0), np.zeros(0, int)
    index = np.argwhere(mask[box]) + [side.start for side in box]
    return tree.query(geometry.points_lps(index[:, ::-1]))


_RADII = tuple(radius_name(low, high) for low, high in pairwise(RADIUS_EDGES_MM))
