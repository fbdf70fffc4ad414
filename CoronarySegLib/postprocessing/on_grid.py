"""The trees on another grid, usually the input's.

Each tree's probability is interpolated and cut there, instead of copying the nearest voxel of the mask: on a finer grid
the vessel wall stays smooth, on any grid the calibre stays what the probability says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..volume import Geometry, Volume
from .boxes import Box, bounding_box, cropped, cropped_geometry
from .components import large_pieces
from .kept_open import CRUMB_MM3
from .trees import LABELS, Trees

if TYPE_CHECKING:
    from ..inference import Prediction


def labels_on(trees: Trees, prediction: Prediction | None, geometry: Geometry) -> Volume:
    """Labels (uint8, 1 left, 2 right, 3 calcium) of ``trees`` on ``geometry``.

    ``prediction`` gives the source text only and may be None. Voxel centres are sampled, not averaged: on a coarse grid
    a thin vessel breaks up rather than thickening.
    """
    source = prediction.ct.source if prediction is not None and prediction.ct is not None else trees.labels.source
    if geometry.same_grid(trees.labels.geometry):
        return Volume(trees.labels.array.copy(), geometry, source)
    result = np.zeros(geometry.shape_zyx, np.uint8)
    box = bounding_box(trees.labels.array > 0, margin=2)
    target_box = None if box is None else covering(geometry, cropped_geometry(trees.labels.geometry, box))
    if target_box is not None:
        target = cropped_geometry(geometry, target_box)
        result[target_box] = painted(trees, box, target, *side_fields(trees, box, target))
    return Volume(result, geometry, source)


def side_field(trees: Trees, name: str, box: Box) -> np.ndarray:
    """The lumen probability in the box with the other tree mirrored below the threshold: where the trees touch, each
    one's iso-surface passes between their voxels. ``name`` "left" or "right"; float32 (z, y, x)."""
    field = trees.lumen.array[box].copy()
    other = trees.labels.array[box] == LABELS["right" if name == "left" else "left"]
    field[other] = np.clip(2.0 * trees.threshold_used - field[other], 0.0, 0.98 * trees.threshold_used)
    return field


def side_fields(trees: Trees, box: Box, target: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """:func:`side_field` of the left and of the right tree on the grid ``target``, linear between voxel centres."""
    local = cropped(trees.labels, box)
    left, right = (
        sampled(replace(local, array=side_field(trees, name, box)), target) for name in ("left", "right")
    )
    return left, right


def painted(trees: Trees, box: Box, target: Geometry, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Labels (z, y, x) on the grid ``target`` of the trees in ``box``, cut from their fields there, ``left`` and
    ``right``."""
    result = np.zeros(target.shape_zyx, np.uint8)
    result[(left >= trees.threshold_used) & (left >= right)] = LABELS["left"]
    result[(right >= trees.threshold_used) & (right > left)] = LABELS["right"]
    local = cropped(trees.labels, box)
    calcium = local.array == LABELS["calcium"]
    if calcium.any():
        share = sampled(replace(local, array=calcium.astype(np.float32)), target)
        result[(share >= 0.5) & (result == 0)] = LABELS["calcium"]
    sweep(result, target.voxel_mm3)
    return result


def lumen_of(labels: np.ndarray) -> np.ndarray:
    """Where the labels (z, y, x) say left or right, bool."""
    return (labels == LABELS["left"]) | (labels == LABELS["right"])


def sweep(labels: np.ndarray, voxel_mm3: float) -> None:
    """Crumbs of lumen that the sampling cut off, in place: beside plaque they are plaque, elsewhere nothing."""
    lumen = lumen_of(labels)
    crumbs = lumen & ~large_pieces(lumen, CRUMB_MM3, voxel_mm3)
    if crumbs.any():
        beside = ndimage.binary_dilation(labels == LABELS["calcium"], np.ones((3, 3, 3)), mask=crumbs, iterations=0)
        labels[crumbs] = np.where(beside[crumbs], LABELS["calcium"], 0)


def covering(geometry: Geometry, part: Geometry) -> Box | None:
    """The voxels of ``geometry`` whose centres can lie in ``part``; None when they miss each other."""
    index = geometry.index_of(part.corners_lps())[:, ::-1]
    lower = np.maximum(np.floor(index.min(0)).astype(int), 0)
    upper = np.minimum(np.ceil(index.max(0)).astype(int) + 1, geometry.shape_zyx)
    if (upper <= lower).any():
        return None
    return tuple(slice(int(a), int(b)) for a, b in zip(lower, upper, strict=True))


def sampled(volume: Volume, target: Geometry) -> np.ndarray:
    """``volume`` at the voxel centres of ``target``, linear between its own, 0 outside: float32 (z, y, x)."""
    image = sitk.Resample(
        volume.to_image(), target.size_xyz, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLinear,
        target.origin_lps_mm, target.spacing_xyz_mm, target.direction, 0.0, sitk.sitkFloat32,
    )
    return sitk.GetArrayFromImage(image)
