"""From probability to trees: threshold, fragments, left and right, calcium, walls."""

from .options import PostOptions

__all__ = ["PostOptions", "Trees", "at_half_maximum", "extract_trees", "fine_grid", "labels_on"]


def __getattr__(name: str):
    if name in ("Trees", "extract_trees"):
        from . import trees

        return getattr(trees, name)
    if name == "labels_on":
        from .on_grid import labels_on

        return labels_on
    if name in ("at_half_maximum", "fine_grid"):
        from . import walls

        return getattr(walls, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
