"""The figures of one angiogram: those of the tables of the papers on U-Net 3+ and TPRNet, and clDice."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from skimage.morphology import skeletonize

from ...errors import InputError
from ...evaluation.metrics import overlap, surface_distances
from ...evaluation.scores import plain
from ...evaluation.skeleton import Skeleton, cldice

DEFINITIONS = {
    "sensitivity": "recall, SN", "specificity": "SP, true negative pixels over all negative ones",
    "hausdorff, average_surface_distance": (
        "between border pixels (4-neighbourhood), the average over both directions, in `unit`; null for an empty mask"
    ),
    "cldice": "Shit et al. 2021, each skeleton pixel counting alike",
}


@dataclass(frozen=True)
class AngiogramScores:
    """Shares are 0..1, distances in ``unit`` ("mm", or "px" where the pixel size is not known); nan where a figure has
    no meaning and inf for distances to an empty mask."""

    dice: float
    iou: float
    precision: float
    sensitivity: float
    specificity: float
    cldice: float
    hausdorff: float
    hd95: float
    average_surface_distance: float
    unit: str

    def as_dict(self) -> dict:
        """Plain values for JSON; numbers that are not finite become None."""
        return plain(asdict(self))


FIGURES = ("dice", "iou", "precision", "sensitivity", "specificity", "cldice", "hausdorff", "hd95",
           "average_surface_distance")


def score_mask(predicted: np.ndarray, truth: np.ndarray, spacing_mm: float | None = None) -> AngiogramScores:
    """Score a mask against the truth, both (y, x) bool. Raises InputError for other sizes or a truth without vessel."""
    if predicted.shape != truth.shape or truth.ndim != 2:
        raise InputError(
            f"Prediction {predicted.shape} and truth {truth.shape} differ in size. Give masks of one image."
        )
    if not truth.any():
        raise InputError("The truth shows no vessel. Give the mask of the truth, not the image.")
    pixels = overlap(predicted, truth)
    pixel = 1.0 if spacing_mm is None else spacing_mm
    surface = surface_distances(predicted, truth, (pixel, pixel))
    outside = int(np.count_nonzero(~truth))
    return AngiogramScores(
        dice=pixels.dice, iou=pixels.dice / (2.0 - pixels.dice), precision=pixels.precision,
        sensitivity=pixels.sensitivity,
        specificity=float(np.count_nonzero(~truth & ~predicted) / outside) if outside else float("nan"),
        cldice=cldice(predicted, truth, _skeleton(predicted, pixel), _skeleton(truth, pixel)),
        hausdorff=surface.hausdorff_mm, hd95=surface.hd95_mm, average_surface_distance=surface.average_mm,
        unit="px" if spacing_mm is None else "mm",
    )


def _skeleton(mask: np.ndarray, pixel: float) -> Skeleton:
    points = np.argwhere(skeletonize(mask)).astype(float)
    return Skeleton(points, np.full(len(points), pixel))
