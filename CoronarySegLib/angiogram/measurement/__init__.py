"""From the mask of a frame to centrelines, diameters along them and stenoses."""

from .measure import FrameMeasurements, measure_frame
from .skeleton import vessel_trees

__all__ = ["FrameMeasurements", "measure_frame", "vessel_trees"]
