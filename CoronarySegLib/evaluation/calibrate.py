"""A model's probabilities against truths: the temperature that mends them, and how far off they were and are.

The temperature is fitted on some cases and judged on others. Only voxels in question count: those within 3 mm of a true
vessel, and those the model does not rule out; the rest of a heart is background beyond doubt and would make any model
look honest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..inference import predict
from ..models import ModelFolder
from ..preparation import resample
from ..progress import Progress, ProgressCallback, as_progress
from ..reading import read_volume
from .calibration import Calibration, calibration_of, fitted_temperature, with_temperature

NEAR_MM = 3.0
NOT_RULED_OUT = 0.1
MOST_VOXELS_A_CASE = 200_000


class Pair(Protocol):
    """An image and its label map (1 and 2 are lumen)."""

    name: str
    image: Path
    label: Path


@dataclass(frozen=True)
class ModelCalibration:
    """``temperature`` was fitted on the cases ``fitted_on``; ``before`` and ``after`` are of those ``judged_on``."""

    temperature: float
    before: Calibration
    after: Calibration
    fitted_on: tuple[str, ...]
    judged_on: tuple[str, ...]

    def as_dict(self) -> dict:
        """Plain values for JSON."""
        def plain(calibration: Calibration) -> dict:
            return {
                "expected_error": calibration.expected_error, "voxels": calibration.voxels.tolist(),
                **{name: [None if np.isnan(v) else float(v) for v in getattr(calibration, name)]
                   for name in ("said", "seen")},
            }

        return {
            "temperature": self.temperature, "before": plain(self.before), "after": plain(self.after),
            "fitted_on": list(self.fitted_on), "judged_on": list(self.judged_on),
        }


def calibrate(
    model: ModelFolder, fit: Sequence[Pair], judge: Sequence[Pair], *, device: str = "auto", quality: str = "standard",
    progress: Progress | ProgressCallback | None = None,
) -> ModelCalibration:
    """Fit a temperature of the lumen probability on ``fit`` and measure the calibration error on ``judge``.

    The temperature is taken on the probability as it is blended from the patches. Raises InputError for no case, a case
    in both lists, or cases without any voxel in question, and what ``predict`` raises.
    """
    names = [{pair.name for pair in pairs} for pairs in (fit, judge)]
    if not fit or not judge:
        raise InputError("A temperature needs cases to fit it on and others to judge it by. Give at least two.")
    if names[0] & names[1]:
        raise InputError(f"{', '.join(sorted(names[0] & names[1]))}: a case cannot both fit and judge a temperature.")
    report = as_progress(progress)
    samples, pairs = [], [*fit, *judge]
    for number, pair in enumerate(pairs):
        part = report.part(number / len(pairs), (number + 1) / len(pairs))
        samples.append(voxels_in_question(model, pair, device=device, quality=quality, progress=part))
    fitted, judged = (
        tuple(np.concatenate(values) for values in zip(*part, strict=True))
        for part in (samples[: len(fit)], samples[len(fit) :])
    )
    try:
        temperature = fitted_temperature(*fitted)
        before = calibration_of(*judged)
        after = calibration_of(with_temperature(judged[0], temperature), judged[1])
    except ValueError as error:
        raise InputError(f"These cases cannot calibrate a model: {error}. Give others.") from error
    return ModelCalibration(
        temperature, before, after, tuple(pair.name for pair in fit), tuple(pair.name for pair in judge)
    )


def voxels_in_question(
    model: ModelFolder, pair: Pair, *, device: str = "auto", quality: str = "standard",
    progress: Progress | ProgressCallback | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Probability and truth (bool) of the voxels that count, at most 200 000 of them drawn evenly, on the truth's
    grid."""
    truth = read_volume(pair.label)
    prediction = predict(read_volume(pair.image), model, device=device, quality=quality, progress=progress)
    probability = resample(prediction.lumen, truth.geometry, interpolation="linear", fill=0.0).array
    lumen = np.isin(truth.array, (1, 2))
    spacing = truth.geometry.spacing_xyz_mm[::-1]
    near = ndimage.distance_transform_edt(~lumen, sampling=spacing) <= NEAR_MM if lumen.any() else lumen
    index = np.flatnonzero(near | (probability >= NOT_RULED_OUT))
    if len(index) > MOST_VOXELS_A_CASE:
        index = np.random.default_rng(0).choice(index, MOST_VOXELS_A_CASE, replace=False)
    return np.clip(probability.ravel()[index], 0.0, 1.0), lumen.ravel()[index]
