"""A vessel pulled straight: the image along a branch as a volume of its own, and as one picture.

The volume has its own frame: the vessel runs along z (superior is proximal), its centreline is at x = y = 0, so that a
coronal slice through the origin is the curved planar view and turning the slice about z turns it about the vessel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..in_place import file_in_place
from ..measurement.straightened import StraightenedVessel, straightened
from ..volume import Geometry, Volume

STEP_MM = 0.3
WIDTH_MM = 24.0
WINDOW_HU = (-150.0, 650.0)


@dataclass(frozen=True)
class StraightenedView:
    """``volume`` in the straightened frame (mm), ``vessel`` with the place every section came from (LPS mm)."""

    volume: Volume
    vessel: StraightenedVessel
    name: str = ""

    def place_of(self, arc_mm: float) -> np.ndarray:
        """Where on the vessel a height of the view lies, LPS mm (3,)."""
        return np.array([np.interp(arc_mm, self.vessel.arc_mm, axis) for axis in self.vessel.points_lps_mm.T])

    def arc_of(self, place_lps_mm: np.ndarray) -> float:
        """How far along the vessel the point nearest to a place lies, mm."""
        distance = np.linalg.norm(self.vessel.points_lps_mm - np.asarray(place_lps_mm), axis=1)
        return float(self.vessel.arc_mm[int(np.argmin(distance))])


def straightened_view(volume: Volume, points_lps_mm: np.ndarray, *, name: str = "") -> StraightenedView:
    """The image along a course (n, 3) LPS mm, proximal end on top. Raises ValueError for fewer than two points."""
    if len(points_lps_mm) < 2:
        raise ValueError("A vessel needs at least two points to be pulled straight.")
    vessel = straightened(volume, points_lps_mm, step_mm=STEP_MM, width_mm=WIDTH_MM, across_step_mm=STEP_MM)
    step = float(vessel.arc_mm[1] - vessel.arc_mm[0])
    # First section on top: z of the frame falls along the vessel.
    array = np.ascontiguousarray(vessel.array[::-1])
    half = float(vessel.across_mm[0])
    grid = Geometry(array.shape, (STEP_MM, STEP_MM, step), (half, half, -float(vessel.arc_mm[-1])))
    return StraightenedView(Volume(array, grid, volume.source), vessel, name)


def write_picture(view: StraightenedView, path: Path, *, window_hu: tuple[float, float] = WINDOW_HU) -> Path:
    """Two cuts through the vessel at right angles, side by side, proximal on top, with a scale in mm, as PNG.

    Raises OutputError.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    length, width = float(view.vessel.arc_mm[-1]), float(np.ptp(view.vessel.across_mm))
    figure = Figure(figsize=(4.6, float(np.clip(1.2 + length / 16.0, 3.5, 12.0))), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    for number, (axes, degrees) in enumerate(zip(figure.subplots(1, 2, sharey=True), (0.0, 90.0), strict=True)):
        axes.imshow(
            view.vessel.lengthwise(degrees), cmap="gray", vmin=window_hu[0], vmax=window_hu[1], aspect="equal",
            extent=(-0.5 * width, 0.5 * width, length, 0.0), interpolation="bilinear",
        )
        axes.set_title(f"{degrees:.0f}°", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.set_xlabel("mm", fontsize=8)
        if number == 0:
            axes.set_ylabel("along the vessel (mm)", fontsize=8)
    if view.name:
        figure.suptitle(view.name, fontsize=11)
    with file_in_place(path) as partial:
        figure.savefig(partial)
    return path
