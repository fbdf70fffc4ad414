"""Figures between two binary masks on one grid. Masks are bool (z, y, x), spacings are (z, y, x) in mm; for an image
both are (y, x).

Surface distances are taken between point sets by a k-d tree, not by distance transforms of the volume: a coronary tree
has some ten thousand border voxels in a volume of seventy million, so this is exact and needs no large arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

FULL_NEIGHBOURHOOD = np.ones((3, 3, 3), bool)
PROBABILITY_LEVELS = 65535
"""Probabilities are ranked on this many levels for the ROC curve; ties count half, as in the Mann-Whitney statistic."""


@dataclass(frozen=True)
class Overlap:
    """Voxel overlap. ``precision`` is nan for an empty prediction, ``sensitivity`` for an empty truth."""

    dice: float
    sensitivity: float
    precision: float


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances between the border voxels of two masks in mm; inf when one mask is empty, nan when both are.

    ``hd95_mm`` is the larger of the two directed 95th percentiles, ``average_mm`` the mean of both directions' pooled
    distances (average symmetric surface distance).
    """

    hausdorff_mm: float
    hd95_mm: float
    average_mm: float


def overlap(predicted: np.ndarray, truth: np.ndarray) -> Overlap:
    """Dice, sensitivity and precision of ``predicted``. Two empty masks give nan throughout."""
    both = int(np.count_nonzero(predicted & truth))
    n_predicted, n_truth = int(np.count_nonzero(predicted)), int(np.count_nonzero(truth))
    return Overlap(
        dice=_ratio(2 * both, n_predicted + n_truth),
        sensitivity=_ratio(both, n_truth),
        precision=_ratio(both, n_predicted),
    )


def surface_distances(predicted: np.ndarray, truth: np.ndarray, spacing_zyx_mm: tuple[float, ...]) -> SurfaceDistances:
    """Hausdorff, 95 % Hausdorff and average symmetric distance between the masks' border voxels (6-neighbourhood,
    4 in an image)."""
    a, b = border_points(predicted, spacing_zyx_mm), border_points(truth, spacing_zyx_mm)
    if len(a) == 0 or len(b) == 0:
        value = float("nan") if len(a) == len(b) else float("inf")
        return SurfaceDistances(value, value, value)
    there, back = cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]
    return SurfaceDistances(
        hausdorff_mm=float(max(there.max(), back.max())),
        hd95_mm=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        average_mm=float((there.sum() + back.sum()) / (len(there) + len(back))),
    )


def border_points(mask: np.ndarray, spacing_zyx_mm: tuple[float, ...]) -> np.ndarray:
    """Voxels of the mask with a face towards the background (or the volume's edge), (n, axes) in mm, z, y, x order."""
    box = bounding_box(mask)
    if box is None:
        return np.zeros((0, mask.ndim))
    part = mask[box]
    border = part & ~ndimage.binary_erosion(part)
    return (np.argwhere(border) + [s.start for s in box]) * np.asarray(spacing_zyx_mm)


def components(mask: np.ndarray) -> int:
    """Number of 26-connected components, the zeroth Betti number."""
    box = bounding_box(mask)
    return 0 if box is None else int(ndimage.label(mask[box], FULL_NEIGHBOURHOOD)[1])


def roc_auc(probability: np.ndarray, truth: np.ndarray) -> float:
    """Area under the ROC curve over all voxels; nan when the truth is empty or fills the volume.

    Takes probabilities 0..1 of any float type or uint8 0..255. Counted slice by slice on 65536 levels, so that 72
    million voxels cost a second and no sorting. Voxels that are not finite count as probability 0.
    """
    positive = np.zeros(PROBABILITY_LEVELS + 1, np.int64)
    everything = np.zeros(PROBABILITY_LEVELS + 1, np.int64)
    scale = np.float32(PROBABILITY_LEVELS / 255 if probability.dtype == np.uint8 else PROBABILITY_LEVELS)
    for values, mask in zip(probability, truth, strict=True):
        level = np.nan_to_num(values.astype(np.float32) * scale + np.float32(0.5), nan=0.0)
        level = np.clip(level, 0, PROBABILITY_LEVELS).astype(np.uint16)
        everything += np.bincount(level.ravel(), minlength=PROBABILITY_LEVELS + 1)
        if mask.any():
            positive += np.bincount(level[mask], minlength=PROBABILITY_LEVELS + 1)
    negative = everything - positive
    n_positive, n_negative = int(positive.sum()), int(negative.sum())
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    below = np.cumsum(negative) - negative
    return float(np.sum(positive * (below + 0.5 * negative)) / n_positive / n_negative)


def bounding_box(mask: np.ndarray) -> tuple[slice, ...] | None:
    """Smallest box round the foreground, a slice an axis; None when there is none."""
    axes = range(mask.ndim)
    along_first = mask.any(axis=tuple(axes[1:]))
    if not along_first.any():
        return None
    first = _extent(along_first)
    part = mask[first]
    return first, *(_extent(part.any(axis=tuple(a for a in axes if a != axis))) for axis in axes[1:])


def _extent(line: np.ndarray) -> slice:
    indices = np.flatnonzero(line)
    return slice(int(indices[0]), int(indices[-1]) + 1)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
