"""One progress callback for the whole library.

A callback receives a fraction in 0..1 and a short text ("Finding the heart") and returns nothing or True to go on,
False to stop; on False the library raises :class:`~CoronarySegLib.errors.Cancelled` at the next safe point.
"""

from __future__ import annotations

from collections.abc import Callable

from .errors import Cancelled

ProgressCallback = Callable[[float, str], "bool | None"]


class Progress:
    """Wraps an optional callback; ``part`` hands a slice of the bar to a sub-step."""

    def __init__(self, callback: ProgressCallback | None = None, start: float = 0.0, end: float = 1.0):
        self._callback = callback
        self._start = start
        self._end = end

    def __call__(self, fraction: float, text: str = "") -> None:
        """Report ``fraction`` (0..1 of this part) and raise Cancelled if the callback answers False."""
        if self._callback is None:
            return
        overall = self._start + (self._end - self._start) * min(max(fraction, 0.0), 1.0)
        if self._callback(overall, text) is False:
            raise Cancelled("Cancelled. Nothing was written; run again to start over.")

    def part(self, start: float, end: float) -> Progress:
        """Progress for a sub-step that fills ``start``..``end`` (fractions of this part)."""
        width = self._end - self._start
        return Progress(self._callback, self._start + width * start, self._start + width * end)


def as_progress(progress: Progress | ProgressCallback | None) -> Progress:
    """Accept a Progress, a bare callback or None: what every public function takes."""
    return progress if isinstance(progress, Progress) else Progress(progress)
