"""``picture.png``: the frame with its vessels, and the diameter along the longest ones with their stenoses.

Drawn on a canvas of its own, without matplotlib's global state.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...measurement.plots import FAINT, LESION, LUMEN, REFERENCE
from ...measurement.values import VesselMeasurement
from ..measurement import FrameMeasurements
from ..segmentation import AngiogramResult
from .overlay import overlay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE_IN, DPI = (14.0, 7.4), 110
PROFILES = 3


def write_picture(result: AngiogramResult, path: Path) -> None:
    """Write the picture of a result as PNG, 1540 x 814: the best frame and up to three vessels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    frame = result.frames[result.best]
    measured = frame.measurements
    figure = Figure(figsize=SIZE_IN, dpi=DPI, facecolor="white")
    left = figure.add_axes((0.01, 0.02, 0.50, 0.90))
    left.imshow(overlay(frame), interpolation="bilinear")
    left.set_axis_off()
    name = Path(result.run.source).name
    of_run = f", frame {frame.image.frame + 1} of {len(result.run)}" if len(result.run) > 1 else ""
    figure.text(0.012, 0.955, f"{name}{of_run}", size=12, weight="bold", va="center")
    figure.text(0.988, 0.955, "For research use only", size=10, weight="bold", color="#b06a00", ha="right", va="center")
    vessels = [v for system in measured.systems.values() for v in system.vessels]
    longest = sorted(vessels, key=lambda v: -v.figures.length_mm)[:PROFILES]
    for number, vessel in enumerate(longest):
        axes = figure.add_axes((0.57, 0.69 - 0.31 * number, 0.415, 0.215))
        _profile(axes, vessel, measured)
    FigureCanvasAgg(figure).print_png(str(path), metadata={"Software": "CoronarySeg"})


def _profile(axes: Axes, vessel: VesselMeasurement, measured: FrameMeasurements) -> None:
    profile, k, unit = vessel.profile, measured.per_unit, measured.unit
    arc = profile.arc_mm / k
    shown = np.where(profile.junction | profile.free_end, np.nan, profile.inscribed_diameter_mm) / k
    axes.plot(arc, profile.inscribed_diameter_mm / k, color="#b9c6dd", lw=1.0)
    axes.plot(arc, shown, color=LUMEN, lw=1.6, label="diameter")
    axes.plot(arc, profile.reference_diameter_mm / k, color=REFERENCE, lw=1.1, ls="--", label="reference")
    for stenosis in vessel.stenoses:
        here = (profile.arc_mm >= stenosis.start_mm) & (profile.arc_mm <= stenosis.end_mm)
        colour = LESION if stenosis.evaluable else FAINT
        lower = np.minimum(profile.diameter_mm, profile.reference_diameter_mm)[here] / k
        axes.fill_between(arc[here], lower, profile.reference_diameter_mm[here] / k, color=colour, alpha=0.22, lw=0)
        if stenosis.evaluable:
            axes.annotate(
                f"{stenosis.diameter_percent:.0f} %", (stenosis.position_mm / k, stenosis.minimal_diameter_mm / k),
                (0, -11), textcoords="offset points", ha="center", size=7.5, color=colour,
            )
    seen = profile.inscribed_diameter_mm[np.isfinite(profile.inscribed_diameter_mm)] / k
    axes.set_ylim(0.0, 1.25 * float(np.quantile(seen, 0.98)))
    axes.set_xlim(0.0, float(arc[-1]))
    axes.set_title(vessel.label, loc="left", size=9.5, weight="bold")
    grade = vessel.grade.value if vessel.grade else "not evaluable"
    axes.set_title(f"{vessel.figures.length_mm / k:.0f} {unit}, grade {grade}", loc="right", size=8.5, color=FAINT)
    axes.set_ylabel(f"diameter ({unit})", size=8)
    axes.set_xlabel(f"along the vessel ({unit})", size=8, labelpad=1)
    axes.tick_params(labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", lw=0.8)
