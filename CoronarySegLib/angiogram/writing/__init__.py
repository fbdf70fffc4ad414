"""The result of a run as files: masks, probabilities, tables, pictures, report."""

from .case import AngiogramFiles, write_case

__all__ = ["AngiogramFiles", "write_case"]
