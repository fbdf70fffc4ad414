"""Figures of angiograms as a table for a terminal (rich)."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from ...evaluation.tables import number
from .files import ScoredMask, mean_and_sd

COLUMNS = (
    ("DSC", "dice", 3), ("IoU", "iou", 3), ("precision", "precision", 3), ("recall", "sensitivity", 3),
    ("SP", "specificity", 4), ("clDice", "cldice", 3), ("HD", "hausdorff", 1), ("ASD", "average_surface_distance", 2),
)


def masks_table(scored: Sequence[ScoredMask]) -> Table:
    """A row a case, then mean ± standard deviation where there are several."""
    table = Table(header_style="bold", caption=f"Distances in {scored[0].scores.unit}.")
    table.add_column("case")
    for title, _, _ in COLUMNS:
        table.add_column(title, justify="right")
    for case in scored:
        table.add_row(case.name, *(number(getattr(case.scores, name), digits) for _, name, digits in COLUMNS))
    if len(scored) > 1:
        table.add_section()
        of_all = mean_and_sd(scored)
        cells = [f"{number(mean, digits)} ± {number(sd, digits)}"
                 for _, name, digits in COLUMNS for mean, sd in (of_all[name],)]
        table.add_row("mean ± SD", *cells)
    return table
