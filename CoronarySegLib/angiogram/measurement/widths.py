"""The width of a vessel across its course, finer than a pixel.

At every point the mask's outline is looked for on the normal, to both sides; the width is the distance between the two
crossings. A probability is read at its threshold, between pixels; a mask alone at the zero of its signed distance.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ...centreline.nodes import NodeTree

STEP_PX = 0.25
FARTHEST = 2.0
"""In radii of the skeleton, plus three pixels: beyond it the normal has left the vessel through a side branch."""
MIXED_PX = 3.0
CLEARANCE = 0.02


def outline_field(mask: np.ndarray, probability: np.ndarray | None, threshold: float = 0.5) -> np.ndarray:
    """A field (y, x) float32 that is positive inside the mask and crosses zero on the vessels' outlines.

    Where probability and mask say different things, the mask holds.
    """
    inside = ndimage.distance_transform_edt(mask)
    outside = ndimage.distance_transform_edt(~mask)
    distance = (np.where(mask, inside - 0.5, 0.5 - outside)).astype(np.float32)
    if probability is None:
        return distance
    value = probability.astype(np.float32) - np.float32(threshold)
    return np.where(mask, np.maximum(value, CLEARANCE), np.minimum(value, -CLEARANCE))


def measured_widths(tree: NodeTree, field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Width (n,) in pixels, NaN where an outline was not found, and the middle of the two crossings (n, 3)."""
    tangent = tangents_of(tree)
    normal = np.stack([-tangent[:, 1], tangent[:, 0], np.zeros(len(tree))], axis=1)
    reach = FARTHEST * float(tree.radius_mm.max()) + MIXED_PX
    steps = np.arange(0.0, reach + STEP_PX, STEP_PX)
    left, right = (_crossing(tree, side * normal, steps, field) for side in (1.0, -1.0))
    width = left + right
    middle = tree.points_lps_mm + (0.5 * (left - right))[:, None] * normal
    found = np.isfinite(width)
    return width, np.where(found[:, None], middle, tree.points_lps_mm)


def tangents_of(tree: NodeTree) -> np.ndarray:
    """Unit directions (n, 3) along the vessel each node belongs to."""
    result = np.zeros((len(tree), 3))
    for chain in tree.chains():
        points = tree.points_lps_mm[chain]
        own = slice(0 if chain[0] == 0 else 1, None)
        result[chain[own]] = np.gradient(points, axis=0)[own]
    return result / np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-9)


def _crossing(tree: NodeTree, direction: np.ndarray, steps: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Distance (n,) from each node to the outline in ``direction``, NaN where there is none within reach."""
    places = tree.points_lps_mm[:, None, :] + steps[None, :, None] * direction[:, None, :]
    values = ndimage.map_coordinates(field, [places[..., 1], places[..., 0]], order=1, mode="nearest")
    beyond = values <= 0.0
    first = np.argmax(beyond, axis=1)
    rows = np.arange(len(values))
    before, after = values[rows, np.maximum(first - 1, 0)], values[rows, first]
    distance = steps[np.maximum(first - 1, 0)] + STEP_PX * before / np.maximum(before - after, 1e-6)
    good = beyond.any(axis=1) & (first > 0) & (distance <= FARTHEST * tree.radius_mm + MIXED_PX)
    return np.where(good, distance, np.nan)
