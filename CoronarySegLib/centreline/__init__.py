"""From a mask or probability to rooted trees of curves with radii, names and measurements.

The value is there at once; the extraction, which needs scikit-image, on first use.
"""

from .options import CentrelineOptions
from .tree import UNKNOWN, CentrelineBranch, CentrelineTree, Vessel

__all__ = ["UNKNOWN", "CentrelineBranch", "CentrelineOptions", "CentrelineTree", "Vessel", "extract_centrelines"]


def __getattr__(name: str):
    if name == "extract_centrelines":
        from .extract import extract_centrelines

        return extract_centrelines
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
