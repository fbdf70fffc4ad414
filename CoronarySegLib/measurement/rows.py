"""Measurements as rows of named columns: what the CSV files, the JSON and the tables of the Slicer module share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from .values import Profile, Stenosis, TreeMeasurements

Measurements = TreeMeasurements | Mapping[str, TreeMeasurements]
Row = dict[str, Any]

PROFILE_COLUMNS = (
    "inscribed_diameter_mm", "area_diameter_mm", "area_mm2", "reference_diameter_mm", "reference_area_mm2",
    "diameter_percent", "curvature_per_mm", "torsion_per_mm", "voxels_across", "calcium_degrees",
)


def systems_of(measurements: Measurements) -> dict[str, TreeMeasurements]:
    """Measurements by system; a single tree goes by its side, or "tree"."""
    if isinstance(measurements, TreeMeasurements):
        return {measurements.side or "tree": measurements}
    return dict(measurements)


def branch_rows(measurements: Measurements) -> list[Row]:
    """One row a branch, junction to junction."""
    return [
        {"system": key, "branch": branch.index, "parent": branch.parent, "name": branch.name,
         "from_ostium_mm": branch.from_ostium_mm, **asdict(branch.figures)}
        for key, measured in systems_of(measurements).items() for branch in measured.branches
    ]


def vessel_rows(measurements: Measurements) -> list[Row]:
    """One row a vessel: its figures, its grade and what the reader must know."""
    return [
        {"system": key, "vessel": vessel.label, "branches": " ".join(map(str, vessel.indices)),
         "from_ostium_mm": vessel.from_ostium_mm, "stenoses": len(vessel.stenoses),
         "grade": vessel.grade.value if vessel.grade else "not evaluable", **asdict(vessel.figures),
         "remarks": "; ".join(vessel.remarks)}
        for key, measured in systems_of(measurements).items() for vessel in measured.vessels
    ]


def stenosis_rows(measurements: Measurements) -> list[Row]:
    """One row a stenosis."""
    return [
        {"system": key, **stenosis_row(stenosis)}
        for key, measured in systems_of(measurements).items() for stenosis in measured.stenoses
    ]


def stenosis_row(stenosis: Stenosis) -> Row:
    row = asdict(stenosis)
    x, y, z = row.pop("position_lps_mm")
    reasons, remarks = row.pop("not_evaluable"), row.pop("remarks")
    return {
        **row, "length_mm": stenosis.length_mm, "x_lps_mm": x, "y_lps_mm": y, "z_lps_mm": z,
        "grade": stenosis.grade.value, "evaluable": "yes" if stenosis.evaluable else "no",
        "not_evaluable_because": " ".join(reason.value for reason in reasons), "remarks": "; ".join(remarks),
    }


def profile_rows(measurements: Measurements) -> list[Row]:
    """One row a step along every vessel."""
    rows = []
    for key, measured in systems_of(measurements).items():
        for vessel in measured.vessels:
            profile = vessel.profile
            columns = [getattr(profile, name) for name in PROFILE_COLUMNS]
            states = states_of(profile)
            for i, arc in enumerate(profile.arc_mm):
                x, y, z = profile.points_lps_mm[i]
                rows.append({
                    "system": key, "vessel": vessel.label, "branch": int(profile.branch[i]), "arc_mm": float(arc),
                    "from_ostium_mm": vessel.from_ostium_mm + float(arc), "x_lps_mm": float(x), "y_lps_mm": float(y),
                    "z_lps_mm": float(z),
                    **{name: float(column[i]) for name, column in zip(PROFILE_COLUMNS, columns, strict=True)},
                    "state": states[i],
                })
    return rows


def states_of(profile: Profile) -> list[str]:
    """"evaluable", or the first reason why not, at every step."""
    return np.select(
        [profile.occluded, profile.free_end, profile.junction, profile.calcified, profile.unresolved],
        ["no lumen", "free end", "junction", "calcium", "resolution"], default="evaluable",
    ).tolist()
