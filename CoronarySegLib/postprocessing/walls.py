"""The wall of a vessel is where the CT is half-way between its blood and what surrounds it.

The network says which vessels are coronaries and where they run; to within a voxel it also says how wide they are. How
wide exactly the CT itself knows better: behind any symmetric blur the wall of a wide vessel lies at half of the
contrast, whatever the scanner, the contrast protocol and the voxels. So the outermost voxels of each tree are judged by
their HU, on voxels as fine as the CT's own, with the network's answer as the lesser part. Which vessels there are does
not change: the middle of every vessel stays, and no voxel is added that does not touch a tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

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
    target_box = None if part is None else _widened(part, ct.geometry)
    if target_box is None or min(s.stop - s.start for s in target_box) < FEWEST_VOXELS:
        return trees
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
    clean = ~grown(plaque)
    blood = _Blood(hu, lumen & (field >= SURE_BLOOD) & clean, spacing)
    result = field.copy()
    for core, wide in _blocks(lumen, int(np.ceil(SHELL_MM / spacing.min())) + 1):
        beside = grown(lumen[wide], int(np.ceil(SHELL_MM / spacing.min())))
        tissue_hu = _mean(hu[wide], beside & (field[wide] <= SURE_TISSUE) & clean[wide], TISSUE_REACH_MM / spacing)
        contrast = blood.hu_in(wide) - tissue_hu
        smooth = ndimage.gaussian_filter(hu[wide], SMOOTHING_MM / spacing)
        share = (smooth - tissue_hu) / np.maximum(contrast, LEAST_CONTRAST_HU)
        # Where nothing near tells the HU of blood or of tissue the contrast is not a number, and not above any.
        judged = grown(lumen[wide]) & grown(~lumen[wide]) & ~plaque[wide] & (field[wide] > LEAST_SUSPECTED)
        judged &= (contrast > LEAST_CONTRAST_HU) & (share < BRIGHTEST_SHARE)
        by_hu, by_network = CT_WEIGHT * (share - 0.5), (1.0 - CT_WEIGHT) * (field[wide] - threshold)
        new = np.where(judged, np.clip(threshold + by_hu + by_network, 0.0, 1.0), field[wide])
        result[core] = new[tuple(slice(c.start - w.start, c.stop - w.start) for c, w in zip(core, wide, strict=True))]
    middle = skeletonize(lumen) > 0
    result[middle] = np.maximum(result[middle], threshold)
    return result


def _blocks(lumen: np.ndarray, margin: int) -> Iterator[tuple[Box, Box]]:
    """Cubes that hold lumen or touch it, which together hold all of it, each with the same cube and ``margin``."""
    starts = (range(0, n, BLOCK) for n in lumen.shape)
    for corner in product(*starts):
        core, touched, wide = (
            tuple(slice(max(c - m, 0), min(c + BLOCK + m, n)) for c, n in zip(corner, lumen.shape, strict=True))
            for m in (0, 1, margin)
        )
        if lumen[touched].any():
            yield core, wide


def _relabelled(labels: np.ndarray, field: np.ndarray, threshold: float) -> np.ndarray:
    """``labels`` less the lumen that ``field`` no longer holds, and with what it adds: to the tree it touches most."""
    lumen = field >= threshold
    result = np.where((labels == LABELS["calcium"]) | lumen, labels, np.uint8(0))
    added = np.argwhere(lumen & (labels == 0))
    touching = np.zeros((2, len(added)), int)
    for shift in np.ndindex(3, 3, 3):
        beside = labels[tuple(np.clip(added + np.array(shift) - 1, 0, np.array(labels.shape) - 1).T)]
        touching += beside == np.array([[LABELS["left"]], [LABELS["right"]]])
    side = np.where(touching[0] >= touching[1], LABELS["left"], LABELS["right"])
    result[tuple(added.T)] = np.where(touching.any(axis=0), side, 0)
    return result


class _Blood:
    """The HU of the blood along the vessels: averaged over large voxels first, since it changes slowly."""

    def __init__(self, hu: np.ndarray, sure: np.ndarray, spacing: np.ndarray):
        self.spacing_xyz = [float(v) for v in spacing[::-1]]
        factors = np.clip((0.5 * BLOOD_REACH_MM / spacing).astype(int), 1, np.array(hu.shape) // FEWEST_VOXELS)
        self.weight, self.total = (
            sitk.SmoothingRecursiveGaussian(self._coarse(array, factors), BLOOD_REACH_MM)
            for array in (sure.astype(np.float32), np.where(sure, hu, np.float32(0.0)))
        )

    def _coarse(self, array: np.ndarray, factors: np.ndarray) -> sitk.Image:
        image = sitk.GetImageFromArray(array)
        image.SetSpacing(self.spacing_xyz)
        return sitk.BinShrink(image, [int(f) for f in factors[::-1]])

    def hu_in(self, box: Box) -> np.ndarray:
        """HU (z, y, x) in the box; NaN far from sure blood."""
        size = [s.stop - s.start for s in reversed(box)]
        origin = [s.start * mm for s, mm in zip(reversed(box), self.spacing_xyz, strict=True)]
        weight, total = (
            sitk.GetArrayFromImage(sitk.Resample(
                image, size, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLinear, origin, self.spacing_xyz
            ))
            for image in (self.weight, self.total)
        )
        return _ratio(total, weight)


def _mean(hu: np.ndarray, mask: np.ndarray, sigma_voxels: np.ndarray) -> np.ndarray:
    """Gaussian mean of ``hu`` over the voxels of ``mask`` (z, y, x); NaN far from all of them."""
    weight = ndimage.gaussian_filter(mask.astype(np.float32), sigma_voxels)
    return _ratio(ndimage.gaussian_filter(np.where(mask, hu, np.float32(0.0)), sigma_voxels), weight)


def _ratio(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.where(weight > LEAST_WEIGHT, total / np.maximum(weight, LEAST_WEIGHT), np.float32(np.nan))
