"""A finished folder put where the old one of its name is, or where there was none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def put_in_place(partial: Path, folder: Path) -> None:
    """Rename ``partial`` to its neighbour ``folder``, whose content goes. Raises OSError; the old one then stays."""
    if not folder.exists():
        partial.rename(folder)
        return
    # Two renames: at no time is there a folder of this name that is half old and half new.
    old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    try:
        partial.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
