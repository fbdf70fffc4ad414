"""Mask pictures against mask pictures: one pair, or two folders paired by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..reading.pictures import is_picture, read_picture
from .scores import FIGURES, AngiogramScores, score_mask

MASK_NAMES = ("mask.png", "mask.pgm", "mask.tif")
"""What the mask of a case folder is called."""


@dataclass(frozen=True)
class ScoredMask:
    """One angiogram's name and figures."""

    name: str
    scores: AngiogramScores


def hold_masks(prediction: Path, truth: Path) -> bool:
    """True when both are pictures, or folders of pictures or of 2D case folders."""
    return bool(_masks(prediction)) and bool(_masks(truth))


def score_masks(prediction: Path, truth: Path, spacing_mm: float | None = None) -> tuple[ScoredMask, ...]:
    """The figures of every truth. Raises InputError naming the truths without a prediction, and those of other size."""
    predictions, truths = _masks(prediction), _masks(truth)
    if len(predictions) == len(truths) == 1:
        predictions = {next(iter(truths)): next(iter(predictions.values()))}
    missing = [name for name in truths if name not in predictions]
    if missing:
        raise InputError(f"{prediction} holds no mask for {', '.join(missing[:10])}. Masks are paired by file name.")
    return tuple(
        ScoredMask(name, score_mask(read_mask(predictions[name]), read_mask(path), spacing_mm))
        for name, path in truths.items()
    )


def read_mask(path: Path) -> np.ndarray:
    """(y, x) bool of a picture of two values: what is brighter than half of the brightest."""
    values = read_picture(path)[0][0]
    return values > 0.5 * max(float(values.max()), 1.0)


def mean_and_sd(scored: Sequence[ScoredMask]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of every figure over the cases where it is finite; nan where it is nowhere."""
    table = {}
    for name in FIGURES:
        values = np.array([getattr(case.scores, name) for case in scored], float)
        values = values[np.isfinite(values)]
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        table[name] = (float(values.mean()), spread) if len(values) else (float("nan"), float("nan"))
    return table


def _masks(path: Path) -> dict[str, Path]:
    if path.is_file():
        return {path.stem: path} if is_picture(path) else {}
    if not path.is_dir():
        return {}
    inside = [p for p in sorted(path.iterdir()) if not p.name.startswith(".")]
    own = next((path / name for name in MASK_NAMES if (path / name).is_file()), None)
    if own is not None:
        return {path.name: own}
    folders = {p.name: next((p / n for n in MASK_NAMES if (p / n).is_file()), None) for p in inside if p.is_dir()}
    found = {name: mask for name, mask in folders.items() if mask is not None}
    return found or {p.stem: p for p in inside if p.is_file() and is_picture(p)}
