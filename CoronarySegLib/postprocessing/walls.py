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
from .boxes import around, blocks, bounding_box, cropped, cropped_geometry, grown, spacing_zyx, widened
from .on_grid import covering, lumen_of, painted, sampled, side_fields, sweep
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
TRUNCATED = 4.0
"""Standard deviations after which a Gaussian over voxels ends."""
MARGIN_MM = 4.0
BLOCK = 64
"""Side in voxels of the cubes that are worked on at a time: vessels fill a thousandth of their box."""
FINEST_MM = 0.35
"""Finer voxels than this would cost time and tell no more: no scanner resolves them."""


def at_half_maximum(trees: Trees, ct: Volume) -> Trees:
    """``trees`` with walls by ``ct`` (HU), on the part of the CT's grid that holds them, whatever its directions.

    ``lumen`` is cut at ``threshold_used`` as before; counts and warnings are those of ``trees``, which come back as
    they are where the CT does not cover them or has too few slices to tell.
    """
    box = bounding_box(trees.labels.array > 0, margin=2)
    part = None if box is None else covering(ct.geometry, cropped_geometry(trees.labels.geometry, box))
    target_box = None if part is None else widened(part, _margin(ct.geometry), ct.geometry.shape_zyx)
    if target_box is None or min(s.stop - s.start for s in target_box) < FEWEST_VOXELS:
        return trees
    ct = cropped(ct, target_box)
    grid = ct.geometry
    left, right = side_fields(trees, box, grid)
    labels = painted(trees, box, grid, left, right)
    field = _judged(ct, np.maximum(left, right), labels, trees.threshold_used)
    labels = _relabelled(labels, field, trees.threshold_used)
    sweep(labels, grid.voxel_mm3)
    foreign = ~lumen_of(labels) & (field >= trees.threshold_used)
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
    part = own if box is None else cropped_geometry(own, widened(box, _margin(own), own.shape_zyx))
    shape = np.floor((np.asarray(part.shape_zyx) - 1) * spacing_zyx(part) / spacing).astype(int) + 1
    return replace(part, shape_zyx=tuple(map(int, shape)), spacing_xyz_mm=(spacing,) * 3)


def _margin(geometry: Geometry) -> np.ndarray:
    """Voxels (z, y, x) to what lies beside the vessels."""
    return np.ceil(MARGIN_MM / spacing_zyx(geometry)).astype(int)


def _judged(ct: Volume, field: np.ndarray, labels: np.ndarray, threshold: float) -> np.ndarray:
    """``field`` (z, y, x) with the voxels at the wall of the ``labels`` judged by ``ct``; half of the contrast comes to
    lie at ``threshold``."""
    hu, spacing = ct.array.astype(np.float32), spacing_zyx(ct.geometry)
    lumen, plaque = lumen_of(labels), labels == LABELS["calcium"]
    clean = ~grown(plaque)
    blood = _Blood(ct.with_array(hu), lumen & (field >= SURE_BLOOD) & clean)
    tissue = grown(lumen, int(np.ceil(SHELL_MM / spacing.min()))) & (field <= SURE_TISSUE) & clean
    judged = grown(lumen) & grown(~lumen) & ~plaque & (field > LEAST_SUSPECTED)
    result = field.copy()
    for block in blocks(lumen, BLOCK):
        wide = widened(block, np.ceil(TRUNCATED * TISSUE_REACH_MM / spacing), lumen.shape)
        tissue_hu = _mean(hu[wide], tissue[wide], TISSUE_REACH_MM / spacing)
        contrast = blood.hu_on(cropped_geometry(ct.geometry, wide)) - tissue_hu
        smooth = ndimage.gaussian_filter(hu[wide], SMOOTHING_MM / spacing, truncate=TRUNCATED)
        share = (smooth - tissue_hu) / np.maximum(contrast, LEAST_CONTRAST_HU)
        # Where nothing near tells the HU of blood or of tissue the contrast is not a number, and not above any.
        told = judged[wide] & (contrast > LEAST_CONTRAST_HU) & (share < BRIGHTEST_SHARE)
        by_hu, by_network = CT_WEIGHT * (share - 0.5), (1.0 - CT_WEIGHT) * (field[wide] - threshold)
        new = np.where(told, np.clip(threshold + by_hu + by_network, 0.0, 1.0), field[wide])
        result[block] = new[tuple(slice(b.start - w.start, b.stop - w.start) for b, w in zip(block, wide, strict=True))]
    middle = skeletonize(lumen) > 0
    result[middle] = np.maximum(result[middle], threshold)
    return result


def _relabelled(labels: np.ndarray, field: np.ndarray, threshold: float) -> np.ndarray:
    """``labels`` less the lumen that ``field`` no longer holds, and with what it adds: to the tree it touches most."""
    lumen = field >= threshold
    result = np.where((labels == LABELS["calcium"]) | lumen, labels, np.uint8(0))
    added = np.argwhere(lumen & (labels == 0))
    beside = np.array(list(around(labels, added)))
    left, right = ((beside == LABELS[name]).sum(axis=0) for name in ("left", "right"))
    side = np.where(left >= right, LABELS["left"], LABELS["right"])
    result[tuple(added.T)] = np.where(np.maximum(left, right) > 0, side, 0)
    return result


class _Blood:
    """The HU of the blood along the vessels: averaged over large voxels first, since it changes slowly."""

    def __init__(self, ct: Volume, sure: np.ndarray):
        self.weight, self.total = (
            _coarsely_smoothed(ct.with_array(array))
            for array in (sure.astype(np.float32), np.where(sure, ct.array, np.float32(0.0)))
        )

    def hu_on(self, grid: Geometry) -> np.ndarray:
        """HU (z, y, x) on the grid; NaN far from sure blood."""
        return _ratio(sampled(self.total, grid), sampled(self.weight, grid))


def _coarsely_smoothed(volume: Volume) -> Volume:
    factors = np.clip(
        (0.5 * BLOOD_REACH_MM / spacing_zyx(volume.geometry)).astype(int), 1,
        np.array(volume.array.shape) // FEWEST_VOXELS,
    )
    coarse = sitk.BinShrink(volume.to_image(), [int(f) for f in factors[::-1]])
    return Volume.of_image(sitk.SmoothingRecursiveGaussian(coarse, BLOOD_REACH_MM))


def _mean(hu: np.ndarray, mask: np.ndarray, sigma_voxels: np.ndarray) -> np.ndarray:
    """Gaussian mean of ``hu`` over the voxels of ``mask`` (z, y, x); NaN far from all of them."""
    weight, total = (
        ndimage.gaussian_filter(array, sigma_voxels, truncate=TRUNCATED)
        for array in (mask.astype(np.float32), np.where(mask, hu, np.float32(0.0)))
    )
    return _ratio(total, weight)


def _ratio(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.where(weight > LEAST_WEIGHT, total / np.maximum(weight, LEAST_WEIGHT), np.float32(np.nan))
