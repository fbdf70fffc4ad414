"""Pictures of a cohort, or of several side by side: every case, and every region. On canvases without global state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .cohort import Cohort

COLOURS = ("#1f4e9c", "#c8702a", "#3d8b5f", "#8c4a9c")
CASE_FIGURES = (
    ("dice", "Dice"), ("cldice", "clDice"), ("centreline_found", "centreline found"), ("hd95_mm", "HD95 (mm)"),
    ("average_surface_distance_mm", "surface distance (mm)"),
)
KIND_TITLES = {"position": "position along the tree", "branch": "branch", "radius": "lumen radius (mm)"}
DPI = 130


def plot_cases(cohorts: Mapping[str, Cohort], path: Path) -> None:
    """One panel a figure: a dot a case over a box, cohorts side by side. Raises OSError."""
    figure, axes = _panels(1, len(CASE_FIGURES), (2.6 * len(CASE_FIGURES), 3.6))
    for panel, (name, title) in zip(axes[0], CASE_FIGURES, strict=True):
        for place, (colour, cohort) in enumerate(zip(COLOURS, cohorts.values(), strict=False)):
            values = np.array([getattr(scores.total, name) for scores in cohort.scored], float)
            values = values[np.isfinite(values)]
            if not len(values):
                continue
            panel.boxplot(values, positions=[place], widths=0.6, showfliers=False, medianprops={"color": "black"})
            spread = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else [0.0]
            panel.scatter(place + np.asarray(spread), values, s=14, color=colour, alpha=0.75, zorder=3, linewidths=0)
        panel.set_title(title, fontsize=10)
        panel.set_xticks(range(len(cohorts)), _short(cohorts), fontsize=8)
        panel.set_xlim(-0.6, len(cohorts) - 0.4)
        _plain(panel)
    figure.savefig(path, dpi=DPI)


def plot_regions(cohorts: Mapping[str, Cohort], path: Path) -> None:
    """Dice above, share of the centreline found below, by position, branch and radius. Raises OSError."""
    regions = list(dict.fromkeys(region for cohort in cohorts.values() for region in cohort.regions()))
    kinds = [kind for kind in KIND_TITLES if any(k == kind for k, _ in regions)]
    widths = [max(sum(k == kind for k, _ in regions), 2) for kind in kinds]
    figure, axes = _panels(2, len(kinds), (1.5 + 0.75 * sum(widths), 5.6), widths)
    for column, kind in enumerate(kinds):
        names = [name for k, name in regions if k == kind]
        for panel, name in zip(axes[:, column], ("dice", "found"), strict=True):
            _bars(panel, cohorts, kind, names, name)
            panel.set_ylim(0.0, 1.05)
            _plain(panel)
        axes[0, column].set_title(KIND_TITLES[kind], fontsize=10)
    axes[0, 0].set_ylabel("Dice")
    axes[1, 0].set_ylabel("centreline found")
    if len(cohorts) > 1:
        axes[0, -1].legend(fontsize=8, frameon=False)
    figure.savefig(path, dpi=DPI)


def _bars(panel, cohorts: Mapping[str, Cohort], kind: str, names: list[str], figure: str) -> None:
    width = 0.8 / len(cohorts)
    for number, (colour, (title, cohort)) in enumerate(zip(COLOURS, cohorts.items(), strict=False)):
        found = [cohort.region_figure(kind, name, figure) for name in names]
        places = np.arange(len(names)) + (number - (len(cohorts) - 1) / 2) * width
        panel.bar(places, [f.mean for f in found], width, yerr=[f.sd for f in found], color=colour, label=title,
                  error_kw={"elinewidth": 0.9, "capsize": 2, "ecolor": "#444444"})
    panel.set_xticks(range(len(names)), names, fontsize=8)


def _panels(rows: int, columns: int, size_in: tuple[float, float], widths: list[int] | None = None):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size_in, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, width_ratios=widths)


def _short(cohorts: Mapping[str, Cohort]) -> list[str]:
    return [name if len(name) < 18 else name[:16] + "…" for name in cohorts] if len(cohorts) > 1 else [""]


def _plain(panel) -> None:
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis="y", color="#e6e6e6", lw=0.8)
    panel.set_axisbelow(True)
