"""From a mask or probability to rooted trees of curves with radii, names and measurements."""

from .extract import extract_centrelines
from .options import CentrelineOptions
from .tree import UNKNOWN, CentrelineBranch, CentrelineTree, Vessel

__all__ = ["UNKNOWN", "CentrelineBranch", "CentrelineOptions", "CentrelineTree", "Vessel", "extract_centrelines"]
