"""An angiogram file becomes a checked run of frames, or an error that says what to do."""

from .read import is_angiogram, read_angiogram
from .run import AngiogramRun, checked_run

__all__ = ["AngiogramRun", "checked_run", "is_angiogram", "read_angiogram"]
