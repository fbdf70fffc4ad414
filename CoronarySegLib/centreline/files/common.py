"""What the three formats share: systems by key, what a damaged file is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ...errors import CoronarySegError, InputError
from ..tree import CentrelineTree

Trees = Mapping[str, CentrelineTree]


def systems_of(trees: Trees | CentrelineTree) -> dict[str, CentrelineTree]:
    """Trees by key; a single tree goes by its side, or "tree". ValueError when there is none."""
    systems = {trees.side or "tree": trees} if isinstance(trees, CentrelineTree) else dict(trees)
    if not systems:
        raise ValueError("no tree to write")
    return systems


@contextmanager
def read_carefully(path: Path) -> Iterator[None]:
    """What a missing, damaged or foreign file raises inside becomes an InputError that names the file."""
    if not path.is_file():
        raise InputError(f"{path} is not there. Check the path of the centreline file.")
    try:
        yield
    except CoronarySegError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{path} holds no centreline tree that can be read ({type(error).__name__}: {error}). The file is damaged "
            "or was made by another program; export the centrelines again."
        ) from error
