"""Names for the branches of both trees, by anatomy: LM, LAD, D, S, LCx, OM, RI, RCA, CB, SN, RV, AM, PDA, PLB.

The story: tell left from right, find the trunks and with them the heart's own axes, name what leaves the trunks by
where it runs, state which side feeds the back of the heart. Each name has a confidence; below ``LEAST`` a branch stays
without one, since a wrong name costs more than none. Only the trees are looked at, so a turned patient makes no
difference when both are there. Names follow the SCCT model (Leipsic et al. 2014); beyond the origin of the posterior
descending artery the right coronary is called PLB, as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..volume import Volume
from .heart_frame import HeartFrame
from .left_names import left_names
from .paths import path_along
from .renaming import renamed
from .right_names import right_names
from .sides import tell_sides
from .tree import UNKNOWN, CentrelineTree
from .trunks import LeftTrunks, find_trunks

__all__ = ["LEAST", "name_trees", "renamed"]

LEAST, MOST = 0.4, 0.99
"""A name that is less sure than the first is not given; as sure as 1 are only names that a person gave."""
FAINT = 0.2
"""A posterior descending artery of this confidence has no name yet, but says which side is dominant."""
Names = dict[int, tuple[str, float]]


def name_trees(
    trees: Mapping[str, CentrelineTree], *, heart: Volume | None = None
) -> dict[str, CentrelineTree]:
    """The trees with names, confidences, sides and dominance; keys stay, except that two systems that were given
    without a side are put under "left" and "right".

    ``trees`` are one or several rooted systems in LPS mm. ``heart`` (labels or probability of the whole heart) is not
    needed; it only decides sides where the trees alone leave them open. Names given before are replaced. Systems beyond
    one left and one right stay without names, with a warning.
    """
    sided = tell_sides(trees, heart)
    left, right = (next((t for t in sided.values() if t.side == side), None) for side in ("left", "right"))
    if left is None and right is None:
        return {key: _without_names(tree) for key, tree in sided.items()}
    frame, left_trunks, right_trunk = find_trunks(left, right)
    zero = front_of_septum_deg(left, left_trunks, frame)
    left_found = {} if left is None else left_names(left, left_trunks, frame, zero)
    right_found = {} if right is None else right_names(right, right_trunk, frame, zero)
    dominance = dominance_of(left_found, right_found, left is not None, right is not None)
    result = {}
    for key, tree in sided.items():
        if tree is left or tree is right:
            result[key] = replace(_named(tree, left_found if tree is left else right_found), dominance=dominance)
        else:
            result[key] = _without_names(tree)
    return result


def front_of_septum_deg(left: CentrelineTree | None, trunks: LeftTrunks | None, frame: HeartFrame) -> float:
    """Angle round the long axis at which the LAD runs down: from there all angles are counted. 45 without an LAD."""
    if left is None or trunks is None or not trunks.lad:
        return 45.0
    lad = path_along(left, trunks.lm + trunks.lad, frame)
    top = max(float(lad.height_mm.max()), 20.0)
    part = (lad.height_mm > 0.15 * top) & (lad.height_mm < 0.7 * top)
    return float(np.median(lad.angle_deg[part])) if part.sum() >= 3 else 45.0


def dominance_of(left: Names, right: Names, has_left: bool, has_right: bool) -> str:
    """Which side gives the posterior descending artery; both or shared with the posterolateral ones: co-dominant."""
    def sure(names: Names, family: str, least: float) -> float:
        return max((c for name, c in names.values() if name.startswith(family) and c >= least), default=0.0)

    # Which of several branches it is may be open where there is no doubt about the side they come from.
    from_right, from_left = sure(right, "PDA", FAINT), sure(left, "PDA", FAINT)
    lateral_right, lateral_left = sure(right, "PLB", LEAST), sure(left, "PLB", LEAST)
    if from_right and from_left and min(from_right, from_left) >= LEAST:
        return "co-dominant"
    if from_right and from_left:
        return "right" if from_right > from_left else "left"
    if from_right:
        shared = lateral_left and not lateral_right and has_left
        return "co-dominant" if shared else "right"
    if from_left:
        return "left"
    return ""


def _named(tree: CentrelineTree, names: Names) -> CentrelineTree:
    branches = []
    for index, branch in enumerate(tree.branches):
        name, confidence = names.get(index, (UNKNOWN, 0.0))
        if confidence < LEAST or not name:
            name, confidence = UNKNOWN, 0.0
        branches.append(replace(branch, name=name, confidence=round(min(float(confidence), MOST), 3)))
    return tree.with_branches(branches)


def _without_names(tree: CentrelineTree) -> CentrelineTree:
    warning = "It is not certain which coronary system this is; its branches have no names."
    warnings = tree.warnings if warning in tree.warnings else (*tree.warnings, warning)
    return replace(_named(tree, {}), dominance="", warnings=warnings)
