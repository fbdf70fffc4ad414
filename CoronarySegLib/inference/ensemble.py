"""Several answers to one CT, by several models or to several slightly varied images, and how far they differ.

The variations are ones a scanner could have made and no anatomy depends on (an offset of the HU scale, noise), so they
suit every system, mirrored or not. Where the answers differ, look at the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from ..models import ModelFolder
from ..preparation import resample
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .predict import predict
from .prediction import Prediction

OFFSETS_HU = (0.0, 25.0, -25.0, 50.0, -50.0)
NOISE_HU = 15.0
"""Standard deviation of the noise added to every varied image: about that of a good coronary CT."""


@dataclass(frozen=True)
class EnsemblePrediction:
    """``mean`` is a prediction like any other. ``variance`` (0..0.25) of the members' lumen probabilities and
    ``entropy`` (0..1 bit) of their mean lie on its grid. ``members`` names what answered, in order."""

    mean: Prediction
    variance: Volume
    entropy: Volume
    members: tuple[str, ...]


def predict_ensemble(
    volume: Volume,
    folders: Sequence[ModelFolder],
    *,
    variations: int = 0,
    device: str = "auto",
    quality: str = "standard",
    progress: Progress | ProgressCallback | None = None,
) -> EnsemblePrediction:
    """Predict with every model, each on the image and ``variations`` (0 to 4) varied images of it.

    The grid, the CT and every output but the lumen are those of the first model on the image itself; where a member
    made no prediction its probability is 0. Raises what ``predict`` raises, ValueError for no model or too many
    variations.
    """
    if not folders:
        raise ValueError("an ensemble needs at least one model")
    if not 0 <= variations < len(OFFSETS_HU):
        raise ValueError(f"variations must lie between 0 and {len(OFFSETS_HU) - 1}, not {variations}")
    progress = as_progress(progress)
    start = perf_counter()
    tasks = [(folder, number) for number in range(variations + 1) for folder in folders]
    first, total, squares, names, warnings = None, None, None, [], []
    for done, (folder, number) in enumerate(tasks):
        part = progress.part(done / len(tasks), (done + 1) / len(tasks))
        answer = predict(varied(volume, number), folder, device=device, quality=quality, progress=part)
        first = answer if first is None else first
        lumen = _on(answer.lumen, first.lumen)
        total = lumen.astype(np.float64) if total is None else total + lumen
        squares = lumen.astype(np.float64) ** 2 if squares is None else squares + lumen.astype(np.float64) ** 2
        names.append(f"{folder.card.name} {folder.card.version}" + (f", variation {number}" if number else ""))
        warnings.extend(answer.warnings)
    mean = total / len(tasks)
    variance = np.maximum(squares / len(tasks) - mean**2, 0.0)
    timings = {**first.timings, "ensemble": perf_counter() - start}
    return EnsemblePrediction(
        mean=replace(first, lumen=first.lumen.with_array(mean.astype(np.float32)), timings=timings,
                     warnings=tuple(dict.fromkeys(warnings))),
        variance=first.lumen.with_array(variance.astype(np.float32)),
        entropy=first.lumen.with_array(binary_entropy(mean)),
        members=tuple(names),
    )


def varied(volume: Volume, number: int) -> Volume:
    """Variation ``number`` of the image, the same every time; 0 is the image itself."""
    if number == 0:
        return volume
    noise = np.random.default_rng(number).normal(0.0, NOISE_HU, volume.array.shape).astype(np.float32)
    return volume.with_array(volume.array.astype(np.float32) + np.float32(OFFSETS_HU[number]) + noise)


def binary_entropy(probability: np.ndarray) -> np.ndarray:
    """Entropy in bits (float32, 0..1) of a probability 0..1 of one class against the other."""
    p = np.clip(probability, 1e-7, 1.0 - 1e-7)
    return (-(p * np.log2(p) + (1.0 - p) * np.log2(1.0 - p))).astype(np.float32)


def _on(lumen: Volume, grid: Volume) -> np.ndarray:
    if lumen.geometry.same_grid(grid.geometry):
        return lumen.array
    return resample(lumen, grid.geometry, interpolation="linear", fill=0.0).array
