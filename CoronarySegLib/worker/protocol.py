"""Progress as lines of the worker's output: a prefix and JSON. Any other line is somebody's message, kept as it is."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

PREFIX = "CoronarySeg-progress "


@dataclass(frozen=True)
class Said:
    """How far the worker is (0..1) and what it does, in words."""

    fraction: float
    text: str


def say(fraction: float, text: str) -> None:
    """The progress callback of the worker."""
    sys.stdout.write(f"{PREFIX}{json.dumps([round(float(fraction), 4), text])}\n")
    sys.stdout.flush()


def heard(line: str) -> Said | None:
    """What a line of output says about progress; None for any other line, a damaged one included."""
    if not line.startswith(PREFIX):
        return None
    try:
        fraction, text = json.loads(line[len(PREFIX):])
        return Said(float(fraction), str(text))
    except (ValueError, TypeError):
        return None
