"""From probability and labels to watertight surfaces and point clouds. VTK is loaded on first use."""

from .options import SurfaceOptions

__all__ = [
    "PointCloud", "Surface", "SurfaceOptions", "SurfaceReport", "point_cloud", "reconstruct", "reconstruct_labels",
]

_HOME = {
    "PointCloud": "cloud", "point_cloud": "cloud", "Surface": "surface", "SurfaceReport": "quality",
    "reconstruct": "surface", "reconstruct_labels": "surface",
}


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
