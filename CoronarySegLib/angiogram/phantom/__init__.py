"""Synthetic X-ray angiograms of the phantom's hearts with complete truth; see :func:`make_angiogram`.

Importing this loads no torch.
"""

from importlib import import_module

from .settings import AngiogramSettings

_HEAVY = {
    "ProjectedBranch": "angiogram", "Scene": "angiogram", "SyntheticAngiogram": "angiogram",
    "make_angiogram": "angiogram", "make_scene": "angiogram", "write_angiogram": "writing",
}

__all__ = [
    "AngiogramSettings", "ProjectedBranch", "Scene", "SyntheticAngiogram", "make_angiogram", "make_scene",
    "write_angiogram",
]


def __getattr__(name: str):
    if name in _HEAVY:
        return getattr(import_module(f".{_HEAVY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
