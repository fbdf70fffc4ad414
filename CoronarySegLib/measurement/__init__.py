"""Lumen measurements along a centreline tree: diameters, areas, bends, healthy reference, stenoses."""

from .measure import measure_tree
from .options import MeasurementOptions
from .values import (
    BranchMeasurement,
    Grade,
    LumenFigures,
    Profile,
    Reason,
    Stenosis,
    TreeMeasurements,
    VesselMeasurement,
    grade_of,
)

__all__ = [
    "BranchMeasurement", "Grade", "LumenFigures", "MeasurementOptions", "Profile", "Reason", "Stenosis",
    "TreeMeasurements", "VesselMeasurement", "grade_of", "measure_tree",
]
