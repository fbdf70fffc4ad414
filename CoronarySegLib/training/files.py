"""Files that are either the old ones or the new ones, never half written: a run can be killed at any moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..errors import OutputError


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Call ``write`` on a neighbouring temporary name, flush it to disk, rename it to ``path``.

    Raises OutputError when the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}. Check the free space and the rights.") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """:func:`write_atomically` for a small UTF-8 text."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
