"""Stenoses and calcified plaque on a healthy tree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .courses import arc_length
from .tree import Branch, CalciumDeposit, CoronaryTree, Lesion

TRUNKS = ("LM", "LAD", "LCx", "RCA")


def add_lesions(tree: CoronaryTree, rng: np.random.Generator, stenoses_per_trunk: int | None) -> CoronaryTree:
    """Narrow trunks by Gaussian stenoses (30–80 % of the diameter, 0–2 a trunk) and lay calcium in the wall beside
    the lumen."""
    branches = list(tree.branches)
    lesions, deposits = [], []
    burden = rng.choice([0.0, 0.5, 1.5], p=[0.35, 0.35, 0.30])
    for index, branch in enumerate(branches):
        trunk = branch.name in TRUNKS
        if not trunk and branch.name[:2] not in ("D1", "OM", "PD", "RI"):
            continue
        if stenoses_per_trunk is not None:
            count = stenoses_per_trunk if trunk and branch.name != "LM" else 0
        else:
            count = int(rng.integers(0, 3)) if trunk and branch.name != "LM" else int(rng.random() < 0.15)
        arc = arc_length(branch.points_lps_mm)
        for _ in range(count):
            at = float(rng.uniform(0.12, 0.75) * arc[-1])
            lesion = Lesion(
                index, at, float(rng.uniform(0.3, 0.8)), float(rng.uniform(5.0, 16.0)), bool(rng.random() < 0.5)
            )
            sigma = lesion.length_mm / 4.0
            factor = 1.0 - lesion.diameter_share * np.exp(-0.5 * ((arc - at) / sigma) ** 2)
            branches[index] = branches[index].with_radius(branches[index].radius_mm * factor)
            lesions.append(lesion)
            if lesion.calcified:
                deposits += _deposits(branches[index], at, lesion.length_mm, rng)
        if trunk:
            for _ in range(rng.poisson(burden * 2.0)):
                deposits += _deposits(
                    branches[index], float(rng.uniform(0.03, 0.6) * arc[-1]), rng.uniform(2.0, 8.0), rng
                )
    return replace(tree, branches=tuple(branches), lesions=tuple(lesions), calcium=tuple(deposits))


def _deposits(branch: Branch, at_mm: float, length_mm: float, rng: np.random.Generator) -> list[CalciumDeposit]:
    """A row of ellipsoids along one side of the healthy wall."""
    arc = arc_length(branch.points_lps_mm)
    angle = rng.uniform(0, 2 * np.pi)
    found = []
    for position in np.arange(at_mm - 0.4 * length_mm, at_mm + 0.4 * length_mm, 1.8):
        if rng.random() < 0.3:
            continue
        i = int(np.clip(np.searchsorted(arc, position), 3, len(arc) - 4))
        tangent = branch.points_lps_mm[i + 3] - branch.points_lps_mm[i - 3]
        tangent /= np.linalg.norm(tangent)
        across = np.cross(tangent, [0.31, 0.59, 0.75])
        across /= np.linalg.norm(across)
        side = np.cos(angle) * across + np.sin(angle) * np.cross(tangent, across)
        angle += rng.normal(0.0, 0.4)
        half_width = float(rng.uniform(0.35, 0.9))
        offset = max(branch.healthy_radius_mm[i], branch.radius_mm[i] + 0.6 * half_width)
        found.append(
            CalciumDeposit(branch.points_lps_mm[i] + offset * side, tangent, float(rng.uniform(0.8, 1.8)), half_width)
        )
    return found
