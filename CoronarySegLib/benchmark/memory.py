"""The most memory that a stretch of work needed: of the GPU where it runs there, else of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

SECONDS_BETWEEN_LOOKS = 0.02


@dataclass
class Peak:
    """``mb`` is filled in when the stretch has ended; None where nobody can tell (no psutil on the CPU)."""

    mb: float | None = None


@contextmanager
def peak_memory(*, on_gpu: bool) -> Iterator[Peak]:
    """Watches what runs inside. On the CPU it is the resident memory of the whole process, libraries included."""
    peak = Peak()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
        yield peak
        peak.mb = torch.cuda.max_memory_allocated() / 2**20
        return
    try:
        import psutil
    except ImportError:
        yield peak
        return
    process, over = psutil.Process(), threading.Event()
    most = [process.memory_info().rss]

    def watch() -> None:
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            most[0] = max(most[0], process.memory_info().rss)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
        peak.mb = max(most[0], process.memory_info().rss) / 2**20
