"""From a mask or probability to rooted trees of curves with radii, names and measurements."""

from .tree import UNKNOWN, CentrelineBranch, CentrelineTree, Vessel

__all__ = ["UNKNOWN", "CentrelineBranch", "CentrelineTree", "Vessel"]
