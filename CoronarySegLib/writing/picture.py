"""``picture.png``: the case at a glance, both trees in space and over three slabs of the CT, with the figures.

Drawn on a canvas of its own, without OpenGL and without matplotlib's global state.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .projections import SPACING_MM, Projection, projections
from .rendering import Camera, Mesh, over, render, render_glass
from .report import volume_text
from .segments import SEGMENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patheffects import AbstractPathEffect

    from ..reconstruction import Surface
    from ..volume import Volume
    from .case import CaseResult

SIZE_PX = (2100, 1500)
DPI = 150
SPACE_BOX = (24, 158, 1480, 1194)
SLAB_BOXES = tuple((1520, 158 + row * 402, 556, 390) for row in (2, 1, 0))
"""Left, bottom, width and height of the panels in pixels."""
BACKGROUND = (0.043, 0.055, 0.075)
TEXT, FAINT = "#e8edf4", "#8793a5"
COLOURS = {"left": (1.00, 0.44, 0.36), "right": (0.30, 0.70, 1.00), "calcium": (1.00, 0.93, 0.70)}
HEART_COLOUR = (0.55, 0.66, 0.80)
FROM_THE_LEFT_FRONT = (0.50, -0.80, 0.33)
"""Where the viewer stands (LPS): left anterior, a little from above. Both trees and the groove between show."""


def write_picture(result: CaseResult, path: Path) -> None:
    """Write the picture of a result as PNG, 2400 x 1500. Raises ValueError when the result holds no tree."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE_PX[0] / DPI, SIZE_PX[1] / DPI), dpi=DPI, facecolor=BACKGROUND)
    _title(figure, result)
    _space(figure, result)
    labels = result.trees.labels
    by_value = {s.value: COLOURS[s.key] for s in SEGMENTS}
    aspect = SLAB_BOXES[0][2] / SLAB_BOXES[0][3]
    for box, view in zip(SLAB_BOXES, projections(result.prediction.ct, labels, by_value, aspect), strict=True):
        _slab(figure, view, box)
    _figures(figure, result)
    FigureCanvasAgg(figure).print_png(str(path), metadata={"Software": "CoronarySeg"})


def _title(figure: Figure, result: CaseResult) -> None:
    figure.text(0.013, 0.957, "Coronary arteries", color=TEXT, size=21, weight="bold", va="center")
    source = Path(result.labels.source).name if result.labels.source else ""
    figure.text(0.013, 0.922, _short(source, 90), color=FAINT, size=10.5, va="center")
    note = {"color": "#ffc76b", "size": 11.5, "weight": "bold"}
    figure.text(0.988, 0.957, "For research use only", ha="right", va="center", **note)
    card = result.model_card
    figure.text(
        0.988, 0.925, f"model {card.name} {card.version} · {result.prediction.engine}", color=FAINT, size=10,
        ha="right", va="center",
    )


def _space(figure: Figure, result: CaseResult) -> None:
    """The large view in three dimensions."""
    meshes = [mesh_of(surface, COLOURS[name]) for name, surface in result.surfaces.items() if name in COLOURS]
    width, height = SPACE_BOX[2:]
    axes = _axes(figure, SPACE_BOX)
    glow = np.linspace(-1, 1, height)[:, None] ** 2 + np.linspace(-1, 1, width)[None, :] ** 2
    image = np.float32(BACKGROUND) + np.float32((0.035, 0.045, 0.06)) * np.exp(-1.6 * glow)[..., None]
    if meshes:
        everything = np.concatenate([mesh.points_mm for mesh in meshes])
        camera = Camera.looking(FROM_THE_LEFT_FRONT, everything, SPACE_BOX[2:])
        heart = heart_mesh(result.prediction.heart)
        if heart is not None:
            image = over(render_glass(heart, camera), image)
        image = over(render(meshes, camera), image)
        _scale(axes, 100.0, height - 46.0, 20.0 * camera.pixels_per_mm, "20 mm")
        _compass(axes, camera.axes, (width - 130.0, height - 130.0))
    axes.imshow(np.clip(image, 0, 1), interpolation="nearest")


def _slab(figure: Figure, view: Projection, box: tuple[int, int, int, int]) -> None:
    axes = _axes(figure, box)
    rows, columns = view.image.shape[:2]
    axes.imshow(view.image, interpolation="bilinear", extent=(0, columns, rows, 0), aspect="auto")
    # All three panels have the views' own shape up to a pixel, so "auto" stretches nothing that can be seen.
    marks = {"color": TEXT, "size": 10, "weight": "bold", "ha": "center", "va": "center", "path_effects": _outlined()}
    for letter, x, y in zip(view.edges, (0.03, 0.97, 0.5, 0.5), (0.5, 0.5, 0.94, 0.06), strict=True):
        axes.text(x, y, letter, transform=axes.transAxes, **marks)
    axes.text(0.02, 0.96, view.name, transform=axes.transAxes, color=TEXT, size=11, va="top", weight="bold",
              path_effects=_outlined())
    _scale(axes, 0.03 * columns, 0.94 * rows, 20.0 / SPACING_MM, "20 mm", size=8.5)


