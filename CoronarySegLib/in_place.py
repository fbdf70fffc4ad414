"""Files and folders that are either the old ones or the new ones, never half written: any process can be killed.

All is written to a hidden neighbour and renamed at the end, which on one disk is a single step.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import OutputError

COMPRESSED = ".gz"


@contextmanager
def file_in_place(path: Path | str) -> Iterator[Path]:
    """A path beside ``path``, with its ending, to write to; flushed to disk and renamed to it at the end.

    What an exception leaves there goes. Raises OutputError when the place cannot be written.
    """
    path = Path(path).expanduser()
    # Writers choose the format by the ending, and some by a ".img" anywhere in the name.
    ending = "".join(path.suffixes[-2:]) if path.suffix == COMPRESSED else path.suffix
    partial = path.with_name(f".{path.name.replace('.', '_')}-partial-{os.getpid()}{ending}")
    try:
        yield partial
        with partial.open("rb+") as handle:
            os.fsync(handle.fileno())
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{path} cannot be written ({reason}). Choose a folder you may write to, with space left."
        ) from error
    finally:
        with suppress(OSError):  # it may not be there, nor the folder it would be in
            partial.unlink()


def write_text(path: Path | str, text: str) -> None:
    """A UTF-8 text through :func:`file_in_place`."""
    with file_in_place(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def folder_in_place(folder: Path | str, what: str, *, keep: bool = False) -> Iterator[Path]:
    """An empty folder beside ``folder`` to write to; renamed to it at the end, so that what exists is complete.

    The old folder of that name goes; with ``keep`` it stays, and only files of the same names are replaced. ``what``
    begins the sentence of the OutputError that an OSError or RuntimeError (of a writer of images) becomes; ``folder``
    is then as it was.
    """
    folder = Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100 (resolve() would follow a link)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if keep and folder.exists():
            _move_files(partial, folder)
        else:
            put_in_place(partial, folder)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"{what} cannot be written to {folder} ({reason}). Choose a folder you may write to, on a disk with 1 GB "
            "free."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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


def _move_files(partial: Path, folder: Path) -> None:
    for path in sorted(p for p in partial.rglob("*") if p.is_file()):
        target = folder / path.relative_to(partial)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
