"""The wall of a vessel is where the CT is half-way between its blood and what surrounds it.

The network says which vessels are coronaries and where they run; to within a voxel it also says how wide they are. How
wide exactly the CT itself knows better: behind any symmetric blur the wall of a wide vessel lies at half of the
contrast, whatever the scanner, the contrast protocol and the voxels. So the outermost voxels of each tree are judged by
their HU, on voxels as fine as the CT's own, with the network's answer as the lesser part. Which vessels there are does
not change: the middle of every vessel stays, and no voxel is added that does not touch a tree.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from skimage.morphology import skeletonize

from ..volume import Geometry, Volume
from .boxes import Box, bounding_box, cropped_geometry, grown, spacing_zyx
from .on_grid import covering, painted, side_fields, sweep
from .threshold import without
from .trees import LABELS, Trees

CT_WEIGHT = 0.7
"""Of the share of a voxel that lies inside the vessel, as the CT tells it; the rest is the network's."""
SMOOTHING_MM = 0.25
"""Standard deviation: about that of the point-spread function, against noise."""
BLOOD_REACH_MM, TISSUE_REACH_MM = 4.0, 0.5
"""Standard deviations of the averages that tell the HU of the blood (along the vessel) and of what is just beside it:
the wall, where it shows, and not the fat behind."""
SURE_BLOOD, SURE_TISSUE = 0.8, 0.1
"""Probabilities from which and to which a voxel tells HU of blood and of tissue."""
SHELL_MM = 2.0
"""Tissue further from the vessel is not beside it."""
LEAST_SUSPECTED = 0.1
"""Probability that a voxel outside needs to be judged at all: what was dropped as a vein or a chamber has less."""
LEAST_CONTRAST_HU = 50.0
BRIGHTEST_SHARE = 1.6
"""What is brighter than the blood by more than noise is plaque or its bloom, and its HU tell nothing about the wall."""
LEAST_WEIGHT = 1e-3
FEWEST_VOXELS = 4
"""Along each axis: what a recursive Gaussian needs."""
MARGIN_MM = 4.0
FINEST_MM = 0.35
"""Finer voxels than this would cost time and tell no more: no scanner resolves them."""


def at_half_maximum(trees: Trees, ct: Volume) -> Trees:
    """``trees`` with walls by ``ct`` (HU), on the part of the CT's grid that holds them, whatever its directions.

    ``lumen`` is cut at ``threshold_used`` as before; counts and warnings are those of ``trees``, which come back as
    they are where the CT does not cover them.
    """
    box = bounding_box(trees.labels.array > 0, margin=2)
    part = None if box is None else covering(ct.geometry, cropped_geometry(trees.labels.geometry, box))
    if part is None or min(ct.geometry.shape_zyx) < FEWEST_VOXELS:
        return trees
    target_box = _widened(part, ct.geometry)
    grid = cropped_geometry(ct.geometry, target_box)
    left, right = side_fields(trees, box, grid)
    labels = painted(trees, box, grid, left, right)
    hu = ct.array[target_box].astype(np.float32)
    field = _judged(hu, np.maximum(left, right), labels, spacing_zyx(grid), trees.threshold_used)
    labels = _relabelled(labels, field, trees.threshold_used)
    sweep(labels, grid.voxel_mm3)
    foreign = ~_lumen_of(labels) & (field >= trees.threshold_used)
    without(field, foreign, trees.threshold_used)
    source = trees.labels.source
    return replace(trees, labels=Volume(labels, grid, source), lumen=Volume(field, grid, source))


def fine_grid(trees: Trees, ct: Volume) -> Geometry:
    """A grid over the trees, along the axes of their own, with cubes as fine as the CT's shortest voxel edge.

    For surfaces, which need the same spacing in all directions. Never coarser than the trees' own grid.
    """
    own = trees.labels.geometry
    spacing = float(np.clip(min(ct.geometry.spacing_xyz_mm), FINEST_MM, min(own.spacing_xyz_mm)))
    box = bounding_box(trees.labels.array > 0)
    part = own if box is None else cropped_geometry(own, _widened(box, own))
    shape = np.floor((np.asarray(part.shape_zyx) - 1) * spacing_zyx(part) / spacing).astype(int) + 1
    return replace(part, shape_zyx=tuple(map(int, shape)), spacing_xyz_mm=(spacing,) * 3)


