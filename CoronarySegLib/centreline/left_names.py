"""Names in the left tree: what leaves LM, LAD and LCx, told by its course."""

from __future__ import annotations

from .heart_frame import HeartFrame
from .numbers import numbered
from .posterior import LEFT_BACK, posterior_descending
from .side_branches import SideBranch, ramp, side_branches_of
from .tree import CentrelineTree
from .trunks import LeftTrunks

RI_MM = 6.0
"""A branch between LAD and LCx that leaves this near to their parting is a ramus intermedius."""
LEAST_KEPT = 0.4


def left_names(
    tree: CentrelineTree, trunks: LeftTrunks, frame: HeartFrame, zero_deg: float
) -> dict[int, tuple[str, float]]:
    """Name and confidence by branch; branches without a name are left out."""
    names: dict[int, tuple[str, float]] = {}
    for name, branches in (("LM", trunks.lm), ("LAD", trunks.lad), ("LCx", trunks.lcx)):
        for index in branches:
            names[index] = (name, float(trunks.confidence[index]))
    if not trunks.lcx:  # without a bifurcation nothing says where a left main would end
        return names
    main_mm = sum(tree.branches[i].length_mm for i in trunks.lm)
    every = frozenset(trunks.lm + trunks.lad + trunks.lcx)
    families: dict[str, list[tuple[SideBranch, float]]] = {}
    descending = _descending(tree, trunks, every, frame, zero_deg)
    faint, descending = (descending, None) if descending and descending[1] < LEAST_KEPT else (None, descending)
    if descending is not None:
        families["PDA"] = [descending]
    for trunk, judge in ((trunks.lad, _of_lad), (trunks.lcx, _of_lcx)):
        for side in side_branches_of(tree, trunks.lm + trunk, every, frame, zero_deg):
            if any(side.stem[0] in other.stem for members in families.values() for other, _ in members):
                continue  # what leaves the left main is met on both ways
            family, confidence = _between(side, side.trunk_mm - main_mm)
            if confidence < LEAST_KEPT and side.trunk_mm > main_mm + 1e-6:
                family, confidence = judge(side)
            if family == "PLB" and descending is not None:
                confidence *= ramp(_gone(side) - _gone(descending[0]), 25.0, 5.0)
            sure = float(trunks.confidence[tree.branches[side.stem[0]].parent])
            if family and confidence * sure >= LEAST_KEPT:
                families.setdefault(family, []).append((side, confidence * sure))
    _only_one_ramus(families)
    for family, members in families.items():
        members.sort(key=lambda member: member[0].trunk_mm)
        for name, (side, confidence) in zip(numbered(family, len(members)), members, strict=True):
            for index in side.stem:
                names[index] = (name, confidence)
    if faint is not None:  # not sure enough for a name, but it counts for the dominance
        for index in faint[0].stem:
            names.setdefault(index, ("PDA", faint[1]))
    return names


def _descending(tree, trunks: LeftTrunks, every, frame, zero_deg) -> tuple[SideBranch, float] | None:
    """The posterior descending artery where the LCx comes so far round."""
    way = trunks.lm + trunks.lcx
    sides = side_branches_of(tree, way, every, frame, zero_deg)
    return posterior_descending(tree, way, trunks.confidence, sides, LEFT_BACK, frame, zero_deg)


def _between(side: SideBranch, behind_mm: float) -> tuple[str, float]:
    """A ramus: from the parting of LAD and LCx, over the free wall between both."""
    near = ramp(behind_mm, RI_MM, 1.0) if behind_mm >= -1e-6 else ramp(behind_mm, -4.0, -1.0)
    between = ramp(side.middle_deg, -5.0, 10.0) * ramp(side.middle_deg, 110.0, 90.0)
    return "RI", 0.9 * near * between * ramp(side.top_mm, 12.0, 25.0) * ramp(side.length_mm, 12.0, 25.0)


def _of_lad(side: SideBranch) -> tuple[str, float]:
    """Into the muscle: septal. Round to the left on the surface: diagonal. To the right: a branch without a name."""
    long = ramp(side.length_mm, 6.0, 20.0)
    # A large diagonal may first run down beside the LAD and turn away later.
    lateral = max(ramp(side.leftward, -0.2, 0.2), ramp(side.middle_deg - side.start_deg, 10.0, 22.0))
    septal = 0.9 * ramp(-side.outward, 0.6, 0.85) * ramp(side.share, 0.95, 0.7) * (1.0 - lateral)
    diagonal = 0.95 * lateral * ramp(-side.outward, 0.95, 0.65) * ramp(side.apical, -0.4, 0.1)
    return ("S", septal * long) if septal > diagonal else ("D", diagonal * long)


def _of_lcx(side: SideBranch) -> tuple[str, float]:
    """Down the free wall: marginal. Behind: posterolateral."""
    down = max(ramp(side.apical, 0.0, 0.4), ramp(side.top_mm, 10.0, 22.0)) * ramp(side.length_mm, 8.0, 20.0)
    behind = _gone(side)
    if behind < 120.0:
        return "OM", 0.95 * down * ramp(behind, 125.0, 100.0)
    return "PLB", 0.9 * down * ramp(behind, 110.0, 130.0) * ramp(behind, 200.0, 180.0)


def _only_one_ramus(families: dict[str, list[tuple[SideBranch, float]]]) -> None:
    """Of several the surest is the ramus; the others are what lies beside it: nothing that has a name."""
    if len(families.get("RI", ())) > 1:
        families["RI"] = [max(families["RI"], key=lambda member: member[1] * member[0].length_mm)]


def _gone(side: SideBranch) -> float:
    return LEFT_BACK.gone_deg(side.middle_deg)
