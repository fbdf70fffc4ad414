"""The results in the papers' form: a row an entrant, mean ± standard deviation over the test cases.

The best mean of each column stands out. ``p`` is a paired two-sided Wilcoxon test of the Dice against the best
entrant's; below six cases it could not become small and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..evaluation.report import p_text
from ..evaluation.significance import paired_p
from ..writing.document import Heading, Items, Part, Strong, TextTable
from .claims import verdicts
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
    Column("dice", "Dice", 1, 3), Column("iou", "IoU", 1, 3), Column("cldice", "clDice", 1, 3),
    Column("hausdorff", "HD (px)", -1, 1), Column("average_surface_distance", "ASD (px)", -1, 2),
    Column("hd95_mm", "HD95 (mm)", -1, 2),
    Column("average_surface_distance_mm", "ASD (mm)", -1, 2), Column("betti0_error", "Betti-0 error", -1, 1),
    Column("sensitivity", "sensitivity", 1, 3), Column("precision", "precision", 1, 3),
    Column("specificity", "specificity", 1, 4), Column("roc_auc", "AUC", 1, 3),
    Column("components_predicted", "pieces", 0, 1), Column("roughness_mm", "roughness (mm)", -1, 3),
    Column("seconds", "s/volume", -1, 1), Column("memory_mb", "MB/volume", -1, 0),
)


def benchmark_parts(results: Sequence[Result], remarks: Sequence[str] = ()) -> tuple[Part, ...]:
    """The report: the table, what it says about the papers' claims, what it was made of, how it differs from them."""
    counts = sorted({len(result.cases) for result in results})
    about = [
        *remarks,
        f"Test cases: {', '.join(map(str, counts))}. Mean ± standard deviation; distances that are infinite because "
        "nothing was found are left out and counted (\"without\").",
        "The lumen probability is scored at one half, that of an angiogram at the threshold its system names, without "
        "post-processing. GFLOP are for one patch of each stage. "
        "MB is the peak of the GPU, or of the whole process where the CPU computed.",
        *(_training_text(result) for result in results),
    ]
    parts: list[Part] = [results_table(results)]
    claims = verdicts(results)
    if claims:
        parts += [Heading("What the papers claim"), Items(claims)]
    parts += [Heading("How it was made"), Items(tuple(about))]
    deviations = tuple(dict.fromkeys(text for result in results for text in result.deviations))
    return (*parts, *((Heading("Not as published"), Items(deviations)) if deviations else ()))


def results_table(results: Sequence[Result]) -> TextTable:
    """One row an entrant. Raises ValueError for no result."""
    if not results:
        raise ValueError("there is no result to show")
    best = max(results, key=lambda r: np.nan_to_num(_mean(_values(r, "dice")), nan=-1.0))
    measured = {key for result in results for case in result.cases.values() for key in case}
    columns = [column for column in COLUMNS if column.key in measured]
    header = ("system", *(c.title for c in columns), "weights (M)", "GFLOP/patch", "training (min)", "p (Dice)")
    means = {c.key: [_mean(_values(r, c.key)) for r in results] for c in columns}
    rows = []
    for row, result in enumerate(results):
        p = None if result is best else paired_p(_by_case(result), _by_case(best))
        rows.append((
            result.name, *(_cell(result, column, row, means[column.key]) for column in columns),
            f"{result.weights / 1e6:.2f}", " + ".join(f"{value:.3g}" for value in result.gflops_by_patch.values()),
            f"{result.training_seconds / 60:.1f}" if result.training_seconds else "–", p_text(p),
        ))
    return TextTable(header, tuple(rows))


def _by_case(result: Result) -> dict[str, float | None]:
    return {name: case.get("dice") for name, case in result.cases.items()}


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
    return Strong(text) if is_best and len(set(finite)) > 1 else text


def _values(result: Result, key: str) -> np.ndarray:
    return np.array([case[key] for case in result.cases.values() if case.get(key) is not None], float)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _training_text(result: Result) -> str:
    if not result.steps:
        return f"{result.name}: not trained here."
    steps = ", ".join(f"{stage} {count} steps" for stage, count in result.steps.items())
    return f"{result.name}: {steps} in {result.training_seconds / 60:.1f} min on {result.hardware}."
