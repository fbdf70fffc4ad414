"""The centreline of what is kept: diameters of an opened surface are compared with the mask over this part only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..centreline.tree import CentrelineBranch, CentrelineTree
from .cuts import Cut


def trimmed(tree: CentrelineTree, cuts: tuple[Cut, ...]) -> CentrelineTree:
    """The tree between its inlet and its outlets: each cut branch ends at its cut, what is distal of it goes."""
    ends = {cut.branch: cut.arc_mm for cut in cuts if cut.kind == "outlet"}
    start = {cut.branch: cut.arc_mm for cut in cuts if cut.kind == "inlet"}
    gone, kept, number = set(), [], {-1: -1}
    for index, branch in enumerate(tree.branches):
        if branch.parent in gone or (branch.parent in ends and branch.parent >= 0):
            gone.add(index)
            continue
        number[index] = len(kept)
        part = _between(branch, start.get(index, 0.0), ends.get(index, branch.length_mm))
        kept.append(replace(part, parent=number[branch.parent]))
    return tree.with_branches(kept)


def _between(branch: CentrelineBranch, start_mm: float, end_mm: float) -> CentrelineBranch:
    arc = branch.arc_mm
    inside = (arc > start_mm + 1e-6) & (arc < end_mm - 1e-6)
    places = np.r_[start_mm, arc[inside], max(end_mm, start_mm + 1e-3)]

    def at(values: np.ndarray) -> np.ndarray:
        return np.interp(places, arc, values)

    points = np.stack([at(branch.points_lps_mm[:, i]) for i in range(3)], axis=1)
    return replace(branch, points_lps_mm=points, radius_mm=at(branch.radius_mm), area_mm2=at(branch.area_mm2))
