"""The truth tree of a phantom as centreline trees: what extraction, names and measurements are compared with."""

from __future__ import annotations

import numpy as np

from ..phantom.tree import Branch, CoronaryTree
from .tree import UNKNOWN, CentrelineBranch, CentrelineTree

TWIG = "twig"
"""What the phantom calls side branches that have no name in anatomy."""


def centrelines_of(tree: CoronaryTree) -> dict[str, CentrelineTree]:
    """Both systems by side ("left", "right"), every vessel cut where a daughter leaves it.

    Names and dominance are the phantom's, with confidence 1; the area is that of the circle, for a phantom's lumen is
    round. Branches come parents first, and of two at one junction the one that carries on the vessel comes first.
    """
    return {side: _system(tree, side) for side in ("left", "right") if tree.of_side(side)}


def _system(tree: CoronaryTree, side: str) -> CentrelineTree:
    found: list[CentrelineBranch] = []
    waiting = [(i, -1) for i, vessel in enumerate(tree.branches) if vessel.side == side and vessel.parent < 0]
    while waiting:
        vessel, above = waiting.pop(0)
        daughters = _daughters(tree, vessel)
        cuts = sorted({at for at, _ in daughters} | {len(tree.branches[vessel].points_lps_mm) - 1})
        start = 0
        for stop in cuts:
            found.append(_stretch(tree.branches[vessel], start, stop, above, found))
            above = len(found) - 1
            waiting += [(daughter, above) for at, daughter in daughters if at == stop]
            start = stop
    return CentrelineTree(side, tuple(found), tree.dominance)


def _daughters(tree: CoronaryTree, index: int) -> list[tuple[int, int]]:
    """Where along a vessel (point number) which vessels leave it."""
    points = tree.branches[index].points_lps_mm
    result = []
    for number, other in enumerate(tree.branches):
        if other.parent == index:
            nearest = int(np.argmin(((points - other.points_lps_mm[0]) ** 2).sum(1)))
            result.append((max(nearest, 1), number))
    return sorted(result)


def _stretch(
    vessel: Branch, start: int, stop: int, above: int, found: list[CentrelineBranch]
) -> CentrelineBranch:
    points = np.array(vessel.points_lps_mm[start : stop + 1], float)
    radius = np.array(vessel.radius_mm[start : stop + 1], float)
    if start == 0 and above >= 0:
        points[0] = found[above].points_lps_mm[-1]
    name = UNKNOWN if vessel.name == TWIG else vessel.name
    return CentrelineBranch(above, points, radius, np.pi * radius**2, name, 1.0 if name else 0.0)
