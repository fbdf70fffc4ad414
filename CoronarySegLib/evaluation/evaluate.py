"""One result against one truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..preparation import resample
from ..volume import Geometry, Volume
from .centreline import BranchLike, Centreline, centreline_of_branches, centreline_of_skeleton, near_mask
from .metrics import bounding_box, components, overlap, roc_auc, surface_distances
from .regions import region_scores
from .scores import Scores, TreeScores, share_by_radius
from .skeleton import Skeleton, cldice, skeleton_of

LEFT, RIGHT, CALCIUM = 1, 2, 3


def evaluate(
    prediction_labels: Volume,
    truth_labels: Volume,
    *,
    probability: Volume | None = None,
    centrelines: Centreline | Sequence[BranchLike] | None = None,
    anatomy: Centreline | None = None,
) -> Scores:
    """Score label maps (1 left tree, 2 right tree, 3 calcium) against the truth, per tree and together.

    ``probability`` (lumen, 0..1) adds the area under the ROC curve. ``centrelines`` are the truth's; without them the
    skeleton of the truth mask is taken. ``anatomy`` is a named line of the truth that only tells regions apart (without
    it the centrelines do, as far as they can). A prediction or probability on another grid is resampled to the truth's
    (labels by nearest neighbour, with a warning). The trees are scored one by one only when the truth contains labels 1
    and 2; a truth of one label is taken as both trees together. An empty prediction scores Dice 0 and infinite
    distances.

    Raises InputError for a truth without lumen, labels other than 0..3, or grids that do not meet.
    """
    truth = _checked(truth_labels, "truth")
    prediction = _checked(prediction_labels, "prediction")
    warnings = []
    geometry = truth.geometry
    if not prediction.geometry.same_grid(geometry):
        _require_overlap(prediction.geometry, geometry)
        prediction = resample(prediction, geometry, interpolation="nearest", fill=0)
        warnings.append("The prediction lies on another grid and was resampled to the truth's by nearest neighbour.")
    if not np.isin(truth.array, (LEFT, RIGHT)).any():
        raise InputError("The truth holds no lumen (labels 1 and 2). Give the label map of the truth, not the image.")

    # From here on only the box that holds anything is looked at; nothing outside it can change a figure except the ROC.
    box = bounding_box((truth.array > 0) | (prediction.array > 0))
    part = _cropped_geometry(geometry, box)
    predicted, true = prediction.array[box], truth.array[box]
    line = None if centrelines is None else _as_centreline(centrelines)

    apart = bool((true == LEFT).any() and (true == RIGHT).any())
    if not apart:
        warnings.append("The truth does not tell left from right (one label only): the trees are scored together.")
    thin_p, thin_t = _skeletons(predicted, part), _skeletons(true, part)

    def tree(name: str, labels: tuple[int, ...]) -> TreeScores:
        given = None if line is None else line if name == "total" else line.of_side(name)
        compared = _Side(np.isin(predicted, labels), thin_p[name]), _Side(np.isin(true, labels), thin_t[name])
        return _tree_scores(name, *compared, part, given)

    total = tree("total", (LEFT, RIGHT))
    lumen_p, lumen_t = np.isin(predicted, (LEFT, RIGHT)), np.isin(true, (LEFT, RIGHT))
    parts = anatomy or line or centreline_of_skeleton(thin_t["total"], lumen_t, part)
    if total.volume_predicted_mm3 == 0:
        warnings.append("The prediction is empty: Dice is 0 and distances are infinite.")
    return Scores(
        total=total,
        left=tree("left", (LEFT,)) if apart else None,
        right=tree("right", (RIGHT,)) if apart else None,
        roc_auc=None if probability is None else _auc(probability, truth, warnings),
        calcium_dice=_calcium_dice(predicted, true),
        centreline_source="skeleton" if line is None else "given",
        warnings=tuple(warnings),
        by_region=region_scores(parts, lumen_p, lumen_t, part),
    )


@dataclass(frozen=True)
class _Side:
    """One of the two things compared: its mask and skeleton."""

    mask: np.ndarray
    skeleton: Skeleton


def _skeletons(labels: np.ndarray, geometry: Geometry) -> dict[str, Skeleton]:
    """Skeleton per tree. That of both together is their union: where they touch they are still two vessels."""
    left, right = (skeleton_of(labels == label, geometry.spacing_xyz_mm[::-1]) for label in (LEFT, RIGHT))
    return {"left": left, "right": right, "total": left.joined(right)}


def _tree_scores(name: str, predicted: _Side, true: _Side, geometry: Geometry, line: Centreline | None) -> TreeScores:
    voxels = overlap(predicted.mask, true.mask)
    surface = surface_distances(predicted.mask, true.mask, geometry.spacing_xyz_mm[::-1])
    n_predicted, n_true = components(predicted.mask), components(true.mask)
    true_line = centreline_of_skeleton(true.skeleton, true.mask, geometry) if line is None else line
    predicted_line = centreline_of_skeleton(predicted.skeleton, predicted.mask, geometry)
    found, found_by_radius = share_by_radius(true_line, near_mask(true_line, predicted.mask, geometry))
    right, right_by_radius = share_by_radius(predicted_line, near_mask(predicted_line, true.mask, geometry))
    return TreeScores(
        tree=name,
        dice=voxels.dice, sensitivity=voxels.sensitivity, precision=voxels.precision,
        cldice=cldice(predicted.mask, true.mask, predicted.skeleton, true.skeleton),
        hausdorff_mm=surface.hausdorff_mm, hd95_mm=surface.hd95_mm, average_surface_distance_mm=surface.average_mm,
        components_predicted=n_predicted, components_truth=n_true, betti0_error=abs(n_predicted - n_true),
        centreline_found=found, centreline_true=right,
        volume_predicted_mm3=float(np.count_nonzero(predicted.mask) * geometry.voxel_mm3),
        volume_truth_mm3=float(np.count_nonzero(true.mask) * geometry.voxel_mm3),
        found_by_radius=found_by_radius, true_by_radius=right_by_radius,
    )


def _checked(labels: Volume, what: str) -> Volume:
    """Labels as uint8; anything but whole numbers 0..3 is refused, or an image given by mistake would score quietly."""
    array = labels.array
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= CALCIUM):
        raise InputError(
            f"The {what} holds values from {low:g} to {high:g}; a label map holds 1 (left tree), 2 (right tree), "
            "3 (calcium). Give the label map."
        )
    whole = array.astype(np.uint8)
    if array.dtype.kind == "f" and not np.array_equal(whole, array):
        raise InputError(f"The {what} holds fractions: it looks like a probability map. Give the label map.")
    return labels.with_array(whole)


def _as_centreline(centrelines: Centreline | Sequence[BranchLike]) -> Centreline:
    return centrelines if isinstance(centrelines, Centreline) else centreline_of_branches(centrelines)


def _require_overlap(prediction: Geometry, truth: Geometry) -> None:
    index = truth.index_of(prediction.corners_lps())
    if (index.max(0) < -0.5).any() or (index.min(0) > np.asarray(truth.size_xyz) - 0.5).any():
        raise InputError(
            "Prediction and truth lie in different places of space and do not overlap. They are from two different "
            "scans, or one of the files lost its origin and direction."
        )


def _auc(probability: Volume, truth: Volume, warnings: list[str]) -> float:
    if not probability.geometry.same_grid(truth.geometry):
        _require_overlap(probability.geometry, truth.geometry)
        probability = resample(probability, truth.geometry, interpolation="linear", fill=0.0)
        warnings.append("The probability map lies on another grid and was resampled to the truth's.")
    return roc_auc(probability.array, np.isin(truth.array, (LEFT, RIGHT)))


def _calcium_dice(predicted: np.ndarray, true: np.ndarray) -> float | None:
    a, b = predicted == CALCIUM, true == CALCIUM
    return overlap(a, b).dice if a.any() and b.any() else None


def _cropped_geometry(geometry: Geometry, box: tuple[slice, ...]) -> Geometry:
    start = np.array([s.start for s in box])
    return replace(
        geometry,
        shape_zyx=tuple(s.stop - s.start for s in box),
        origin_lps_mm=tuple(float(v) for v in geometry.points_lps(start[::-1])),
    )
