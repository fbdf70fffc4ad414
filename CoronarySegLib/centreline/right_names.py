"""Names in the right tree: the RCA up to the posterior descending artery, and what leaves it on the way."""

from __future__ import annotations

from .heart_frame import HeartFrame
from .numbers import numbered
from .side_branches import SideBranch, course_of, ramp, side_branches_of
from .tree import CentrelineTree
from .trunks import RightTrunk

CRUX_DEG = -100.0
"""From here on (seen from the LAD, round to the right) a branch may be one of the back of the heart."""
PDA_DEG = -180.0
LEAST_KEPT = 0.4


def right_names(
    tree: CentrelineTree, trunk: RightTrunk, frame: HeartFrame, zero_deg: float
) -> dict[int, tuple[str, float]]:
    """Name and confidence by branch; branches without a name are left out."""
    sides = side_branches_of(tree, trunk.rca, frozenset(), frame, zero_deg)
    descending = _posterior_descending(tree, trunk, sides, frame, zero_deg)
    names = _trunk_names(tree, trunk, descending, frame, zero_deg)
    families: dict[str, list[tuple[SideBranch, float]]] = {}
    taken = set() if descending is None else set(descending[0].stem)
    if descending is not None:
        families["PDA"] = [descending]
    for side in sides:
        if side.stem[0] in taken:
            continue
        family, confidence = _behind(side, descending) if _turn(side.start_deg) < CRUX_DEG else _in_front(side)
        confidence *= float(trunk.confidence[tree.branches[side.stem[0]].parent])
        on_trunk = names.get(tree.branches[side.stem[0]].parent, ("", 0.0))[0]
        if family and confidence >= LEAST_KEPT and on_trunk in ("RCA", "PLB"):
            families.setdefault(family, []).append((side, confidence))
    for family in ("CB", "SN", "AM"):
        _only_the_surest(families, family)
    _number(names, families, trunk)
    return names


def _posterior_descending(tree, trunk: RightTrunk, sides: list[SideBranch], frame, zero_deg):
    """The branch that runs to the apex at the back of the septum, as (course, confidence), or None.

    It is one of the side branches past the acute margin, or what the trunk itself does after its last such branch.
    """
    candidates = [side for side in sides if _turn(side.start_deg) < CRUX_DEG]
    starts = {tree.branches[side.stem[0]].parent: side.trunk_mm for side in candidates}
    for parent, run in starts.items():
        rest = trunk.rca[trunk.rca.index(parent) + 1 :]
        if rest:
            candidates.append(course_of(tree, rest, run, frame, zero_deg))
    best, score = None, 0.0
    for side in candidates:
        value = (
            0.95 * ramp(side.top_mm, 2.0, 22.0) * ramp(abs(_turn(side.middle_deg) - PDA_DEG), 55.0, 20.0)
            * ramp(side.length_mm, 10.0, 25.0) * max(ramp(side.apical, -0.2, 0.3), 0.5)
        )
        if value > score:
            best, score = side, value
    if best is None:
        return None
    score *= max(0.5, float(trunk.confidence[tree.branches[best.stem[0]].parent]))
    return (best, score) if score >= LEAST_KEPT else None


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
            if _turn(course.middle_deg) < -150.0 or course.top_mm > 25.0:
                names[index] = ("RCA", 0.5 * names[index][1])
    return names


def _behind(side: SideBranch, descending) -> tuple[str, float]:
    """Past the acute margin: on the left ventricle's side of the posterior descending artery posterolateral."""
    if descending is None:
        return "", 0.0
    past = _turn(descending[0].middle_deg) - _turn(side.middle_deg)
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
    if conus >= LEAST_KEPT:
        return "CB", conus
    down = forward * max(ramp(side.apical, 0.0, 0.4), ramp(side.top_mm, 5.0, 15.0))
    margin = ramp(_turn(side.start_deg), -65.0, -80.0) * ramp(side.top_mm, 12.0, 25.0)
    acute = 0.85 * down * margin * ramp(side.length_mm, 18.0, 32.0)
    return ("AM", acute) if acute >= 0.5 else ("RV", 0.85 * down)


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


def _turn(angle_deg: float) -> float:
    """Angles of the right side from 60 down to -300, so that behind the heart they go on and do not jump."""
    return angle_deg - 360.0 if angle_deg > 60.0 else angle_deg
