"""A model on the test cases: every case is predicted, measured and written down before the next, so none is done twice.

The lumen probability is scored as it is, thresholded at one half on the truth's grid: no post-processing stands
between the systems. The mask is kept, so that any later question can be put to it (``coronaryseg evaluate``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import SimpleITK as sitk
import torch

from ..errors import OutputError, TrainingError
from ..evaluation import evaluate
from ..evaluation.scores import FIGURES, plain
from ..in_place import file_in_place, write_text
from ..inference import predict
from ..models import ModelFolder
from ..models.systems import find_system
from ..preparation import resample
from ..progress import Progress
from ..reading import read_volume
from ..training.pairs import Pair
from ..volume import Volume
from .memory import peak_memory

THRESHOLD = 0.5
Figures = dict[str, float | None]


def score_cases(
    model: ModelFolder, pairs: tuple[Pair, ...], folder: Path, *, device: str, quality: str, report: Progress
) -> dict[str, Figures]:
    """Figures of every pair by name; ``folder`` keeps ``<case>.json`` and the mask, ``<case>.nii.gz`` (uint8, 1 is
    lumen) of a CT or ``<case>.png`` of an angiogram."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error}. Choose another folder.") from error
    cases, of_angiogram = {}, None
    for number, pair in enumerate(pairs):
        path = folder / f"{pair.name}.json"
        part = report.part(number / len(pairs), (number + 1) / len(pairs))
        if path.is_file():
            cases[pair.name] = _read(path)
            continue
        if find_system(model.card.system).modality == "xray":
            of_angiogram = of_angiogram or _angiogram_scorer(model, device)
            figures, save = of_angiogram(pair)
        else:
            figures, save = _score(model, pair, device, quality, part)
        save(folder)
        write_text(path, json.dumps(figures, indent=1) + "\n")
        cases[pair.name] = figures
    return cases


def _score(
    model: ModelFolder, pair: Pair, device: str, quality: str, report: Progress
) -> tuple[Figures, Callable[[Path], None]]:
    truth = read_volume(pair.label)
    truth = truth.with_array(np.isin(truth.array, (1, 2)).astype(np.uint8))
    ct = read_volume(pair.image)
    start = perf_counter()
    with peak_memory(on_gpu=device in ("auto", "cuda") and torch.cuda.is_available()) as peak:
        prediction = predict(ct, model, device=device, quality=quality, progress=report)
    seconds = perf_counter() - start
    probability = resample(prediction.lumen, truth.geometry, interpolation="linear", fill=0.0)
    mask = probability.with_array((probability.array > THRESHOLD).astype(np.uint8))
    scores = evaluate(mask, truth, probability=probability)
    figures = plain({
        **{name: getattr(scores.total, name) for name in FIGURES}, "roc_auc": scores.roc_auc,
        "roughness_mm": _roughness(prediction.lumen), "seconds": seconds, "memory_mb": peak.mb,
    })

    def save(folder: Path) -> None:
        with file_in_place(folder / f"{pair.name}.nii.gz") as partial:
            sitk.WriteImage(mask.to_image(), str(partial), useCompression=True)

    return figures, save


def _angiogram_scorer(model: ModelFolder, device: str):
    from ..angiogram.evaluation.benchmark import AngiogramScorer

    return AngiogramScorer(model, device)


def _roughness(lumen: Volume) -> float | None:
    """None where VTK is not installed, as on many a machine that only computes."""
    try:
        from .roughness import surface_roughness_mm
    except ImportError:
        return None
    return surface_roughness_mm(lumen)


def _read(path: Path) -> Figures:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{path} is damaged: {error}. Remove it to score that case again.") from error
