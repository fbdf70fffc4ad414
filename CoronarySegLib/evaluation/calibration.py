"""Does a probability of 0.8 mean four in five? Calibration error, reliability, and the temperature that mends it.

Guo et al. 2017, "On Calibration of Modern Neural Networks". A temperature belongs to validation cases, never to those
it is then judged on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar

from ..errors import OutputError

BINS = 15
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
_EDGE = 1e-6


@dataclass(frozen=True)
class Calibration:
    """``expected_error`` 0..1: the mean distance between said and seen, weighted by voxels. By bin of probability:
    ``said`` (mean probability), ``seen`` (share that is vessel), ``voxels``; empty bins hold NaN and 0."""

    expected_error: float
    said: np.ndarray
    seen: np.ndarray
    voxels: np.ndarray

    def summary(self) -> str:
        """One line for a log."""
        return f"expected calibration error {self.expected_error:.4f} over {int(self.voxels.sum())} voxels"


def calibration_of(probability: np.ndarray, truth: np.ndarray, *, bins: int = BINS) -> Calibration:
    """Of probabilities 0..1 and truth (bool) of the same shape, in ``bins`` bins of equal width.

    Most voxels of a heart are background beyond doubt and make any model look calibrated: give the voxels in question,
    e.g. those near a vessel. Raises ValueError for shapes that differ or nothing to count.
    """
    p, y = _flat(probability, truth)
    index = np.minimum((p * bins).astype(int), bins - 1)
    voxels = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        said = np.bincount(index, weights=p, minlength=bins) / voxels
        seen = np.bincount(index, weights=y, minlength=bins) / voxels
    filled = voxels > 0
    error = float((np.abs(said - seen)[filled] * voxels[filled]).sum() / voxels.sum())
    return Calibration(error, said, seen, voxels)


def fitted_temperature(probability: np.ndarray, truth: np.ndarray) -> float:
    """The T that makes sigmoid(logit / T) most probable given the truth: above 1 the network was too sure of itself.

    Raises ValueError as :func:`calibration_of`, and when the truth is all one class, which has no best T.
    """
    p, y = _flat(probability, truth)
    if y.min() == y.max():
        raise ValueError("a temperature needs voxels of vessel and of background")
    logits = _logits(p)

    def cost(log_temperature: float) -> float:
        z = logits / np.exp(log_temperature)
        return float(np.mean(np.logaddexp(0.0, z) - y * z))

    bounds = (np.log(LOWEST_TEMPERATURE), np.log(HIGHEST_TEMPERATURE))
    return float(np.exp(minimize_scalar(cost, bounds=bounds, method="bounded").x))


def with_temperature(probability: np.ndarray, temperature: float) -> np.ndarray:
    """sigmoid(logit / ``temperature``) as float32; what is above 0.5 stays so. Raises ValueError for no positive T."""
    if not temperature > 0:
        raise ValueError(f"a temperature is positive, not {temperature}")
    logits = _logits(np.asarray(probability, np.float64)) / temperature
    return (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)


def write_reliability_plot(calibration: Calibration, path: Path, title: str = "") -> None:
    """Said against seen, with the share of voxels below, as a picture. Raises OutputError."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 6), layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    filled = calibration.voxels > 0
    upper.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="as said")
    upper.plot(calibration.said[filled], calibration.seen[filled], marker="o",
               label=f"error {calibration.expected_error:.3f}")
    upper.set(ylabel="share that is vessel", title=title, xlim=(0, 1), ylim=(0, 1))
    upper.legend(loc="upper left")
    width = 1.0 / len(calibration.voxels)
    centres = (np.arange(len(calibration.voxels)) + 0.5) * width
    lower.bar(centres, np.maximum(calibration.voxels, 0.5), width=0.9 * width, color="0.5")
    lower.set(xlabel="probability", ylabel="voxels", yscale="log")
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}. Choose another place.") from error


def _flat(probability: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, y = np.asarray(probability, np.float64), np.asarray(truth)
    if p.shape != y.shape:
        raise ValueError(f"probability {p.shape} and truth {y.shape} differ in shape")
    if not p.size:
        raise ValueError("there is no voxel to count")
    return p.ravel(), (y.ravel() > 0).astype(np.float64)


def _logits(probability: np.ndarray) -> np.ndarray:
    p = np.clip(probability, _EDGE, 1.0 - _EDGE)
    return np.log(p) - np.log1p(-p)
