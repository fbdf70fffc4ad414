"""The heart's own axes out of the coronary trees: where the apex is, where left, where front, whichever way the patient
lies in the scanner.

Both atrioventricular grooves lie near one plane. The right coronary and the circumflex run in them, so the plane
through these two gives the long axis; the way from the right tree to the left gives the direction left. A rough frame
from the masses of both trees comes first, and holds the plane where the trunks are too short to say much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .tree import CentrelineTree

APEX_LPS = np.array([0.55, -0.63, -0.52])
"""Long axis of an average heart in the chest, LPS; used when there is one tree only."""
LEFT_LPS = np.array([0.78, 0.47, 0.30])
OSTIUM_MM = {"left": (28.0, 29.0), "right": (2.0, 33.0)}
"""Where the ostia lie in the plane of the grooves: to the left and to the front of the ring's centre. Mean of 58
phantoms, standard deviation 4 to 10 mm; used when there is one tree only."""
APEX_IN_MASSES = np.array([0.40, 0.50, 0.77])
"""Long axis in the frame of the masses: left, front, away from the ostia (see ``_mass_axes``). Mean of 27 phantoms;
single hearts are 5 to 25 degrees off, which the fit to the grooves mends."""
PRIOR_MM2 = 120.0
"""How far the rough axis holds the fitted plane: as a ring whose points scatter this variance less along it."""


@dataclass(frozen=True)
class HeartFrame:
    """``centre_lps_mm`` of the grooves' ring and unit axes in LPS: ``apex`` along the long axis, ``left`` and ``front``
    (towards the aorta) in the plane of the grooves."""

    centre_lps_mm: np.ndarray
    apex: np.ndarray
    left: np.ndarray
    front: np.ndarray

    def height_mm(self, points_lps_mm: np.ndarray) -> np.ndarray:
        """Distance from the plane of the grooves towards the apex (n,)."""
        return (points_lps_mm - self.centre_lps_mm) @ self.apex

    def angle_deg(self, points_lps_mm: np.ndarray) -> np.ndarray:
        """Angle round the long axis (n,): 0 in front, 90 to the left, 180 behind at the crux, -90 to the right."""
        away = points_lps_mm - self.centre_lps_mm
        return np.degrees(np.arctan2(away @ self.left, away @ self.front))

    def reach_mm(self, points_lps_mm: np.ndarray) -> np.ndarray:
        """Distance from the long axis (n,)."""
        away = points_lps_mm - self.centre_lps_mm
        return np.hypot(away @ self.left, away @ self.front)


def rough_frame(left: CentrelineTree | None, right: CentrelineTree | None) -> HeartFrame:
    """A frame before any vessel has a name: from the masses of both trees, or how hearts usually lie for one tree."""
    masses = [_mass(tree) for tree in (left, right) if tree is not None]
    if left is None or right is None:
        tree = left if left is not None else right
        frame = _frame(tree.ostium_lps_mm, APEX_LPS, LEFT_LPS)
        aside, before = OSTIUM_MM["left" if tree is left else "right"]
        return _frame(tree.ostium_lps_mm - aside * frame.left - before * frame.front, APEX_LPS, LEFT_LPS)
    ostia = 0.5 * (left.ostium_lps_mm + right.ostium_lps_mm)
    axes = _mass_axes(masses[0], masses[1], ostia)
    apex = APEX_IN_MASSES @ axes
    middle = 0.5 * (masses[0] + masses[1])
    # The grooves run at the height of the ostia; their ring lies behind the aorta and a little to the right.
    centre = middle - apex * ((middle - ostia) @ apex)
    frame = _frame(centre, apex, masses[0] - masses[1])
    return _frame(centre - 14.0 * frame.front - 6.0 * frame.left, apex, frame.left)


def fitted_frame(rough: HeartFrame, ring_lps_mm: np.ndarray, weights: np.ndarray) -> HeartFrame:
    """The frame whose plane fits the points (n, 3) of the trunks in the grooves; ``weights`` (n,) in mm of vessel.

    The rough frame fills in what few points leave open.
    """
    if len(ring_lps_mm) < 3:
        return rough
    share = weights / weights.sum()
    middle = share @ ring_lps_mm
    away = ring_lps_mm - middle
    scatter = (away * share[:, None]).T @ away
    _, axes = np.linalg.eigh(scatter - PRIOR_MM2 * np.outer(rough.apex, rough.apex))
    apex = axes[:, 0] * (1.0 if axes[:, 0] @ rough.apex >= 0 else -1.0)
    frame = _frame(middle, apex, rough.left)
    centre = _ring_centre(frame, ring_lps_mm, share, rough.centre_lps_mm)
    return _frame(centre, apex, rough.left)


def _ring_centre(
    frame: HeartFrame, ring_lps_mm: np.ndarray, share: np.ndarray, rough_centre: np.ndarray
) -> np.ndarray:
    """Centre of the circle through the ring (algebraic fit), drawn towards the rough centre where the ring is short."""
    away = ring_lps_mm - frame.centre_lps_mm
    flat = np.stack([away @ frame.left, away @ frame.front], axis=1)
    start = np.array([(rough_centre - frame.centre_lps_mm) @ frame.left,
                      (rough_centre - frame.centre_lps_mm) @ frame.front])
    squared = (flat**2).sum(1)
    # |p|^2 = 2 p.c + k; every unknown centre is held by a spring to the rough one.
    design = np.column_stack([2.0 * flat, np.ones(len(flat))])
    normal = design.T @ (design * share[:, None])
    value = design.T @ (squared * share)
    hold = np.diag([400.0, 400.0, 0.0])
    centre = np.linalg.solve(normal + hold, value + hold @ np.r_[start, 0.0])[:2]
    return frame.centre_lps_mm + centre[0] * frame.left + centre[1] * frame.front


def _mass_axes(left: np.ndarray, right: np.ndarray, ostia: np.ndarray) -> np.ndarray:
    """Rows: from the right mass to the left one; front; from the ostia to the masses, square to the first."""
    x = (left - right) / np.linalg.norm(left - right)
    z = 0.5 * (left + right) - ostia
    z = z - x * (x @ z)
    z /= max(float(np.linalg.norm(z)), 1e-6)
    return np.stack([x, np.cross(z, x), z])


def _mass(tree: CentrelineTree) -> np.ndarray:
    """Centre of the tree's length."""
    centres = np.array([b.points_lps_mm.mean(0) for b in tree.branches])
    lengths = np.array([b.length_mm for b in tree.branches])
    return lengths @ centres / lengths.sum()


def _frame(centre: np.ndarray, apex: np.ndarray, left: np.ndarray) -> HeartFrame:
    apex = apex / np.linalg.norm(apex)
    left = left - apex * (apex @ left)
    left = left / max(float(np.linalg.norm(left)), 1e-6)
    return HeartFrame(np.asarray(centre, float), apex, left, np.cross(apex, left))
