"""Stretches of a vessel of which the network, or several of them, are not sure."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from .ground import Ground, label_of
from .suspects import Kind, Suspect, place_of

UNSURE = 0.62
"""Probability in the middle of the lumen, where it is highest; one half is the wall."""
DIFFERING = 0.25
"""Standard deviation of several models: half of them say no where it is 0.5."""
OVER_MM = 3.0
SHORTEST_MM = 1.5
LONG_MM = 25.0
"""So much of a doubtful vessel is a branch that may be none."""


def low_confidence(ground: Ground) -> list[Suspect]:
    """One entry a stretch of a branch."""
    case = ground.case
    if case.probability is None and case.variance is None:
        return []
    found = []
    for key, tree in sorted(case.trees.items()):
        for index, branch in enumerate(tree.branches):
            step = max(branch.length_mm / (len(branch.arc_mm) - 1), 1e-3)
            doubt, said = _doubt(ground, branch.points_lps_mm, max(1, round(OVER_MM / step)))
            vessel = label_of(case, key, index)
            for run in _runs(doubt > 0.0):
                length = branch.arc_mm[run[-1]] - branch.arc_mm[run[0]]
                if length < SHORTEST_MM:
                    continue
                worst = run[int(np.argmax(doubt[run]))]
                calibre = min(1.0, float(np.nan_to_num(branch.radius_mm[worst])) / 1.2)
                score = 0.2 + (0.25 * float(doubt[worst]) + 0.3 * min(1.0, length / LONG_MM)) * (0.5 + 0.5 * calibre)
                found.append(Suspect(
                    Kind.CONFIDENCE, place_of(branch.points_lps_mm[worst]), score,
                    f"Over {length:.0f} mm of {vessel} {said}: compare its course with the image.", key, index, vessel,
                ))
    return found


def _doubt(ground: Ground, places: np.ndarray, over: int) -> tuple[np.ndarray, str]:
    """0 (sure) to 1 along a course, negative where there is nothing to say, and what it means in words."""
    case = ground.case
    if case.variance is not None:
        spread = np.sqrt(np.maximum(ground.along(case.variance, places), 0.0))
        smooth = uniform_filter1d(spread, over, mode="nearest")
        return (smooth - DIFFERING) / (0.5 - DIFFERING), "the models do not agree"
    likely = uniform_filter1d(ground.along(case.probability, places).astype(float), over, mode="nearest")
    return (UNSURE - likely) / UNSURE, "the network is not sure"


def _runs(flags: np.ndarray) -> list[np.ndarray]:
    """Consecutive indices of True."""
    places = np.flatnonzero(flags)
    return np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []
