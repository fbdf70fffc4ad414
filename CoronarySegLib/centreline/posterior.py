"""The posterior descending artery: the branch at the back of the septum, from whichever trunk comes so far round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .heart_frame import HeartFrame
from .side_branches import SideBranch, course_of, ramp
from .tree import CentrelineTree

SHARPNESS = 0.35
"""Candidates that differ by this much in likeness differ e-fold in trust."""
LATERAL_DEG = 30.0
"""A branch that runs so much farther round has to come down 25 mm farther to be taken for the posterior descending."""
TURN_DOWN = 0.1
"""A trunk that does not turn towards the apex after a branch is still in its groove there."""


@dataclass(frozen=True)
class BackOfHeart:
    """How a side's angles are read at the back: ``first_deg`` round from the LAD a branch may leave to be one of the
    back, and from ``septum_deg`` on (never, surely) its course lies behind the septum; ``sign`` is 1 for the left
    trunk, -1 for the right one, which passes the acute margin's branches before."""

    sign: int
    first_deg: float
    septum_deg: tuple[float, float]

    def gone_deg(self, angle_deg: float) -> float:
        """How far round the heart, 0 at the LAD, about 180 at the back of the septum; it goes on beyond that."""
        gone = self.sign * angle_deg
        return gone + 360.0 if gone < -60.0 else gone


LEFT_BACK = BackOfHeart(1, 125.0, (125.0, 145.0))
RIGHT_BACK = BackOfHeart(-1, 100.0, (138.0, 158.0))
TRUNK_DEG = 125.0
"""A trunk that turns down before it has come so far round is still on its way in the groove."""


def posterior_descending(
    tree: CentrelineTree, trunk: tuple[int, ...], confidence: np.ndarray, sides: list[SideBranch],
    back: BackOfHeart, frame: HeartFrame, zero_deg: float,
) -> tuple[SideBranch, float] | None:
    """The course that runs down at the back of the septum with its confidence, or None where none looks like it.

    ``trunk`` are the branches from the ostium, ``sides`` what leaves them. It is one of the side branches there, or
    what the trunk itself does after one of them. The longest way down counts, and of several the one nearest to the
    side its trunk comes from: those farther on supply the free wall.
    """
    candidates = [side for side in sides if back.gone_deg(side.start_deg) > back.first_deg]
    starts = {tree.branches[side.stem[0]].parent: side.trunk_mm for side in candidates}
    for parent, run in starts.items():
        rest = trunk[trunk.index(parent) + 1 :]
        if rest:
            course = course_of(tree, rest, run, frame, zero_deg)
            if course.apical > TURN_DOWN and back.gone_deg(course.start_deg) > TRUNK_DEG:
                candidates.append(course)
    if not candidates:
        return None
    quality = np.array([_quality(side, back) for side in candidates])
    if quality.max() <= 0.0:
        return None
    gone = np.array([back.gone_deg(side.middle_deg) for side in candidates])
    down = np.array([min(side.top_mm, 45.0) / 25.0 + min(side.length_mm, 70.0) / 60.0 for side in candidates])
    near = gone[quality > 0.3].min(initial=gone.max()) if back.sign < 0 else gone[quality > 0.3].max(initial=gone.min())
    likeness = np.where(quality > 0.0, down - np.abs(gone - near) / LATERAL_DEG, -np.inf)
    trust = np.exp((likeness - likeness.max()) / SHARPNESS)
    best = int(np.argmax(trust * quality))
    share = float(trust[best] / trust.sum())
    sure = float(confidence[tree.branches[candidates[best].stem[0]].parent])
    return candidates[best], 0.95 * float(quality[best]) * (0.1 + 0.9 * share) * max(0.5, sure)


def _quality(side: SideBranch, back: BackOfHeart) -> float:
    """0..1: lies at the back, comes down, is long enough to be sure of."""
    gone = back.gone_deg(side.middle_deg)
    place = ramp(gone, *back.septum_deg) * ramp(gone, 235.0, 210.0)
    return place * ramp(side.top_mm, 0.0, 10.0) * ramp(side.length_mm, 10.0, 26.0) * ramp(side.apical, -0.5, 0.0)
