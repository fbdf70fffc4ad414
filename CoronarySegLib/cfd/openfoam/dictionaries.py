"""OpenFOAM's dictionary syntax out of Python values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write_dictionary(path: Path, entries: Mapping, *, kind: str = "dictionary", note: str = "") -> None:
    """A file with OpenFOAM's header; ``note`` becomes a comment. The object's name is the file's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    comment = "".join(f"// {line}\n" for line in note.splitlines())
    top = {"version": "2.0", "format": "ascii", "class": kind, "object": path.name}
    path.write_text(f"{_named('FoamFile', top, 0)}{comment}\n{body(entries)}", encoding="ascii", newline="\n")


def body(entries: Mapping, depth: int = 0) -> str:
    return "".join(_named(key, value, depth) for key, value in entries.items())


def vector(values: np.ndarray) -> str:
    """Three numbers as OpenFOAM writes them, with nine digits."""
    return "(" + " ".join(f"{float(v):.9g}" for v in values) + ")"


def _named(key: str, value, depth: int) -> str:
    pad = "    " * depth
    if isinstance(value, Mapping):
        return f"{pad}{key}\n{pad}{{\n{body(value, depth + 1)}{pad}}}\n"
    if isinstance(value, list):
        rows = "".join(f"{pad}    {_plain(row, depth + 1)}\n" for row in value)
        return f"{pad}{key}\n{pad}(\n{rows}{pad});\n"
    return f"{pad}{key} {_plain(value, depth)};\n" if key else f"{pad}{_plain(value, depth)};\n"


def _plain(value, depth: int) -> str:
    if isinstance(value, Mapping):
        pad = "    " * depth
        return f"{{\n{body(value, depth + 1)}{pad}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, np.ndarray):
        return vector(value)
    return str(value)
