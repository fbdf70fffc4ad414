"""From a prediction to two coronary trees: the story of post-processing.

Threshold, weak branches, fragments, left and right, calcium; in this order, because each step needs what the one before
cleaned. The cleaned probability travels on with the labels, so that the surfaces show exactly what the labels say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import EmptyResultError
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Geometry, Volume
from .boxes import bounding_box, cropped_geometry, spacing_zyx
from .calcium import Calcium, find_calcium
from .components import filled, keep_largest, opened
from .dense import without_dense_bodies
from .dim_branches import dim_branches
from .gather import Gathered, Priors, gather
from .options import PostOptions
from .sides import LEFT, RIGHT, Sided, name_sides
from .threshold import Threshold, adaptive_threshold, lift_weak_branches, without
from .veins import without_veins

if TYPE_CHECKING:
    from ..inference import Prediction

LABELS = {"left": 1, "right": 2, "calcium": 3}
DEFAULT = PostOptions()
OF_INTEREST = 0.05
"""Probability below which a voxel can reach no result: the box round the rest is what is worked on."""


@dataclass(frozen=True)
class Trees:
    """Both trees, on the prediction's grid as they are extracted, on a finer one with walls by the CT (:mod:`.walls`).

    ``labels``: uint8, 1 left lumen, 2 right lumen, 3 calcium. ``lumen``: float32, the cleaned lumen probability; it
    reaches ``threshold_used`` exactly where ``labels`` is 1 or 2 (dropped pieces and calcium lowered, bridges and weak
    branches raised). Counts are pieces of the thresholded probability. ``calcium_threshold_hu`` is None when no HU rule
    was applied. ``warnings`` are sentences for the person who reads the result.
    """

    labels: Volume
    lumen: Volume
    threshold_used: float
    components_found: int
    components_dropped: int
    components_reconnected: int
    components_kept_apart: int
    split_fused: bool
    calcium_threshold_hu: float | None
    warnings: tuple[str, ...] = ()

    @property
    def sides(self) -> tuple[str, ...]:
        """The trees that were found: "left", "right"."""
        return tuple(side for side in ("left", "right") if (self.labels.array == LABELS[side]).any())

    def volume_mm3(self, name: str) -> float:
        """Volume of "left", "right" or "calcium" by voxel count."""
        return float(np.count_nonzero(self.labels.array == LABELS[name]) * self.labels.geometry.voxel_mm3)

    def summary(self) -> str:
        """One line for a log."""
        volumes = ", ".join(f"{name} {self.volume_mm3(name):.0f} mm³" for name in LABELS)
        return (
            f"{volumes}; threshold {self.threshold_used:.2f}; {self.components_found} pieces: "
            f"{self.components_reconnected} reconnected, {self.components_kept_apart} kept apart, "
            f"{self.components_dropped} dropped"
        )


def extract_trees(
    prediction: Prediction, options: PostOptions = DEFAULT, *, progress: Progress | ProgressCallback | None = None
) -> Trees:
    """The left and the right tree and calcium out of a prediction.

    Raises EmptyResultError when no piece of coronary size is found: an empty mask is never returned.
    """
    progress = as_progress(progress)
    progress(0.0, "Thresholding")
    grid = prediction.lumen.geometry
    probability = np.nan_to_num(prediction.lumen.array.astype(np.float32, copy=False))
    if options.exclude_dense and prediction.ct is not None:
        probability = without_dense_bodies(probability, prediction.ct.array, spacing_zyx(grid))
    if options.exclude_veins and prediction.vein is not None:
        probability = without_veins(probability, prediction.vein.array, grid.voxel_mm3)
    threshold = _threshold(probability, grid, options)
    box = bounding_box(probability >= min(OF_INTEREST, 0.5 * threshold.value), margin=3)
    local = cropped_geometry(grid, box)
    field = np.clip(probability[box], 0.0, 1.0)

    progress(0.2, "Joining fragments")
    ct_hu = None if prediction.ct is None else prediction.ct.array[box]
    vein = None if prediction.vein is None else prediction.vein.array[box]
    field, gathered = _cleaned(field, threshold, local, _priors(prediction), options, ct_hu, vein)

    progress(0.6, "Left and right")
    sided = name_sides(gathered.tree, field, threshold.value, local, _priors(prediction))

    progress(0.8, "Calcium")
    calcium = _calcium(prediction, box, sided, field, ct_hu, local, options)
    trees = _assembled(prediction, box, field, threshold, gathered, sided, calcium)
    progress(1.0, "Trees ready")
    return trees


def _threshold(probability: np.ndarray, grid: Geometry, options: PostOptions) -> Threshold:
    if options.threshold is None:
        return adaptive_threshold(probability, grid.voxel_mm3, plausible_mm3=options.plausible_mm3)
    foreground_mm3 = np.count_nonzero(probability >= options.threshold) * grid.voxel_mm3
    if foreground_mm3 == 0:
        raise EmptyResultError(
            f"Nothing reaches the threshold {options.threshold:.2f}. Leave the threshold to the program or lower it."
        )
    return Threshold(options.threshold, foreground_mm3)


def _priors(prediction: Prediction) -> Priors | None:
    if prediction.left_prior is None or prediction.right_prior is None:
        return None
    return Priors(prediction.left_prior, prediction.right_prior)


def _cleaned(
    field: np.ndarray, threshold: Threshold, geometry: Geometry, priors: Priors | None, options: PostOptions,
    ct_hu: np.ndarray | None, vein: np.ndarray | None,
) -> tuple[np.ndarray, Gathered]:
    """The probability with weak branches and bridges in and foreign pieces out, and who belongs to which root."""
    value = threshold.value
    if options.weak_threshold is not None:
        weak = min(options.weak_threshold, 0.6 * value)
        field = lift_weak_branches(field, value, weak, geometry.voxel_mm3)
    else:
        field = field.copy()
    if options.opening:
        without(field, (field >= value) & ~opened(field >= value), value)
    if options.keep is not None:
        gathered = _kept(field, value, options.keep)
    else:
        solid = filled(field >= value)
        field[solid & (field < value)] = 0.5 * (1.0 + value)
        if not options.exclude_veins:
            vein = None
        if vein is not None and ct_hu is not None:
            field[dim_branches(solid, field, vein, ct_hu, geometry, priors)] = 0.0
        gathered = gather(field, value, geometry, priors, options, ct_hu, vein)
    without(field, (field >= value) & (gathered.tree == 0), value)
    return field, gathered


def _kept(field: np.ndarray, value: float, keep: int) -> Gathered:
    mask = field >= value
    if not mask.any():
        raise EmptyResultError(
            "No coronary artery is left after the opening, which removes vessels thinner than three voxels. "
            "Switch the opening off or use the recommended profile."
        )
    kept, dropped = keep_largest(mask, keep)
    if keep == 1:
        return Gathered(kept.astype(np.uint8), 1, found=dropped + 1, dropped=dropped)
    largest, rest = keep_largest(kept, 1)
    tree = np.where(kept, np.where(largest, 1, 2), 0).astype(np.uint8)
    return Gathered(tree, min(2, rest + 1), found=rest + 1 + dropped, dropped=dropped, kept_apart=max(rest - 1, 0))


def _calcium(
    prediction: Prediction, box, sided: Sided, field: np.ndarray, ct_hu: np.ndarray | None, geometry: Geometry, options
) -> Calcium:
    if not options.calcium:
        return Calcium(np.zeros(field.shape, bool), None)
    channel = prediction.calcium.array[box] if prediction.calcium is not None else None
    return find_calcium(sided.side > 0, field, channel, ct_hu, geometry, options.calcium_threshold)


def _assembled(prediction, box, field, threshold, gathered, sided, calcium) -> Trees:
    lumen_label = sided.side.copy()
    without(field, (lumen_label > 0) & calcium.mask, threshold.value)
    lumen_label[calcium.mask] = LABELS["calcium"]
    grid = prediction.lumen
    labels = np.zeros(grid.geometry.shape_zyx, np.uint8)
    lumen = np.zeros(grid.geometry.shape_zyx, np.float32)
    labels[box], lumen[box] = lumen_label, field
    warnings = [threshold.warning, *sided.warnings]
    for label, other, name in ((LEFT, "left", "right"), (RIGHT, "right", "left")):
        if not (sided.side == label).any():
            warnings.append(f"Only the {name} tree was found; the {other} one is missing. Check the field of view.")
    if gathered.kept_apart:
        warnings.append(
            f"{gathered.kept_apart} larger piece(s) not connected to a tree were kept because they look like branches."
        )
    if calcium.given_back:
        warnings.append(f"{calcium.given_back} calcified deposit(s) fill the vessel; the lumen there was kept open.")
    return Trees(
        labels=Volume(labels, grid.geometry, grid.source),
        lumen=Volume(lumen, grid.geometry, grid.source),
        threshold_used=threshold.value,
        components_found=gathered.found,
        components_dropped=gathered.dropped,
        components_reconnected=gathered.reconnected,
        components_kept_apart=gathered.kept_apart,
        split_fused=sided.split,
        calcium_threshold_hu=calcium.threshold_hu,
        warnings=tuple(text for text in warnings if text),
    )
