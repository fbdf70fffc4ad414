"""From probability to trees: threshold, fragments, left and right, calcium."""

from .options import PostOptions

__all__ = ["PostOptions", "Trees", "extract_trees", "labels_on"]


def __getattr__(name: str):
    if name in ("Trees", "extract_trees"):
        from . import trees

        return getattr(trees, name)
    if name == "labels_on":
        from .on_grid import labels_on

        return labels_on
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
