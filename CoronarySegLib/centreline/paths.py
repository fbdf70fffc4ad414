"""Ways from the ostium to every free end, in the heart's own coordinates: what trunks and side branches are told by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .heart_frame import HeartFrame
from .tree import CentrelineTree

STEP_MM = 1.5
GROOVE_MM = 20.0
"""A vessel that has come this far towards the apex has left the groove."""
AXIS_MM = 12.0
"""Nearer to the long axis than this the angle round it says nothing (the apex)."""


@dataclass(frozen=True)
class Path:
    """One way at even steps of ``STEP_MM``. ``branches`` from the root to an end; per point: arc length, the branch it
    lies on, height towards the apex, angle round the long axis (unwrapped, degrees), distance from the axis, radius."""

    branches: tuple[int, ...]
    points_lps_mm: np.ndarray
    arc_mm: np.ndarray
    branch: np.ndarray
    height_mm: np.ndarray
    angle_deg: np.ndarray
    reach_mm: np.ndarray
    radius_mm: np.ndarray

    @property
    def length_mm(self) -> float:
        return float(self.arc_mm[-1])

    def first_leaving(self) -> int:
        """The first point outside the groove; the number of points when there is none."""
        outside = np.flatnonzero(self.height_mm > GROOVE_MM)
        return int(outside[0]) if len(outside) else len(self.height_mm)


def path_along(tree: CentrelineTree, branches: tuple[int, ...], frame: HeartFrame) -> Path:
    """The curve of consecutive ``branches`` in the frame."""
    curve = tree.curve(branches)
    count = max(3, int(np.ceil(curve.length_mm / STEP_MM)) + 1)
    arc = np.linspace(0.0, curve.length_mm, count)
    points = np.stack([np.interp(arc, curve.arc_mm, column) for column in curve.points_lps_mm.T], axis=1)
    ends = np.cumsum([tree.branches[i].length_mm for i in branches])
    owner = np.asarray(branches)[np.minimum(np.searchsorted(ends, arc - 1e-6), len(branches) - 1)]
    return Path(
        tuple(branches), points, arc, owner, frame.height_mm(points), unwrapped_deg(frame, points),
        frame.reach_mm(points), np.interp(arc, curve.arc_mm, curve.radius_mm),
    )


def paths_to_leaves(tree: CentrelineTree, frame: HeartFrame) -> list[Path]:
    return [path_along(tree, tree.path_from_ostium(leaf), frame) for leaf in tree.leaves]


def unwrapped_deg(frame: HeartFrame, points_lps_mm: np.ndarray) -> np.ndarray:
    """Angle along a course without jumps; while it passes near the long axis it stays where it was."""
    angle = frame.angle_deg(points_lps_mm)
    far = frame.reach_mm(points_lps_mm) > AXIS_MM
    if not far.any():
        return angle
    index = np.arange(len(angle))
    held = angle[far][np.clip(np.searchsorted(index[far], index, side="right") - 1, 0, None)]
    return np.degrees(np.unwrap(np.radians(held)))


def main_stem(tree: CentrelineTree, start: int) -> tuple[int, ...]:
    """From ``start`` on, at every junction along the daughter that carries most: long, wide and straight on."""
    carried = carried_mm2(tree)
    stem = [start]
    while tree.children[stem[-1]]:
        heading = _heading(tree.branches[stem[-1]].points_lps_mm[::-1]) * -1.0
        stem.append(max(
            tree.children[stem[-1]],
            key=lambda child: carried[child] * (1.5 + _heading(tree.branches[child].points_lps_mm) @ heading),
        ))
    return tuple(stem)


def carried_mm2(tree: CentrelineTree) -> np.ndarray:
    """Length times radius of each branch and all that is distal of it (n,)."""
    carried = np.array([b.length_mm * float(np.nanmean(b.radius_mm)) for b in tree.branches])
    for index in range(len(tree.branches) - 1, 0, -1):
        carried[tree.branches[index].parent] += carried[index]
    return carried


def _heading(points_lps_mm: np.ndarray, reach_mm: float = 5.0) -> np.ndarray:
    """Unit direction over the first millimetres of a course."""
    away = np.linalg.norm(points_lps_mm - points_lps_mm[0], axis=1)
    far = np.flatnonzero(away > reach_mm)
    end = int(far[0]) if len(far) else len(points_lps_mm) - 1
    direction = points_lps_mm[end] - points_lps_mm[0]
    return direction / max(float(np.linalg.norm(direction)), 1e-6)
