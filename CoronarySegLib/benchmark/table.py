"""The results as one Markdown table in the papers' form: a row an entrant, mean ± standard deviation of the test cases.

The best mean of each column is bold. ``p`` is a paired two-sided Wilcoxon test of the Dice against the best entrant's;
below six cases it could not become small and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

from .run import Result


@dataclass(frozen=True)
class Column:
    """``key`` of the cases' figures; ``better`` +1 where more is better, -1 where less is, 0 for neither; ``digits``
    shown."""

    key: str
    title: str
    better: int
    digits: int


COLUMNS = (
    Column("dice", "Dice", 1, 3), Column("cldice", "clDice", 1, 3), Column("hd95_mm", "HD95 (mm)", -1, 2),
    Column("average_surface_distance_mm", "ASD (mm)", -1, 2), Column("betti0_error", "Betti-0 error", -1, 1),
    Column("sensitivity", "sensitivity", 1, 3), Column("precision", "precision", 1, 3), Column("roc_auc", "AUC", 1, 3),
    Column("components_predicted", "pieces", 0, 1), Column("roughness_mm", "roughness (mm)", -1, 3),
    Column("seconds", "s/volume", -1, 1),
)
FEWEST_FOR_A_TEST = 6


def markdown_table(results: Sequence[Result]) -> str:
    """The table with a line of remarks below it."""
    if not results:
        raise ValueError("there is no result to show")
    best = max(results, key=lambda r: np.nan_to_num(_mean(_values(r, "dice")), nan=-1.0))
    titles = ["system", *(c.title for c in COLUMNS), "weights (M)", "GFLOP/patch", "GPU MB", "p (Dice)"]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    means = {c.key: [_mean(_values(r, c.key)) for r in results] for c in COLUMNS}
    for row, result in enumerate(results):
        cells = [result.name, *(_cell(result, column, row, means[column.key]) for column in COLUMNS)]
        cells.append(f"{result.weights / 1e6:.2f}")
        cells.append(" + ".join(f"{value:.3g}" for value in result.gflops_by_patch.values()))
        cells.append("" if result.memory_mb is None else f"{result.memory_mb:.0f}")
        cells.append("" if result is best else _p_text(result, best))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\n" + _remarks(results) + "\n"


def paired_p(first: Result, second: Result, key: str = "dice") -> float | None:
    """Two-sided p of a paired Wilcoxon test over the cases both have; None for fewer than six, or no difference."""
    pairs = [(first.cases[name][key], second.cases[name][key]) for name in first.cases if name in second.cases]
    pairs = [(a, b) for a, b in pairs if a is not None and b is not None]
    difference = np.array([a - b for a, b in pairs])
    if len(pairs) < FEWEST_FOR_A_TEST or not difference.any():
        return None
    return float(wilcoxon(difference).pvalue)


def _cell(result: Result, column: Column, row: int, means: Sequence[float]) -> str:
    values = _values(result, column.key)
    if not len(values):
        return "–"
    text = f"{values.mean():.{column.digits}f} ± {values.std(ddof=1) if len(values) > 1 else 0:.{column.digits}f}"
    missing = len(result.cases) - len(values)
    if missing:
        text += f" ({missing} without)"
    finite = [m for m in means if np.isfinite(m)]
    is_best = column.better and means[row] == (max(finite) if column.better > 0 else min(finite))
    return f"**{text}**" if is_best and len(means) > 1 else text


def _values(result: Result, key: str) -> np.ndarray:
    return np.array([case[key] for case in result.cases.values() if case.get(key) is not None], float)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _p_text(result: Result, best: Result) -> str:
    p = paired_p(result, best)
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def _remarks(results: Sequence[Result]) -> str:
    counts = sorted({len(result.cases) for result in results})
    remarks = [f"Test cases: {', '.join(map(str, counts))}. Mean ± standard deviation; distances that are infinite "
               "because nothing was found are left out and counted (\"without\")."]
    remarks += [f"{r.name}: trained {r.training_seconds / 60:.1f} min on {r.hardware}." for r in results]
    remarks += [text for result in results for text in result.deviations]
    return "\n".join(f"- {text}" for text in dict.fromkeys(remarks))