def _figures(figure: Figure, result: CaseResult) -> None:
    """The line of numbers at the bottom."""
    trees = result.trees
    entries = []
    for segment in SEGMENTS:
        volume = trees.volume_mm3(segment.key)
        if volume > 0 or not segment.optional:
            entries.append((segment.name, volume_text(volume), COLOURS[segment.key]))
    diameters = {
        name: result.surfaces[name].report.steps[-1].mean_diameter_mm
        for name in ("left", "right") if name in result.surfaces and result.surfaces[name].report.steps
    }
    for name, diameter in diameters.items():
        entries.append((f"Mean diameter, {name}", f"{diameter:.1f} mm", COLOURS[name]))
    entries.append(("Threshold", f"{trees.threshold_used:.2f}", None))
    seconds = sum(value for value in result.timings.values() if np.isfinite(value))
    entries.append(("Computing time", f"{seconds:.0f} s", None))
    for place, (label, value, colour) in zip(np.linspace(0.016, 0.90, len(entries)), entries, strict=True):
        if colour is not None:
            figure.text(place, 0.067, "●", color=colour, size=11, va="center")
        figure.text(place + 0.013, 0.067, value, color=TEXT, size=15, va="center", weight="bold")
        figure.text(place + 0.013, 0.035, label, color=FAINT, size=9.5, va="center")


def mesh_of(surface: Surface, colour: tuple[float, float, float]) -> Mesh:
    """A surface's triangles and normals as arrays."""
    from ..reconstruction.mesh import points_of, triangles_of, vertex_normals

    points, triangles = points_of(surface.polydata), triangles_of(surface.polydata)
    return Mesh(np.asarray(points, float), vertex_normals(points, triangles), triangles, colour)


def heart_mesh(heart: Volume | None) -> Mesh | None:
    """The pericardium as found by the locator, smoothed; None when there is none."""
    from scipy import ndimage
    from skimage.measure import marching_cubes

    if heart is None or heart.array.max() < 0.5:
        return None
    smooth = ndimage.gaussian_filter(np.pad(heart.array.astype(np.float32), 2), 1.2)
    points, triangles, normals, _ = marching_cubes(smooth, 0.5, gradient_direction="descent")
    geometry = heart.geometry
    turn = np.reshape(geometry.direction, (3, 3))
    lps = geometry.points_lps(points[:, ::-1] - 2)
    directions = (normals[:, ::-1] / np.asarray(geometry.spacing_xyz_mm)) @ turn.T
    return Mesh(lps, directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-6), triangles,
                HEART_COLOUR)


def _axes(figure: Figure, box: tuple[int, int, int, int]) -> Axes:
    left, bottom, width, height = box
    place = (left / SIZE_PX[0], bottom / SIZE_PX[1], width / SIZE_PX[0], height / SIZE_PX[1])
    axes = figure.add_axes(place, facecolor=BACKGROUND)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#1d2633")
    return axes


def _scale(axes: Axes, x: float, y: float, length: float, text: str, size: float = 10) -> None:
    axes.plot([x, x + length], [y, y], color=TEXT, linewidth=2.2, solid_capstyle="butt", zorder=5)
    axes.text(x + length / 2, y, text + "\n", color=TEXT, size=size, ha="center", va="center", zorder=5,
              path_effects=_outlined())


def _outlined() -> list[AbstractPathEffect]:
    """Letters stay readable on bright bone."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.0, foreground="#0b0e13")]


def _compass(axes: Axes, view: np.ndarray, centre: tuple[float, float], length: float = 62.0) -> None:
    """Small arrows to the patient's left, front and head."""
    for letter, direction in (("L", (1, 0, 0)), ("A", (0, -1, 0)), ("S", (0, 0, 1))):
        dx, dy, dz = view @ np.asarray(direction, float)
        strength = 0.55 + 0.45 * max(dz, 0.0)
        axes.annotate(
            "", (centre[0] + length * dx, centre[1] - length * dy), centre, zorder=5,
            arrowprops={"arrowstyle": "-|>", "color": TEXT, "alpha": strength, "linewidth": 1.6, "shrinkA": 0},
        )
        axes.text(
            centre[0] + 1.28 * length * dx, centre[1] - 1.28 * length * dy, letter, color=TEXT, size=11,
            weight="bold", ha="center", va="center", zorder=5, alpha=strength,
        )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
