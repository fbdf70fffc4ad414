"""A synthetic contrast heart CT with complete truth; see :func:`make_phantom`. Importing this loads no torch."""

from importlib import import_module

from .settings import PhantomSettings, centred_grid
from .tissues import Tissue
from .tree import Branch, CalciumDeposit, CoronaryTree, Lesion, TreeBuild

_HEAVY = {
    "Phantom": "phantom", "make_phantom": "phantom", "truth_labels": "phantom", "read_tree": "writing",
    "write_phantom": "writing",
}

__all__ = [
    "Branch", "CalciumDeposit", "CoronaryTree", "Lesion", "Phantom", "PhantomSettings", "Tissue", "TreeBuild",
    "centred_grid", "make_phantom", "read_tree", "truth_labels", "write_phantom",
]


def __getattr__(name: str):
    if name in _HEAVY:
        return getattr(import_module(f".{_HEAVY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
