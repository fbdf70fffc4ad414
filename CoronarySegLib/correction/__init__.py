"""Corrections of a result by one or two clicks: pure functions from a case and a click to the corrected case.

Each returns the new :class:`CaseState` and a :class:`Correction`, which says what changed and takes it back bit for
bit. The values are there at once; what needs scikit-image comes on first use.
"""

from .log import CorrectionLog
from .record import Correction, redone, undone
from .state import CALCIUM, SYSTEMS, VEIN, CaseState

__all__ = [
    "CALCIUM", "SYSTEMS", "VEIN", "CaseState", "Correction", "CorrectionLog", "add_branch", "bridge", "cut",
    "mark_vein", "redone", "refreshed", "remove_branch", "rename", "save_training_pair", "set_radius", "undone",
]

_WHERE = {
    "add_branch": "connect", "bridge": "connect", "cut": "plane", "mark_vein": "remove", "refreshed": "refresh",
    "remove_branch": "remove", "rename": "names", "save_training_pair": "training_pair", "set_radius": "radius",
}


def __getattr__(name: str):
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
