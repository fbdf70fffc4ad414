"""Side branches of the trunks and what their courses say: towards the apex, into the septum, round to which side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .heart_frame import HeartFrame
from .paths import main_stem, path_along
from .tree import CentrelineTree

TAKE_OFF_MM = 20.0


@dataclass(frozen=True)
class SideBranch:
    """The main stem of what leaves a trunk. ``stem`` branches; ``trunk_mm`` where along the trunk's way it leaves.

    ``apical``, ``outward`` and ``leftward`` are the parts (-1..1) of its direction over the first ``TAKE_OFF_MM``:
    towards the apex, away from the long axis, round the heart to the left. ``start_deg`` and ``middle_deg`` are angles
    round the long axis from the LAD on, positive to the left (-180..180). ``top_mm`` is its greatest height above the
    grooves, ``share`` its calibre against the trunk's before it leaves.
    """

    stem: tuple[int, ...]
    trunk_mm: float
    length_mm: float
    apical: float
    outward: float
    leftward: float
    start_deg: float
    middle_deg: float
    top_mm: float
    share: float


def side_branches_of(
    tree: CentrelineTree, trunk: tuple[int, ...], others: frozenset[int], frame: HeartFrame, zero_deg: float
) -> list[SideBranch]:
    """What leaves the way ``trunk`` (branches from the ostium), in the order in which it leaves; ``others`` are left
    out."""
    found, run = [], 0.0
    for number, index in enumerate(trunk):
        run += tree.branches[index].length_mm
        after = trunk[number + 1] if number + 1 < len(trunk) else -1
        for child in tree.children[index]:
            if child != after and child not in others:
                found.append(course_of(tree, main_stem(tree, child), run, frame, zero_deg))
    return found


def course_of(
    tree: CentrelineTree, stem: tuple[int, ...], trunk_mm: float, frame: HeartFrame, zero_deg: float
) -> SideBranch:
    """The numbers of one course."""
    path = path_along(tree, stem, frame)
    near = path.points_lps_mm[path.arc_mm <= TAKE_OFF_MM]
    step = near[-1] - near[0]
    step = step / max(float(np.linalg.norm(step)), 1e-6)
    away = near[0] - frame.centre_lps_mm
    away = away - frame.apex * (away @ frame.apex)
    away = away / max(float(np.linalg.norm(away)), 1e-6)
    angle = path.angle_deg - zero_deg
    far = path.arc_mm >= min(0.4 * path.length_mm, 15.0)
    above = tree.branches[tree.branches[stem[0]].parent]
    trunk_radius = float(np.mean(above.radius_mm[-min(8, len(above.radius_mm)):]))
    return SideBranch(
        stem, trunk_mm, path.length_mm, float(step @ frame.apex), float(step @ away),
        # Round to the left is from front to left: against the cross product of axis and radius.
        float(step @ np.cross(away, frame.apex)), _wrapped(float(angle[0])),
        _wrapped(float(np.median(angle[far]))), float(path.height_mm.max()),
        float(np.mean(path.radius_mm)) / max(trunk_radius, 1e-3),
    )


def _wrapped(angle_deg: float) -> float:
    return (angle_deg + 180.0) % 360.0 - 180.0


def ramp(value: float, low: float, high: float) -> float:
    """0 below ``low``, 1 above ``high``, straight between; ``low`` > ``high`` turns it round."""
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
