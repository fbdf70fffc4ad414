"""The CT round the trees as three thick slabs with the trees drawn over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..preparation import isotropic_grid, resample
from ..volume import Volume

SPACING_MM = 0.5
MARGIN_MM = 10.0
SLAB_MM = 24.0
WINDOW_HU = (-180.0, 620.0)
TREES = (1, 2)


@dataclass(frozen=True)
class Projection:
    """One view. ``image`` (h, w, 3) RGB 0..1, pixels of ``SPACING_MM``; ``edges`` are the letters at its left, right,
    top and bottom."""

    name: str
    image: np.ndarray
    edges: tuple[str, str, str, str]


VIEWS = (
    ("Axial", 0, ("R", "L", "A", "P")), ("Coronal", 1, ("R", "L", "S", "I")), ("Sagittal", 2, ("A", "P", "S", "I")),
)
"""Name, array axis (z, y, x) looked along, letters: seen from the feet, from the front and from the left."""


def projections(
    ct: Volume, labels: Volume, colours: dict[int, tuple[float, float, float]], aspect: float = 1.4
) -> tuple[Projection, ...]:
    """Axial, coronal and sagittal views, each about ``aspect`` times as wide as high.

    Maximum intensity over the slab in which the trees have most voxels; over it both trees in full, brighter inside the
    slab. ``colours`` by label value. Raises ValueError for labels without any tree.
    """
    trees = _trees(labels)
    return tuple(_view(ct, trees, *view, colours, aspect) for view in VIEWS)


def _trees(labels: Volume) -> Volume:
    """The labels on an axis-aligned LPS grid of the trees' box."""
    index = np.argwhere(np.isin(labels.array, TREES))[:, ::-1]
    if len(index) == 0:
        raise ValueError("no tree in the labels")
    points = labels.geometry.points_lps(index)
    grid = isotropic_grid(
        labels.geometry, SPACING_MM, lower_lps_mm=points.min(0) - MARGIN_MM, upper_lps_mm=points.max(0) + MARGIN_MM
    )
    return resample(labels, grid, interpolation="nearest", fill=0)


def _view(
    ct: Volume, trees: Volume, name: str, axis: int, edges: tuple[str, str, str, str],
    colours: dict[int, tuple[float, float, float]], aspect: float,
) -> Projection:
    thickness = round(SLAB_MM / SPACING_MM)
    start, stop = _busiest(np.isin(trees.array, TREES), axis, thickness)
    rows, columns = (n for i, n in enumerate(trees.array.shape) if i != axis)
    # The CT goes on beside the trees until the panel is full; above and below it only when they are very wide.
    pad_rows, pad_columns = _padding(rows, columns, aspect)
    pad = np.insert(np.array([pad_rows, pad_columns]), axis, 0)
    lower, upper = -pad, np.array(trees.array.shape) - 1 + pad
    lower[axis], upper[axis] = start, stop - 1
    corner_low, corner_high = (trees.geometry.points_lps(np.asarray(corner)[::-1]) for corner in (lower, upper))
    grid = isotropic_grid(trees.geometry, SPACING_MM, lower_lps_mm=corner_low, upper_lps_mm=corner_high)
    slab = resample(ct, grid, fill=-1024.0).array.max(axis)
    low, high = WINDOW_HU
    grey = np.clip((slab - low) / (high - low), 0, 1).astype(np.float32) ** 0.9
    image = np.repeat((0.78 * grey)[..., None], 3, axis=2) * np.float32((0.96, 0.98, 1.0))
    for value in sorted(colours):
        tree = trees.array == value
        for part, strength in ((tree, 0.34), (np.take(tree, range(start, stop), axis), 0.72)):
            area = np.zeros(image.shape[:2], bool)
            area[pad_rows : pad_rows + rows, pad_columns : pad_columns + columns] = part.any(axis)
            _paint(image, area, np.float32(colours[value]), strength)
    image = np.clip(image, 0, 1)
    return Projection(name, image if axis == 0 else image[::-1], edges)


def _padding(rows: int, columns: int, aspect: float) -> tuple[int, int]:
    """Pixels to add on both sides of the rows and of the columns for the shape wanted."""
    return max(0, round((columns / aspect - rows) / 2)), max(0, round((rows * aspect - columns) / 2))


def _paint(image: np.ndarray, area: np.ndarray, colour: np.ndarray, strength: float) -> None:
    soft = np.clip(ndimage.gaussian_filter(area.astype(np.float32), 0.7) * 1.25, 0, 1)
    alpha = (strength * soft)[..., None]
    image[:] = image * (1 - alpha) + colour * alpha
    contour = np.clip(soft - ndimage.minimum_filter(soft, 3), 0, 1)[..., None] * strength * 0.8
    image[:] = image * (1 - contour) + np.minimum(colour * 1.15, 1.0) * contour


def _busiest(trees: np.ndarray, axis: int, thickness: int) -> tuple[int, int]:
    """First plane and the one after the last of the slab that holds most of the trees."""
    count = trees.sum(axis=tuple(i for i in range(3) if i != axis))
    thickness = min(thickness, len(count))
    start = int(np.argmax(np.convolve(count, np.ones(thickness), mode="valid")))
    return start, start + thickness
