"""Centreline trees with an analytic lumen: tapered, stenosed, forked, noisy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CoronarySegLib.centreline import CentrelineBranch, CentrelineTree
from CoronarySegLib.volume import Geometry

STEP_MM = 0.25


@dataclass(frozen=True)
class Narrowing:
    """A Gaussian one: ``share`` of the diameter gone at ``at_mm``, sigma a quarter of ``length_mm``."""

    at_mm: float
    share: float
    length_mm: float = 8.0


def grid(spacing_mm: float = 0.25) -> Geometry:
    return Geometry((8, 8, 8), (spacing_mm,) * 3)


def branch(
    start_mm, direction, length_mm: float, diameters_mm, narrowings=(), *, parent: int = -1, name: str = "",
    noise_mm: float = 0.0, seed: int = 0,
) -> CentrelineBranch:
    """Straight, with a diameter that falls linearly between ``diameters_mm`` (two) times the narrowings."""
    arc = np.linspace(0.0, length_mm, round(length_mm / STEP_MM) + 1)
    direction = np.asarray(direction, float) / np.linalg.norm(direction)
    diameter = np.interp(arc, [0.0, length_mm], diameters_mm)
    for one in narrowings:
        diameter = diameter * (1.0 - one.share * np.exp(-0.5 * ((arc - one.at_mm) / (one.length_mm / 4.0)) ** 2))
    diameter = diameter + np.random.default_rng(seed).normal(0.0, noise_mm, len(arc)) if noise_mm else diameter
    radius = np.maximum(0.5 * diameter, 0.0)
    return CentrelineBranch(
        parent, np.asarray(start_mm, float) + arc[:, None] * direction, radius, np.pi * radius**2, name, 1.0
    )


def single(diameters_mm=(3.5, 2.5), narrowings=(), *, length_mm: float = 80.0, noise_mm: float = 0.0, seed: int = 0):
    """One vessel without side branches."""
    return CentrelineTree(
        "right", (branch((0, 0, 0), (0, 0, -1), length_mm, diameters_mm, narrowings, name="RCA", noise_mm=noise_mm,
                         seed=seed),),
    )


def forked(
    main=((3.6, 3.5), (2.9, 2.8), (2.3, 2.1)), lengths_mm=(25.0, 25.0, 40.0), narrowings=((), (), ()),
    side_mm: float = 2.0, noise_mm: float = 0.0,
) -> CentrelineTree:
    """An LAD in three stretches that step down at two diagonals."""
    branches, start, above = [], np.zeros(3), -1
    for number, (diameters, length, lesions) in enumerate(zip(main, lengths_mm, narrowings, strict=True)):
        branches.append(branch(start, (0, 0, -1), length, diameters, lesions, parent=above, name="LAD",
                               noise_mm=noise_mm, seed=number))
        above = len(branches) - 1
        start = branches[-1].points_lps_mm[-1]
        if number < 2:
            branches.append(branch(start, (1, 0, -1), 35.0, (side_mm, 0.9 * side_mm), parent=above,
                                   name=f"D{number + 1}", noise_mm=noise_mm, seed=10 + number))
    return CentrelineTree("left", tuple(branches))
