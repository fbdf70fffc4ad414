"""Septal branches and twigs finer than a CT shows and a reader outlines, but plain to see on an angiogram."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ...phantom.courses import arc_length
from ...phantom.tree import Branch

STEP_MM = 0.5
FINE = "fine"
"""The name of all of them."""


def with_fine_vessels(
    branches: tuple[Branch, ...], parents: tuple[int, ...], heart_centre: np.ndarray, rng: np.random.Generator
) -> tuple[tuple[Branch, ...], tuple[int, ...]]:
    """The branches with twigs of 0.3 to 1.0 mm added at random places; mothers stay before daughters."""
    made, above = list(branches), list(parents)
    per_cm = rng.uniform(0.25, 0.9)
    for index, branch in enumerate(branches):
        arc = arc_length(branch.points_lps_mm)
        septal = branch.name == "LAD"
        for _ in range(rng.poisson((2.0 if septal else 1.0) * per_cm * arc[-1] / 10.0)):
            at = int(rng.uniform(0.1, 0.97) * (len(arc) - 3)) + 1
            radius = float(min(rng.uniform(0.15, 0.5), 0.55 * branch.healthy_radius_mm[at]))
            points = _course(branch, at, heart_centre, inwards=septal and rng.random() < 0.5, rng=rng)
            taper = np.linspace(radius, 0.5 * radius, len(points))
            made.append(replace(
                branch, name=FINE, parent=-1, points_lps_mm=points, radius_mm=taper, healthy_radius_mm=taper
            ))
            above.append(index)
    return tuple(made), tuple(above)


def _course(
    branch: Branch, at: int, heart_centre: np.ndarray, *, inwards: bool, rng: np.random.Generator
) -> np.ndarray:
    """A wandering course on the heart's surface, or into the septum."""
    start = branch.points_lps_mm[at]
    tangent = branch.points_lps_mm[at + 1] - branch.points_lps_mm[at - 1]
    tangent /= max(np.linalg.norm(tangent), 1e-6)
    outwards = start - heart_centre
    outwards /= max(np.linalg.norm(outwards), 1e-6)
    across = np.cross(tangent, outwards) * rng.choice([-1.0, 1.0])
    aim = -outwards if inwards else across
    heading = aim * rng.uniform(0.5, 1.0) + tangent * rng.uniform(0.2, 0.9) + rng.normal(0.0, 0.1, 3)
    count = max(8, int(rng.uniform(6.0, 32.0) / STEP_MM))
    turns = gaussian_filter1d(rng.normal(0.0, 1.0, (count, 3)), 6.0 / STEP_MM / 2.0, axis=0)
    steps = heading / np.linalg.norm(heading) + 0.9 * np.cumsum(turns, axis=0)
    if not inwards:
        # Twigs stay on the surface: no step leads into the muscle.
        steps -= np.outer(steps @ outwards, outwards) * 0.8
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    return start + np.r_[np.zeros((1, 3)), np.cumsum(steps, axis=0) * STEP_MM]
