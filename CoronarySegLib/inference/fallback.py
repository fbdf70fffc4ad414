"""Carry on on the CPU when the GPU cannot: slower, but with a result, and said in the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from .engines import Engine


class FallbackEngine:
    """Uses ``first`` until it runs out of memory or meets an operation it lacks, then what ``make_second`` builds.

    The switch is for good: a GPU that was full once in a run would only fail again a patch later.
    Any other error passes through unchanged.
    """

    def __init__(self, first: Engine, make_second: Callable[[], Engine]):
        self._engine = first
        self._make_second: Callable[[], Engine] | None = make_second
        self._notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._notes + self._engine.warnings

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """As the engine in use; see :class:`~CoronarySegLib.inference.engines.Engine`."""
        reason = None
        try:
            return self._engine.predict(batch)
        except (RuntimeError, NotImplementedError) as error:
            reason = _reason(error)
            if reason is None or self._make_second is None:
                raise
        # Outside of the except block: the exception's frames hold the GPU tensors that are to be freed.
        self._switch(reason)
        return self._engine.predict(batch)

    def _switch(self, reason: str) -> None:
        first, self._engine = self._engine, None
        release = getattr(first, "release", None)
        if release is not None:
            release()
        self._engine = self._make_second()
        self._make_second = None
        self._notes = (
            f"{first.name} {reason}; the run went on with {self._engine.name}. "
            "Close other programs that use the GPU, or choose device cpu to go there at once.",
        )


def _reason(error: Exception) -> str | None:
    if isinstance(error, torch.cuda.OutOfMemoryError) or "out of memory" in str(error).lower():
        return "ran out of memory"
    if isinstance(error, NotImplementedError):
        return "lacks an operation of this network"
    return None
