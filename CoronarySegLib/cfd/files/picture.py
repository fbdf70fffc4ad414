"""The picture of a flow model: wall in one colour, every opening in its own, with name and diameter."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...reconstruction.mesh import vertex_normals
from ...writing.rendering import Camera, Mesh, over, render
from ..model import WALL, CfdModel

SIZE_PX, DPI = (1600, 1050), 130
BACKGROUND, TEXT, FAINT = (0.043, 0.055, 0.075), "#e8edf4", "#8793a5"
WALL_COLOUR = (0.78, 0.80, 0.84)
INLET_COLOUR = (0.25, 0.62, 1.0)
OUTLET_COLOURS = (
    (1.00, 0.45, 0.35), (0.35, 0.80, 0.45), (1.00, 0.78, 0.30), (0.75, 0.50, 1.00), (0.30, 0.85, 0.85),
    (1.00, 0.55, 0.80), (0.70, 0.85, 0.30), (0.95, 0.65, 0.45),
)
FROM_THE_LEFT_FRONT = (0.50, -0.80, 0.33)
VIEW = (0.0, 0.0, 1.0, 0.93)


def write_picture(model: CfdModel, path: Path, *, title: str, note: str = "") -> None:
    """Write the model as PNG, 1600 x 1050: drawn without OpenGL, so it works where there is no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE_PX[0] / DPI, SIZE_PX[1] / DPI), dpi=DPI, facecolor=BACKGROUND)
    figure.text(0.013, 0.96, title, color=TEXT, size=16, weight="bold", va="center")
    figure.text(0.987, 0.96, note, color=FAINT, size=9, ha="right", va="center")
    colours = patch_colours(model)
    size = (SIZE_PX[0], int(SIZE_PX[1] * VIEW[3]))
    camera = Camera.looking(FROM_THE_LEFT_FRONT, model.points_lps_mm, size, margin=0.15)
    meshes = _meshes(model, colours)
    image = over(render(meshes, camera), np.broadcast_to(np.float32(BACKGROUND), (size[1], size[0], 3)))
    axes = figure.add_axes(VIEW)
    axes.axis("off")
    axes.imshow(np.clip(image, 0, 1), interpolation="nearest", aspect="auto")
    axes.set_xlim(0, size[0])
    axes.set_ylim(size[1], 0)
    _label(axes, model, camera, colours, size)
    _scale(axes, camera, size)
    FigureCanvasAgg(figure).print_png(str(path), metadata={"Software": "CoronarySeg"})


def _meshes(model: CfdModel, colours: list[tuple[float, float, float]]) -> list[Mesh]:
    """The wall, its extensions tinted in the colour of their opening, and the lids with normals of their own: those
    they share with the wall at the rim would round them off."""
    points, normals = model.points_lps_mm, vertex_normals(model.points_lps_mm, model.triangles)
    wall = model.triangles[model.patch == 0]
    middle, owner = points[wall].mean(axis=1), np.zeros(len(wall), int)
    for index, patch in enumerate(model.patches[1:], start=1):
        offset = middle - patch.centroid_lps_mm
        along = -offset @ patch.normal
        beside = np.linalg.norm(offset + along[:, None] * patch.normal, axis=1)
        reach = max(patch.extension_mm, 0.8 * patch.radius_mm)
        owner[(along < reach) & (along > -0.1) & (beside < 1.5 * patch.radius_mm)] = index
    meshes = []
    for index, patch in enumerate(model.patches):
        tint = tuple(0.55 * np.array(WALL_COLOUR) + 0.45 * np.array(colours[index]))
        if (owner == index).any():
            meshes.append(_mesh(points, normals, wall[owner == index], WALL_COLOUR if index == 0 else tint))
        if patch.kind != WALL:
            own = np.broadcast_to(patch.normal, normals.shape)
            meshes.append(_mesh(points, own, model.triangles[model.patch == index], colours[index]))
    return meshes


def _mesh(points: np.ndarray, normals: np.ndarray, triangles: np.ndarray, colour: tuple[float, float, float]) -> Mesh:
    used, numbers = np.unique(triangles, return_inverse=True)
    return Mesh(points[used], normals[used], numbers.reshape(-1, 3), colour)


def patch_colours(model: CfdModel) -> list[tuple[float, float, float]]:
    """RGB 0..1 for each patch: the wall grey, inlets blue, outlets in turn."""
    colours, outlet = [], 0
    for patch in model.patches:
        if patch.kind == "outlet":
            colours.append(OUTLET_COLOURS[outlet % len(OUTLET_COLOURS)])
            outlet += 1
        else:
            colours.append(WALL_COLOUR if patch.kind == WALL else INLET_COLOUR)
    return colours


def _label(axes, model: CfdModel, camera: Camera, colours, size) -> None:
    """Names in two columns at the sides, joined to their openings by lines that do not cross."""
    labels = [(p, c) for p, c in zip(model.patches, colours, strict=True) if p.kind != WALL]
    places = camera.to_view(np.array([p.centroid_lps_mm for p, _ in labels]))[:, :2]
    middle = np.median(places[:, 0])
    for side in (0, 1):
        chosen = np.flatnonzero((places[:, 0] < middle) == (side == 0))
        chosen = chosen[np.argsort(places[chosen, 1])]
        rows = _spread(places[chosen, 1], 60, size[1] - 110)
        x = 24 if side == 0 else size[0] - 24
        for row, index in zip(rows, chosen, strict=True):
            patch, colour = labels[index]
            text = f"{patch.name}  ⌀ {2 * patch.radius_mm:.1f} mm"
            axes.plot([places[index, 0], x + (230 if side == 0 else -230)], [places[index, 1], row], color=colour,
                      linewidth=0.7, alpha=0.6)
            axes.plot(*places[index], "o", color=colour, markersize=4)
            axes.text(x, row, text, color=colour, size=9, weight="bold", va="center",
                      ha="left" if side == 0 else "right")


def _spread(rows: np.ndarray, low: float, high: float, gap: float = 34.0) -> np.ndarray:
    """Sorted heights moved apart to at least ``gap`` within ``low``..``high``, each as near to its own as it can be."""
    gap = min(gap, (high - low) / max(len(rows) - 1, 1))
    spread = np.clip(rows, low, high)
    for _ in range(100):
        close = np.flatnonzero(np.diff(spread) < gap - 1e-6)
        if not len(close):
            break
        for i in close:
            middle = spread[i : i + 2].mean()
            spread[i], spread[i + 1] = middle - gap / 2, middle + gap / 2
        spread += np.maximum(low - spread[:1], 0) - np.maximum(spread[-1:] - high, 0)
    return spread


def _scale(axes, camera: Camera, size) -> None:
    length = 10.0 * camera.pixels_per_mm
    x, y = size[0] / 2 - length / 2, size[1] - 40
    axes.plot([x, x + length], [y, y], color=TEXT, linewidth=2)
    axes.text(size[0] / 2, y - 12, "10 mm", color=TEXT, size=9, ha="center")
