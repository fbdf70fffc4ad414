"""An angiogram and a model folder to a probability and a mask on the image's own pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import ModelError
from ...models import ModelFolder, find_model, load_stage
from ...models.systems import find_system
from ...progress import Progress, ProgressCallback, as_progress
from ..image import AngiogramImage
from ..preparation import onto_square
from .binarise import binarised
from .engine import choose_image_engine

STAGE = "angiogram"


@dataclass(frozen=True)
class AngiogramPrediction:
    """``probability`` (y, x) float32 0..1 and ``mask`` (y, x) bool of the vessels, on the image's pixels.

    ``threshold`` is the probability the mask was cut at, ``engine`` what computed it.
    """

    probability: np.ndarray
    mask: np.ndarray
    threshold: float
    engine: str
    warnings: tuple[str, ...] = ()


class AngiogramPredictor:
    """A model made ready once, for one image after the other.

    ``model`` is a name or a folder (``models.find_model``) or an opened one; ``device`` as in ``choose_engine``. Raises
    ModelError for a model that reads no angiograms, MissingPackageError for a device that is not there.
    """

    def __init__(self, model: str | Path | ModelFolder, *, device: str = "auto"):
        folder = model if isinstance(model, ModelFolder) else find_model(model)
        if find_system(folder.card.system).modality != "xray":
            raise ModelError(f"The model {folder.card.name!r} reads CT, no angiograms. Choose a model for angiograms.")
        self.card = folder.card.stage(STAGE)
        self._engine = choose_image_engine(load_stage(folder, STAGE), self.card.patch_zyx, device=device)

    @property
    def engine(self) -> str:
        """What computes, for reports."""
        return self._engine.name

    def __call__(self, image: AngiogramImage) -> AngiogramPrediction:
        """Predict one image of any size."""
        square = onto_square(image.array, self.card.patch_zyx[1])
        answer = self._engine.predict(square.array[None, None, None])[0, self.card.output("lumen"), 0]
        probability = np.ascontiguousarray(square.back(answer), np.float32).clip(0.0, 1.0)
        mask, threshold = binarised(probability, self.card.binarisation)
        return AngiogramPrediction(probability, mask, threshold, self.engine, self._engine.warnings)

    def of_run(self, images: Iterable[AngiogramImage], count: int | None = None,
               progress: Progress | ProgressCallback | None = None) -> Iterator[AngiogramPrediction]:
        """Predict the frames of a run, one after the other; ``count`` is for the progress. May raise Cancelled."""
        report = as_progress(progress)
        for number, image in enumerate(images):
            report(number / count if count else 0.0, f"Following the vessels in frame {image.frame + 1}")
            yield self(image)


def predict_angiogram(
    image: AngiogramImage,
    model_folder: str | Path | ModelFolder | AngiogramPredictor,
    *,
    device: str = "auto",
    progress: Progress | ProgressCallback | None = None,
) -> AngiogramPrediction:
    """Predict one angiogram. For several make an :class:`AngiogramPredictor` once and give it instead of the folder.

    Raises ModelError, MissingPackageError, Cancelled.
    """
    report = as_progress(progress)
    report(0.0, "Opening the model")
    ready = model_folder if isinstance(model_folder, AngiogramPredictor) else AngiogramPredictor(
        model_folder, device=device
    )
    report(0.5, "Following the vessels")
    prediction = ready(image)
    report(1.0, "Following the vessels")
    return prediction
