"""From the input grid to the grid and the values a network stage wants, and back."""

from .contrast import artery_hu, relative_contrast
from .growing import grown
from .intensity import ct_values
from .orientation import Orientation, canonical, canonical_geometry, orientation_of
from .resampling import isotropic_grid, resample, resized_grid, spaced_grid
from .window import hu_window

__all__ = [
    "Orientation", "artery_hu", "canonical", "canonical_geometry", "ct_values", "grown", "hu_window", "isotropic_grid",
    "orientation_of", "relative_contrast", "resample", "resized_grid", "spaced_grid",
]
