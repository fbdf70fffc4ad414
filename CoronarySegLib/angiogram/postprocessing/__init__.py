"""Masks of single frames cleaned, and masks of a run made consistent in time."""

from .pieces import without_specks
from .shutters import covered_by_shutters
from .temporal import consistent_in_time

__all__ = ["consistent_in_time", "covered_by_shutters", "without_specks"]
