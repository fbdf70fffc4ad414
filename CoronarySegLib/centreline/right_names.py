"""Names in the right tree: the RCA up to the posterior descending artery, and what leaves it on the way."""

from __future__ import annotations

from .heart_frame import HeartFrame
from .numbers import numbered
from .posterior import RIGHT_BACK, posterior_descending
from .side_branches import SideBranch, course_of, ramp, side_branches_of
from .tree import CentrelineTree
from .trunks import RightTrunk

ACUTE_MARGIN_DEG = 62.0
"""The acute marginal leaves at least so far round from the LAD."""
LEAST_KEPT = 0.4


def right_names(
    tree: CentrelineTree, trunk: RightTrunk, frame: HeartFrame, zero_deg: float
) -> dict[int, tuple[str, float]]:
    """Name and confidence by branch; branches without a name are left out."""
    sides = side_branches_of(tree, trunk.rca, frozenset(), frame, zero_deg)
    descending = posterior_descending(tree, trunk.rca, trunk.confidence, sides, RIGHT_BACK, frame, zero_deg)
    faint, descending = (descending, None) if descending and descending[1] < LEAST_KEPT else (None, descending)
    names = _trunk_names(tree, trunk, descending, frame, zero_deg)
    families: dict[str, list[tuple[SideBranch, float]]] = {}
    taken = set() if descending is None else set(descending[0].stem)
    if descending is not None:
        families["PDA"] = [descending]
    for side in sides:
        if side.stem[0] in taken:
            continue
        family, confidence = (
            _behind(side, descending) if _gone(side.start_deg) > RIGHT_BACK.first_deg else _in_front(side)
        )
        confidence *= float(trunk.confidence[tree.branches[side.stem[0]].parent])
        on_trunk = names.get(tree.branches[side.stem[0]].parent, ("", 0.0))[0]
        if family and confidence >= LEAST_KEPT and on_trunk in ("RCA", "PLB"):
            families.setdefault(family, []).append((side, confidence))
    _find_acute_marginal(families)
    for family in ("CB", "SN", "AM"):
        _only_the_surest(families, family)
    _number(names, families, trunk)
    if faint is not None:  # not sure enough for a name, but it counts for the dominance
        for index in faint[0].stem:
            names.setdefault(index, ("PDA", faint[1]))
    return names


def _trunk_names(tree, trunk: RightTrunk, descending, frame, zero_deg) -> dict[int, tuple[str, float]]:
    """The trunk is the RCA as far as the posterior descending artery leaves, then a posterolateral branch."""
    names: dict[int, tuple[str, float]] = {}
    label, passed = "RCA", False
    for number, index in enumerate(trunk.rca):
        if descending is not None and index in descending[0].stem:
            break
        names[index] = (label, float(trunk.confidence[index]) * (0.9 if passed else 1.0))
        rest = trunk.rca[number + 1 :]
        if descending is not None and rest and tree.branches[descending[0].stem[0]].parent == index:
            label, passed = "PLB", True
    if descending is None:
        # Where nothing says that it ends, the last stretch may as well be a branch: it is less sure.
        for index in trunk.rca:
            course = course_of(tree, (index,), 0.0, frame, zero_deg)
            if _gone(course.middle_deg) > 150.0 or course.top_mm > 25.0:
                names[index] = ("RCA", 0.5 * names[index][1])
    return names


def _behind(side: SideBranch, descending) -> tuple[str, float]:
    """Past the acute margin: on the left ventricle's side of the posterior descending artery posterolateral."""
    if descending is None:
        return "", 0.0
    past = _gone(side.middle_deg) - _gone(descending[0].middle_deg)
    later = ramp(side.trunk_mm - descending[0].trunk_mm, -15.0, 5.0)
    lateral = max(ramp(past, -5.0, 15.0), 0.8 * later * ramp(past, -25.0, 0.0))
    posterolateral = 0.9 * lateral * ramp(side.length_mm, 8.0, 20.0) * ramp(side.apical, -0.6, -0.2)
    marginal = 0.8 * ramp(past, -35.0, -60.0) * ramp(side.top_mm, 10.0, 20.0) * ramp(side.length_mm, 15.0, 30.0)
    return ("PLB", posterolateral) if posterolateral >= marginal else ("AM", marginal)


def _in_front(side: SideBranch) -> tuple[str, float]:
    """Before the acute margin: first the conus and sinus-node branches, then those of the right ventricle."""
    long = ramp(side.length_mm, 8.0, 20.0)
    node = 0.85 * ramp(-side.apical, 0.35, 0.65) * ramp(side.trunk_mm, 55.0, 35.0) * long
    if node >= LEAST_KEPT:
        return "SN", node
    forward = ramp(side.apical, -0.5, 0.0) * long
    conus = 0.8 * forward * ramp(side.trunk_mm, 22.0, 14.0) * ramp(side.outward, -0.1, 0.4)
    conus *= ramp(side.top_mm, 35.0, 22.0)  # what runs far down is a branch of the right ventricle with an early origin
    if conus >= LEAST_KEPT:
        return "CB", conus
    down = forward * max(ramp(side.apical, 0.0, 0.4), ramp(side.top_mm, 5.0, 15.0))
    return "RV", 0.85 * down


def _find_acute_marginal(families: dict[str, list[tuple[SideBranch, float]]]) -> None:
    """Of the right ventricle's branches that leave near the acute margin, the one that runs farthest down it."""
    members = families.get("RV", [])
    suited = [
        member for member in members
        if _gone(member[0].start_deg) > ACUTE_MARGIN_DEG and member[0].length_mm > 18.0 and member[0].top_mm > 10.0
    ]
    if not suited or families.get("AM"):
        return
    likeness = [side.top_mm / 30.0 + _gone(side.start_deg) / 40.0 for side, _ in suited]
    best = suited[likeness.index(max(likeness))]
    members.remove(best)
    clear = ramp(_gone(best[0].start_deg), 55.0, 75.0) * ramp(best[0].top_mm, 5.0, 22.0)
    families["AM"] = [(best[0], best[1] * (0.55 + 0.45 * clear))]


def _only_the_surest(families: dict[str, list[tuple[SideBranch, float]]], family: str) -> None:
    """There is one of its kind. A second acute marginal is one more branch of the right ventricle, others have no
    name."""
    members = families.get(family, [])
    if len(members) < 2:
        return
    best = max(members, key=lambda member: member[1] * member[0].length_mm)
    families[family] = [best]
    if family == "AM":
        families.setdefault("RV", []).extend(member for member in members if member is not best)


def _number(names: dict, families: dict, trunk: RightTrunk) -> None:
    for family, members in families.items():
        members.sort(key=lambda member: member[0].trunk_mm)
        goes_on = family == "PLB" and any(name == "PLB" for name, _ in names.values())
        labels = numbered(family, len(members) + goes_on)
        if goes_on:  # the trunk that goes on as a posterolateral branch is the last of them
            for index in trunk.rca:
                if names.get(index, ("", 0.0))[0] == "PLB":
                    names[index] = (labels[-1], names[index][1])
        for name, (side, confidence) in zip(labels, members, strict=False):
            for index in side.stem:
                names[index] = (name, confidence)


def _gone(angle_deg: float) -> float:
    return RIGHT_BACK.gone_deg(angle_deg)
