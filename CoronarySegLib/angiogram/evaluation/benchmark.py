"""A model on the angiograms of a benchmark: what ``benchmark.scoring`` asks for, one case at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

from ...evaluation.metrics import roc_auc
from ...in_place import file_in_place
from ...models import ModelFolder
from ..image import AngiogramImage
from ..inference import AngiogramPredictor
from ..training.cases import AngiogramCase
from .scores import score_mask


class AngiogramScorer:
    """Callable ``case -> (figures, save)``; the model is opened once and its loading not timed.

    Figures are those of :class:`AngiogramScores` but the unit (pixels: folders of pictures state none), "roc_auc" and
    "seconds". ``save(folder)`` writes the mask.
    """

    def __init__(self, model: ModelFolder, device: str):
        self._predict = AngiogramPredictor(model, device=device)

    def __call__(self, case: AngiogramCase) -> tuple[dict, Callable[[Path], None]]:
        array, truth = case.read()
        image = AngiogramImage(array, source=str(case.image))
        start = perf_counter()
        prediction = self._predict(image)
        seconds = perf_counter() - start
        figures = score_mask(prediction.mask, truth).as_dict()
        figures.pop("unit")
        figures |= {"roc_auc": roc_auc(prediction.probability, truth), "seconds": seconds}

        def save(folder: Path) -> None:
            from PIL import Image

            with file_in_place(folder / f"{case.name}.png") as partial:
                Image.fromarray(255 * prediction.mask.astype(np.uint8)).save(partial)

        return figures, save
