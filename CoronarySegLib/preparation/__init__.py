"""From the input grid to the grid and the values a network stage wants, and back."""

from .growing import grown
from .intensity import ct_values
from .orientation import Orientation, canonical, canonical_geometry, orientation_of
from .resampling import isotropic_grid, resample, resized_grid, spaced_grid
from .window import hu_window

__all__ = [
    "Orientation", "canonical", "canonical_geometry", "ct_values", "grown", "hu_window", "isotropic_grid",
    "orientation_of", "resample", "resized_grid", "spaced_grid",
]