def _lumen_of(labels: np.ndarray) -> np.ndarray:
    return (labels == LABELS["left"]) | (labels == LABELS["right"])


def _widened(box: Box, geometry: Geometry) -> Box:
    """``box`` with what lies beside the vessels."""
    margin = np.ceil(MARGIN_MM / spacing_zyx(geometry)).astype(int)
    return tuple(
        slice(max(s.start - int(m), 0), min(s.stop + int(m), n))
        for s, m, n in zip(box, margin, geometry.shape_zyx, strict=True)
    )


def _judged(
    hu: np.ndarray, field: np.ndarray, labels: np.ndarray, spacing: np.ndarray, threshold: float
) -> np.ndarray:
    """``field`` (z, y, x) with the voxels at the wall of the ``labels`` judged by ``hu``; half of the contrast comes to
    lie at ``threshold``."""
    lumen, plaque = _lumen_of(labels), labels == LABELS["calcium"]
    beside = grown(lumen, int(np.ceil(SHELL_MM / spacing.min())))
    clean = ~grown(plaque)
    blood = _local_mean(hu, lumen & (field >= SURE_BLOOD) & clean, BLOOD_REACH_MM, spacing)
    tissue = _local_mean(hu, beside & (field <= SURE_TISSUE) & clean, TISSUE_REACH_MM, spacing)
    contrast = blood - tissue
    share = (ndimage.gaussian_filter(hu, SMOOTHING_MM / spacing) - tissue) / np.maximum(contrast, LEAST_CONTRAST_HU)
    # Where nothing near tells the HU of blood or of tissue the contrast is not a number, and not above any.
    judged = grown(lumen) & grown(~lumen) & ~plaque & (field > LEAST_SUSPECTED)
    judged &= (contrast > LEAST_CONTRAST_HU) & (share < BRIGHTEST_SHARE)
    result = field.copy()
    by_hu, by_network = share[judged] - 0.5, field[judged] - threshold
    result[judged] = np.clip(threshold + CT_WEIGHT * by_hu + (1.0 - CT_WEIGHT) * by_network, 0.0, 1.0)
    middle = skeletonize(lumen) > 0
    result[middle] = np.maximum(result[middle], threshold)
    return result


def _relabelled(labels: np.ndarray, field: np.ndarray, threshold: float) -> np.ndarray:
    """``labels`` less the lumen that ``field`` no longer holds, and with what it adds: to the tree it touches most."""
    lumen = field >= threshold
    result = np.where((labels == LABELS["calcium"]) | lumen, labels, np.uint8(0))
    added = tuple(np.argwhere(lumen & (labels == 0)).T)
    left, right = (
        ndimage.uniform_filter((labels == LABELS[name]).astype(np.float32), 3)[added] for name in ("left", "right")
    )
    side = np.where(left >= right, LABELS["left"], LABELS["right"])
    result[added] = np.where(np.maximum(left, right) > 0, side, 0)
    return result


def _local_mean(hu: np.ndarray, mask: np.ndarray, sigma_mm: float, spacing: np.ndarray) -> np.ndarray:
    """Gaussian mean of ``hu`` over the voxels of ``mask`` (z, y, x); NaN far from all of them."""
    weight = _smoothed(mask.astype(np.float32), sigma_mm, spacing)
    total = _smoothed(np.where(mask, hu, np.float32(0.0)), sigma_mm, spacing)
    return np.where(weight > LEAST_WEIGHT, total / np.maximum(weight, LEAST_WEIGHT), np.float32(np.nan))


def _smoothed(array: np.ndarray, sigma_mm: float, spacing: np.ndarray) -> np.ndarray:
    """By a Gaussian, a wide one on voxels averaged before: half its width at most."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(tuple(float(v) for v in spacing[::-1]))
    most = np.maximum(np.array(array.shape) // FEWEST_VOXELS, 1)
    factors = np.clip((0.5 * sigma_mm / spacing).astype(int), 1, most)
    if (factors == 1).all():
        return sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(image, sigma_mm))
    coarse = sitk.SmoothingRecursiveGaussian(sitk.BinShrink(image, [int(f) for f in factors[::-1]]), sigma_mm)
    return sitk.GetArrayFromImage(sitk.Resample(coarse, image))
