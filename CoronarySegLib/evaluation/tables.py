"""Scores as tables for a terminal (rich)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from .cohort import Cohort
from .scores import RadiusShare, Scores

if TYPE_CHECKING:
    from .significance import Comparison

ROWS = (
    ("Dice", "dice", 3),
    ("Sensitivity", "sensitivity", 3),
    ("Precision", "precision", 3),
    ("clDice", "cldice", 3),
    ("Hausdorff (mm)", "hausdorff_mm", 2),
    ("HD95 (mm)", "hd95_mm", 2),
    ("Average surface distance (mm)", "average_surface_distance_mm", 2),
    ("Components, predicted", "components_predicted", 0),
    ("Betti-0 error", "betti0_error", 0),
    ("Centreline found", "centreline_found", 3),
    ("Predicted centreline true", "centreline_true", 3),
    ("Volume, predicted (mm³)", "volume_predicted_mm3", 0),
    ("Volume, truth (mm³)", "volume_truth_mm3", 0),
)
COHORT_COLUMNS = (
    ("Dice", "dice", 3), ("clDice", "cldice", 3), ("found", "centreline_found", 3), ("true", "centreline_true", 3),
    ("HD95", "hd95_mm", 2), ("HD", "hausdorff_mm", 1), ("ASD", "average_surface_distance_mm", 2),
    ("Betti-0", "betti0_error", 0),
)


def scores_table(scores: Scores, title: str = "") -> Table:
    """One case: a row per figure, a column per tree."""
    table = Table(title=title or None, title_justify="left", header_style="bold")
    table.add_column("")
    for tree in scores.trees:
        table.add_column(tree.tree, justify="right")
    for label, name, digits in ROWS:
        table.add_row(label, *(number(getattr(tree, name), digits) for tree in scores.trees))
    for label, name in (("found", "found_by_radius"), ("true", "true_by_radius")):
        for i, share in enumerate(scores.total.found_by_radius):
            cells = [number(getattr(tree, name)[i].share, 3) for tree in scores.trees]
            table.add_row(f"  {label}, lumen radius {share.name} mm", *cells, style="dim")
    if scores.roc_auc is not None:
        table.add_row("ROC-AUC", *[""] * (len(scores.trees) - 1), number(scores.roc_auc, 4))
    if scores.calcium_dice is not None:
        table.add_row("Calcium Dice", *[""] * (len(scores.trees) - 1), number(scores.calcium_dice, 3))
    return table


def cohort_table(cohort: Cohort, title: str = "") -> Table:
    """Several cases: a row per case (both trees together), then mean ± SD of left, right and total."""
    table = Table(title=title or None, title_justify="left", header_style="bold")
    table.add_column("case")
    for label, _, _ in COHORT_COLUMNS:
        table.add_column(label, justify="right")
    for case in cohort.cases:
        if case.scores is None:
            table.add_row(case.name, "[red]not scored[/red]", *[""] * (len(COHORT_COLUMNS) - 1))
        else:
            table.add_row(case.name, *(number(getattr(case.scores.total, n), d) for _, n, d in COHORT_COLUMNS))
    table.add_section()
    for tree in ("left", "right", "total"):
        figures = [(cohort.figure(tree, name), digits) for _, name, digits in COHORT_COLUMNS]
        if figures[0][0].count:
            cells = [f"{number(f.mean, max(d, 1))}±{number(f.sd, max(d, 1))}" for f, d in figures]
            table.add_row(f"mean, {tree}", *cells, style="bold" if tree == "total" else "")
    return table


def radius_table(shares: tuple[RadiusShare, ...], title: str = "Centreline found by lumen radius") -> Table:
    """Share and length per radius bin."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in ("radius (mm)", "length (mm)", "found"):
        table.add_column(column, justify="right")
    for share in shares:
        table.add_row(share.name, number(share.length_mm, 0), number(share.share, 3))
    return table


def region_table(cohort: Cohort) -> Table:
    """Mean ± SD of Dice and of the centreline found, by position and by branch."""
    table = Table(title="By region", title_justify="left", header_style="bold")
    for column in ("region", "cases", "Dice", "found"):
        table.add_column(column, justify="left" if column == "region" else "right")
    for kind, name in cohort.regions():
        if kind != "radius":
            dice, found = (cohort.region_figure(kind, name, figure) for figure in ("dice", "found"))
            cells = (f"{number(f.mean, 3)}±{number(f.sd, 3)}" for f in (dice, found))
            table.add_row(name, str(found.count), *cells)
    return table


def comparison_table(compared: Sequence[Comparison], other: str) -> Table:
    """Mean of both and the paired p of every figure."""
    table = Table(title=f"Against {other} (paired Wilcoxon)", title_justify="left", header_style="bold")
    for column in ("figure", "this", "other", "cases", "p"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for c in compared:
        table.add_row(c.figure, number(c.first, 3), number(c.second, 3), str(c.count), number(c.p, 4))
    return table


def number(value: float | None, digits: int) -> str:
    """A number for a cell; "–" for what does not exist, "∞" for an infinite distance."""
    if value is None or math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"
