"""Lumen measurements along a centreline tree: diameters, areas, bends, healthy reference, stenoses."""

from .files import write_measurements_csv, write_measurements_json
from .measure import measure_tree
from .options import MeasurementOptions
from .plots import plot_profile, plot_profiles
from .tables import stenoses_table, vessels_table
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
    "TreeMeasurements", "VesselMeasurement", "grade_of", "measure_tree", "plot_profile", "plot_profiles",
    "stenoses_table", "vessels_table", "write_measurements_csv", "write_measurements_json",
]
