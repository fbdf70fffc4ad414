"""What a run will cost, measured by taking a few of its steps."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass

import torch

from ..progress import Progress, ProgressCallback, as_progress
from .config import TrainConfig
from .loop import train
from .sources import PatchSource, sample_generator

_WARM_UP_STEPS = 2


@dataclass(frozen=True)
class Estimate:
    """Measured cost of a run. ``memory_mb`` is the peak of this process (of the GPU on CUDA), None where unknown."""

    hardware: str
    seconds_per_step: float
    seconds_per_patch: float
    steps: int
    memory_mb: float | None

    @property
    def hours(self) -> float:
        return self.steps * self.seconds_per_step / 3600.0

    def summary(self) -> str:
        memory = "" if self.memory_mb is None else f", peak memory {self.memory_mb:.0f} MB"
        return (
            f"{self.hardware}: {self.seconds_per_step:.2f} s a step (making one patch takes "
            f"{self.seconds_per_patch:.2f} s on one core), {self.steps} steps in about {self.hours:.1f} h{memory}"
        )


def estimate(config: TrainConfig, source: PatchSource, *, measured_steps: int = 6,
             progress: Progress | ProgressCallback | None = None) -> Estimate:
    """Take a few steps of the run in a temporary folder, waiting for patches included, and extrapolate."""
    report = as_progress(progress)
    start = time.perf_counter()
    source.sample(sample_generator(config.seed, 0, "estimate"))
    per_patch = time.perf_counter() - start
    ticks: list[float] = []

    def tick(fraction: float, text: str) -> None:
        ticks.append(time.perf_counter())
        report(fraction, text)

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    short = config.with_changes(steps=_WARM_UP_STEPS + measured_steps, tensorboard=False)
    with tempfile.TemporaryDirectory() as folder:
        result = train(short, source, (), folder, progress=tick)
    spans = [b - a for a, b in zip(ticks[_WARM_UP_STEPS - 1 :], ticks[_WARM_UP_STEPS:], strict=False)]
    return Estimate(result.hardware, statistics.mean(spans), per_patch, config.steps, _peak_memory_mb(result.hardware))


def _peak_memory_mb(hardware: str) -> float | None:
    if hardware.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
