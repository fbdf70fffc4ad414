"""The profile of a vessel as a picture: lumen, healthy reference, lesions, and what cannot be evaluated.

Drawn on a canvas of its own, without matplotlib's global state.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..in_place import file_in_place
from .rows import systems_of
from .values import Profile, Stenosis, VesselMeasurement

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .rows import Measurements

SIZE_IN, DPI = (11.0, 5.2), 140
LUMEN, AREA, REFERENCE, LESION, FAINT = "#1f4e9c", "#5aa3a3", "#2f2f2f", "#c8102e", "#7a7a7a"
STATES = (
    ("calcified", "calcium: not evaluable", "#d9a441", "xx"),
    ("unresolved", "too few voxels: not evaluable", "#9a9a9a", "//"),
    ("junction", "junction", "#b9c6dd", ""),
    ("occluded", "no lumen", "#c8102e", ".."),
)


def plot_profile(vessel: VesselMeasurement, path: Path | str, title: str = "") -> Path:
    """Write the profile of one vessel as PNG, 1540 x 728. Raises OutputError."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_IN, dpi=DPI, facecolor="white")
    axes = figure.add_axes((0.055, 0.165, 0.93, 0.755))
    _draw(axes, vessel)
    axes.set_title(title or vessel.label, loc="left", weight="bold", size=13)
    path = Path(path)
    with file_in_place(path) as partial:
        FigureCanvasAgg(figure).print_png(str(partial), metadata={"Software": "CoronarySeg"})
    return path


def plot_profiles(measurements: Measurements, folder: Path | str) -> tuple[Path, ...]:
    """One picture for every named vessel, and for unnamed ones that hold a stenosis, in ``folder``."""
    folder = Path(folder)
    paths = []
    for key, measured in systems_of(measurements).items():
        taken: dict[str, int] = {}
        for vessel in measured.vessels:
            if not vessel.name and not vessel.stenoses:
                continue
            stem = re.sub(r"\W+", "_", f"profile_{key}_{vessel.label}")
            taken[stem] = taken.get(stem, 0) + 1
            name = stem if taken[stem] == 1 else f"{stem}_{taken[stem]}"
            paths.append(plot_profile(vessel, folder / f"{name}.png", f"{vessel.label}  ({key} system)"))
    return tuple(paths)


def _draw(axes: Axes, vessel: VesselMeasurement) -> None:
    profile = vessel.profile
    arc = profile.arc_mm
    seen = np.r_[profile.inscribed_diameter_mm, profile.reference_diameter_mm, profile.area_diameter_mm]
    top = 1.22 * float(np.nanquantile(seen, 0.995))
    for name, label, colour, hatch in STATES:
        _shade(axes, arc, getattr(profile, name), top, label, colour, hatch)
    if np.isfinite(profile.area_diameter_mm).any():
        axes.plot(arc, profile.area_diameter_mm, color=AREA, lw=1.1, label="diameter by area", zorder=3)
    axes.plot(arc, profile.inscribed_diameter_mm, color=LUMEN, lw=1.8, label="inscribed sphere", zorder=4)
    axes.plot(arc, profile.reference_diameter_mm, color=REFERENCE, lw=1.3, ls="--", label="healthy reference", zorder=4)
    for number, stenosis in enumerate(vessel.stenoses):
        _mark(axes, profile, stenosis, raised=bool(number % 2), top=top)
    _branches(axes, profile)
    axes.set_xlim(0.0, float(arc[-1]))
    axes.set_ylim(0.0, top)
    axes.set_xlabel("distance along the vessel (mm)")
    axes.set_ylabel("lumen diameter (mm)")
    axes.grid(axis="y", color="#e6e6e6", lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=7, frameon=False, fontsize=8.5)
    grade = vessel.grade.value if vessel.grade else "not evaluable"
    length, share = vessel.figures.length_mm, 100 * vessel.figures.evaluable_share
    axes.set_title(f"{length:.0f} mm, {share:.0f} % evaluable, grade {grade}", loc="right", size=9.5, color=FAINT)


def _mark(axes: Axes, profile: Profile, stenosis: Stenosis, *, raised: bool, top: float) -> None:
    """The lumen that is missing, filled, and its figures above it."""
    here = (profile.arc_mm >= stenosis.start_mm) & (profile.arc_mm <= stenosis.end_mm)
    colour = LESION if stenosis.evaluable else FAINT
    lower = np.minimum(profile.diameter_mm, profile.reference_diameter_mm)
    axes.fill_between(
        profile.arc_mm[here], lower[here], profile.reference_diameter_mm[here], color=colour, alpha=0.22, lw=0, zorder=2
    )
    axes.plot(stenosis.position_mm, stenosis.minimal_diameter_mm, "o", ms=5, color=colour, zorder=6, clip_on=False)
    text = f"{stenosis.diameter_percent:.0f} %\nMLD {stenosis.minimal_diameter_mm:.2f} mm"
    if np.isfinite(stenosis.voxels_across):
        text += f"\n{stenosis.voxels_across:.1f} voxels"
    if not stenosis.evaluable:
        text += f"\nnot evaluable:\n{', '.join(reason.value for reason in stenosis.not_evaluable)}"
    length = profile.arc_mm[-1]
    axes.annotate(
        text, (stenosis.position_mm, stenosis.reference_diameter_mm),
        (np.clip(stenosis.position_mm, 0.05 * length, 0.95 * length), top * (0.985 if raised else 0.90)),
        ha="center", va="top", size=8, color=colour, zorder=7,
        arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.7},
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
    )


def _shade(axes: Axes, arc: np.ndarray, where: np.ndarray, top: float, label: str, colour: str, hatch: str) -> None:
    edges = np.flatnonzero(np.diff(np.r_[False, where, False].astype(int))).reshape(-1, 2)
    for number, (first, last) in enumerate(edges):
        axes.axvspan(
            arc[first], arc[min(last, len(arc) - 1)], ymax=1.0, facecolor=colour, alpha=0.28 if hatch else 0.38,
            hatch=hatch, edgecolor=colour if hatch else "none", lw=0, zorder=0, label=label if number == 0 else None,
        )


def _branches(axes: Axes, profile: Profile) -> None:
    """A tick at the bottom where one branch of the vessel ends and the next begins."""
    for at in profile.arc_mm[:-1][np.diff(profile.branch) != 0]:
        axes.plot([at, at], [0.0, 0.03], transform=axes.get_xaxis_transform(), color=FAINT, lw=1.2, zorder=5)
