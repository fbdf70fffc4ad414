"""Pieces of work that do not need each other, done at the same time.

numpy, scipy and SimpleITK let other threads compute while they do, so threads are enough. A progress callback belongs
to whoever gave it, often a window that only its own thread may touch: it is called from the calling thread alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

from .progress import Progress

Result = TypeVar("Result")
AT_ONCE = 2
"""More would take the memory of as many."""


def side_by_side(work: Mapping[str, Callable[[Progress], Result]], report: Progress) -> dict[str, Result]:
    """What each piece of ``work`` returns, under its name; each is given a progress of its own. The bar shows the mean.

    The first error, or Cancelled when ``report`` says so, is raised after the other pieces have stopped, which they do
    when they next report.
    """
    if len(work) < 2:
        return {name: piece(report) for name, piece in work.items()}
    news: SimpleQueue[tuple[str, float, str] | Future] = SimpleQueue()
    stop = Event()

    def reporting_as(name: str) -> Progress:
        def callback(fraction: float, text: str) -> bool:
            news.put((name, fraction, text))
            return not stop.is_set()

        return Progress(callback)

    reached = dict.fromkeys(work, 0.0)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {name: pool.submit(piece, reporting_as(name)) for name, piece in work.items()}
        for job in jobs.values():
            job.add_done_callback(news.put)
        running = len(jobs)
        try:
            while running:
                item = news.get()
                if isinstance(item, Future):
                    item.result()
                    running -= 1
                else:
                    name, reached[name], text = item
                    report(sum(reached.values()) / len(reached), text)
        except BaseException:
            for job in jobs.values():
                job.cancel()
            stop.set()
            raise
    return {name: job.result() for name, job in jobs.items()}
