"""Is one result better than another on the same cases, or did the cases just fall that way?

Paired two-sided Wilcoxon signed-rank tests, as the papers use them; with many figures some are small by chance, so
each p also comes adjusted for their number (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import false_discovery_control, wilcoxon

from .cohort import Cohort
from .scores import FIGURES

FEWEST_CASES = 6
"""Of fewer pairs even the clearest difference has p > 0.05."""
NOT_COMPARED = ("components_truth", "volume_truth_mm3")


@dataclass(frozen=True)
class Comparison:
    """One figure of two results on ``count`` common cases; ``difference`` is the mean of first minus second. ``p`` and
    ``adjusted_p`` are None where there are too few cases or no difference at all."""

    figure: str
    count: int
    first: float
    second: float
    difference: float
    p: float | None
    adjusted_p: float | None = None


def paired_p(first: Mapping[str, float | None], second: Mapping[str, float | None]) -> float | None:
    """Two-sided p over the cases (by name) in which both have a finite value; None for fewer than six of them or where
    no two differ."""
    difference = np.subtract(*_pairs(first, second))
    if len(difference) < FEWEST_CASES or not difference.any():
        return None
    return float(wilcoxon(difference).pvalue)


def compare(first: Cohort, second: Cohort, tree: str = "total") -> tuple[Comparison, ...]:
    """Every figure of two cohorts over their common cases; those that no case has in both are left out."""
    found = []
    for name in (figure for figure in FIGURES if figure not in NOT_COMPARED):
        values = [_values(cohort, tree, name) for cohort in (first, second)]
        a, b = _pairs(*values)
        if len(a):
            found.append(Comparison(
                name, len(a), float(a.mean()), float(b.mean()), float((a - b).mean()), paired_p(*values)
            ))
    tested = [comparison.p for comparison in found if comparison.p is not None]
    adjusted = iter(false_discovery_control(tested) if tested else ())
    return tuple(c if c.p is None else replace(c, adjusted_p=float(next(adjusted))) for c in found)


def _values(cohort: Cohort, tree: str, figure: str) -> dict[str, float]:
    scored = {case.name: getattr(case.scores, tree) for case in cohort.cases if case.scores is not None}
    return {name: getattr(scores, figure) for name, scores in scored.items() if scores is not None}


def _pairs(
    first: Mapping[str, float | None], second: Mapping[str, float | None]
) -> tuple[np.ndarray, np.ndarray]:
    both = [(first[name], second[name]) for name in first if name in second]
    both = [(a, b) for a, b in both if a is not None and b is not None and np.isfinite(a) and np.isfinite(b)]
    return np.array([a for a, _ in both], float), np.array([b for _, b in both], float)
