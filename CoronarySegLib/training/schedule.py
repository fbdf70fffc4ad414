"""The learning rate of each step, and the time a run took and will take."""

from __future__ import annotations

import math
import time
from collections import deque

from .config import TrainConfig


def learning_rate(config: TrainConfig, step: int) -> float:
    """Rate of ``step`` (0-based) under the configured schedule."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    done = min(max(done, 0.0), 1.0)
    factor = {
        "constant": 1.0,
        "cosine": 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done)),
        "poly": (1.0 - done) ** 0.9,
    }[config.schedule]
    return config.learning_rate * factor


class Clock:
    """Seconds trained over all parts of a run, and steps per second over the last fifty."""

    def __init__(self, seconds_before: float):
        self._before = seconds_before
        self._start = time.monotonic()
        self._ticks: deque[float] = deque([self._start], maxlen=51)

    def tick(self) -> None:
        self._ticks.append(time.monotonic())

    @property
    def seconds(self) -> float:
        return self._before + time.monotonic() - self._start

    @property
    def rate(self) -> float:
        span = self._ticks[-1] - self._ticks[0]
        return (len(self._ticks) - 1) / span if span > 0 else 0.0

    def text(self, step: int, steps: int, loss: float) -> str:
        left = (steps - step) / self.rate if self.rate else 0.0
        hours, minutes = divmod(round(left / 60), 60)
        span = f"{hours} h {minutes:02d} min" if hours else f"{minutes} min" if left >= 90 else f"{left:.0f} s"
        return f"step {step}/{steps}, loss {loss:.3f}, {self.rate:.2f} steps/s, {span} left"
