"""Seconds a step takes, for reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


@contextmanager
def timed(timings: dict[str, float], step: str) -> Iterator[None]:
    """Put the seconds of the block into ``timings`` under ``step``."""
    start = perf_counter()
    yield
    timings[step] = perf_counter() - start
