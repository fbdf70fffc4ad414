"""What was measured on a frame as rows of named columns, in mm or, without a scale, in pixels."""

from __future__ import annotations

from typing import Any

from ...measurement.rows import states_of
from .measure import FrameMeasurements

Row = dict[str, Any]


def vessel_rows(measured: FrameMeasurements) -> list[Row]:
    """One row a vessel: length, diameters, grade."""
    u, k = measured.unit, measured.per_unit
    return [
        {
            "tree": key, "vessel": vessel.label, f"length_{u}": vessel.figures.length_mm / k,
            "tortuosity": vessel.figures.tortuosity,
            f"mean_diameter_{u}": vessel.figures.mean_inscribed_diameter_mm / k,
            f"minimal_diameter_{u}": vessel.figures.minimal_inscribed_diameter_mm / k,
            f"proximal_reference_diameter_{u}": vessel.figures.proximal_reference_diameter_mm / k,
            f"distal_reference_diameter_{u}": vessel.figures.distal_reference_diameter_mm / k,
            "evaluable_share": vessel.figures.evaluable_share, "stenoses": len(vessel.stenoses),
            "grade": vessel.grade.value if vessel.grade else "not evaluable",
        }
        for key, system in measured.systems.items() for vessel in system.vessels
    ]


def stenosis_rows(measured: FrameMeasurements) -> list[Row]:
    """One row a narrowing."""
    u, k = measured.unit, measured.per_unit
    rows = []
    for key, system in measured.systems.items():
        for s in system.stenoses:
            (y, x), = measured.pixels([s.position_lps_mm])
            rows.append({
                "tree": key, "vessel": s.vessel, f"position_{u}": s.position_mm / k, f"length_{u}": s.length_mm / k,
                "diameter_percent": s.diameter_percent, f"minimal_diameter_{u}": s.minimal_diameter_mm / k,
                f"reference_diameter_{u}": s.reference_diameter_mm / k, "pixels_across": s.voxels_across,
                "x_px": float(x), "y_px": float(y), "grade": s.grade.value, "evaluable": "yes" if s.evaluable else "no",
                "not_evaluable_because": " ".join(reason.value for reason in s.not_evaluable),
                "remarks": "; ".join(s.remarks),
            })
    return rows


def profile_rows(measured: FrameMeasurements) -> list[Row]:
    """One row a step along every vessel: the course, the diameter and what it is compared with."""
    u, k = measured.unit, measured.per_unit
    rows = []
    for key, system in measured.systems.items():
        for vessel in system.vessels:
            profile = vessel.profile
            pixels, states = measured.pixels(profile.points_lps_mm), states_of(profile)
            percent = profile.diameter_percent
            for i, arc in enumerate(profile.arc_mm):
                rows.append({
                    "tree": key, "vessel": vessel.label, f"arc_{u}": float(arc) / k,
                    "x_px": float(pixels[i, 1]), "y_px": float(pixels[i, 0]),
                    f"diameter_{u}": float(profile.inscribed_diameter_mm[i]) / k,
                    f"reference_diameter_{u}": float(profile.reference_diameter_mm[i]) / k,
                    "diameter_percent": float(percent[i]), "state": states[i],
                })
    return rows
