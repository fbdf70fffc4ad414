"""A run in, vessels out: the story of one angiogram, from frames to masks that are measured.

Reading the run comes before (``reading``), writing the case after (``writing``); all between is here, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import EmptyResultError, InputError, ModelError
from ..progress import Progress, ProgressCallback, as_progress
from ..timing import timed
from .image import AngiogramImage
from .measurement import FrameMeasurements, measure_frame
from .postprocessing import consistent_in_time, covered_by_shutters, without_specks
from .reading import AngiogramRun

if TYPE_CHECKING:
    from ..models import ModelFolder
    from .inference import AngiogramPrediction

BEST, ALL = "best", "all"
PREDICT_SHARE = 0.85
TOO_MUCH = 0.2
"""A tree covers 2 to 8 in a hundred pixels of a frame; a mask of this share is none."""

Predict = Callable[[AngiogramImage], "AngiogramPrediction"]
"""What turns one image into a probability and a mask: a predictor, or a stand-in for one."""


@dataclass(frozen=True)
class FrameResult:
    """One frame: ``probability`` (y, x) float32, ``mask`` (y, x) bool, ``threshold`` the mask was cut at, and what was
    measured."""

    image: AngiogramImage
    probability: np.ndarray
    mask: np.ndarray
    threshold: float
    measurements: FrameMeasurements


@dataclass(frozen=True)
class AngiogramResult:
    """Frames in the order of the run. ``best`` is the place in ``frames`` of the one with most vessel. ``timings`` are
    seconds by step, ``warnings`` sentences for the person who reads the result."""

    run: AngiogramRun
    frames: tuple[FrameResult, ...]
    engine: str
    model: str
    timings: dict[str, float]
    warnings: tuple[str, ...]

    @property
    def best(self) -> int:
        numbers = [frame.image.frame for frame in self.frames]
        return numbers.index(self.run.best) if self.run.best in numbers else int(
            np.argmax([frame.mask.sum() for frame in self.frames])
        )


def segment_angiogram(
    run: AngiogramRun,
    *,
    model: str | Path | ModelFolder | None = None,
    device: str = "auto",
    frames: int | str = BEST,
    predict: Predict | None = None,
    progress: Progress | ProgressCallback | None = None,
) -> AngiogramResult:
    """Find and measure the vessels of a run.

    ``frames`` is "best" (the frame with most contrast), "all" (every frame, made consistent in time) or the number of a
    frame from 0. ``model`` is a name or folder of a model for angiograms, None the shipped one; ``predict`` takes its
    place. Raises ModelError, MissingPackageError, InputError (no such frame), EmptyResultError (no vessel in any frame)
    and Cancelled.
    """
    progress = as_progress(progress)
    timings: dict[str, float] = {}
    images = _wanted(run, frames)
    if predict is None:
        progress(0.0, "Opening the model")
        with timed(timings, "model"):
            from .inference import AngiogramPredictor, device_for

            folder = model_for_angiograms(model)
            predict = AngiogramPredictor(folder, device=device_for(len(images), device))
            name = f"{folder.card.name} {folder.card.version}"
    else:
        name = getattr(predict, "__name__", type(predict).__name__)
    predictions = []
    with timed(timings, "network"):
        for number, image in enumerate(images):
            progress(PREDICT_SHARE * number / len(images), f"Following the vessels in frame {image.frame + 1}")
            predictions.append(predict(image))
    progress(PREDICT_SHARE, "Cleaning the masks")
    with timed(timings, "postprocess"):
        masks = [
            without_specks(prediction.mask & ~covered_by_shutters(image.array))
            for image, prediction in zip(images, predictions, strict=True)
        ]
        if len(images) > 1:
            threshold = float(np.median([prediction.threshold for prediction in predictions]))
            steady = consistent_in_time(np.stack([p.probability for p in predictions]), np.stack(masks), threshold)
            masks = [without_specks(mask) for mask in steady]
    if not any(mask.any() for mask in masks):
        raise EmptyResultError(
            "No vessel was found on this angiogram. Choose a frame in which contrast fills the coronaries."
        )
    results = []
    with timed(timings, "measure"):
        for number, (image, prediction, mask) in enumerate(zip(images, predictions, masks, strict=True)):
            part = PREDICT_SHARE + (1.0 - PREDICT_SHARE) * number / len(images)
            progress(part, f"Measuring frame {image.frame + 1}")
            measured = measure_frame(image, mask, prediction.probability, threshold=prediction.threshold)
            results.append(FrameResult(image, prediction.probability, mask, prediction.threshold, measured))
    progress(1.0, "Vessels found")
    warnings = [*run.warnings, *(text for prediction in predictions for text in prediction.warnings)]
    empty = sum(not mask.any() for mask in masks)
    if empty:
        warnings.append(f"{empty} of {len(masks)} frames show no vessel.")
    share = max(float(mask.mean()) for mask in masks)
    if share > TOO_MUCH:
        warnings.append(
            f"The mask covers {100 * share:.0f} % of a frame, more than any coronary tree: do not believe it. "
            "The model does not fit this picture; choose another model or frame."
        )
    if not any(result.measurements.trees for result in results):
        warnings.append("No piece of the mask is long enough to be measured.")
    return AngiogramResult(
        run, tuple(results), predictions[0].engine, name, timings, tuple(dict.fromkeys(warnings))
    )


def model_for_angiograms(model: str | Path | ModelFolder | None = None) -> ModelFolder:
    """The model asked for, or the first one for angiograms that is found by name. Raises ModelError."""
    from ..models import ModelFolder, find_model, list_models
    from ..models.systems import find_system

    if isinstance(model, ModelFolder):
        return model
    if model is not None:
        return find_model(model)
    for listed in list_models():
        if listed.card is not None and find_system(listed.card.system).modality == "xray":
            return find_model(listed.path)
    raise ModelError(
        "No model for X-ray angiograms is installed. Give one with --model, or train one on synthetic or on your own "
        "angiograms (see coronaryseg train)."
    )


def _wanted(run: AngiogramRun, frames: int | str) -> tuple[AngiogramImage, ...]:
    if frames == ALL:
        return run.images()
    if frames == BEST:
        return (run.image(),)
    if isinstance(frames, str):
        raise InputError(f"frames is {frames!r}: choose best, all or the number of a frame.")
    return (run.image(frames),)
