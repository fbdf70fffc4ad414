"""Progress and summaries on a terminal, in a log file, or for another program."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from ..progress import ProgressCallback

SECONDS_BETWEEN_LINES = 5.0


class ProgressStyle(str, Enum):
    """How progress is shown: a bar, lines of text, lines of JSON, nothing; ``auto`` is a bar on a terminal only."""

    auto = "auto"
    bar = "bar"
    plain = "plain"
    json = "json"
    none = "none"


PROGRESS_HELP = "bar, plain (lines), json (one object a line on stdout) or none; auto is a bar on a terminal."


def console():
    """Console for what the user asked for. Long lines in files are left whole."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


@contextmanager
def shown_progress(style: ProgressStyle = ProgressStyle.auto) -> Iterator[ProgressCallback | None]:
    """A progress callback in the style wanted. Bars and lines go to stderr, JSON to stdout."""
    if style is ProgressStyle.auto:
        style = ProgressStyle.bar if sys.stderr.isatty() else ProgressStyle.plain
    if style is ProgressStyle.none:
        yield None
    elif style is ProgressStyle.json:
        yield _write_json
    elif style is ProgressStyle.plain:
        yield _Lines()
    else:
        with _bar() as callback:
            yield callback


@contextmanager
def _bar() -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<34}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=1.0)

        def show(fraction: float, text: str) -> None:
            bar.update(task, completed=fraction, description=text or "…")

        yield show


class _Lines:
    """A line when the step changes, else every few seconds."""

    def __init__(self) -> None:
        self._text, self._last = "", 0.0

    def __call__(self, fraction: float, text: str) -> None:
        now = time.monotonic()
        if text and (text != self._text or now - self._last > SECONDS_BETWEEN_LINES):
            self._text, self._last = text, now
            sys.stderr.write(f"{100 * fraction:3.0f} % {text}\n")
            sys.stderr.flush()


def _write_json(fraction: float, text: str) -> None:
    sys.stdout.write(json.dumps({"progress": round(fraction, 4), "text": text}) + "\n")
    sys.stdout.flush()
