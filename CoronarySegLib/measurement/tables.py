"""Measurements as tables for a terminal (rich)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .rows import Measurements, systems_of
from .values import Stenosis, VesselMeasurement

if TYPE_CHECKING:
    from rich.table import Table

STYLES = {"<25 %": "", "25–49 %": "", "50–69 %": "yellow", "70–99 %": "bold red", "100 %": "bold red"}


def vessels_table(measurements: Measurements, title: str = "Vessels", *, unnamed: bool = False) -> Table:
    """A row a vessel; branches without a name only with ``unnamed``."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("vessel")
    for column in ("length\n(mm)", "reference\n(mm)", "mean\ninscribed\n(mm)", "mean\nby area\n(mm)", "voxels\nacross",
                   "taper\n(mm/cm)", "volume\n(mm³)", "mean\ncurvature\n(1/mm)", "evaluable\n(%)", "stenosis"):
        table.add_column(column, justify="right")
    for system in systems_of(measurements).values():
        for vessel in system.vessels:
            if vessel.name or unnamed:
                table.add_row(*_vessel_cells(vessel))
        table.add_section()
    return table


def stenoses_table(measurements: Measurements, title: str = "Stenoses") -> Table:
    """A row a stenosis, deepest evaluable ones in colour."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("vessel")
    for column in ("from\nostium\n(mm)", "length\n(mm)", "MLD\n(mm)", "reference\n(mm)", "diameter\n(%)", "MLA\n(mm²)",
                   "area\n(%)", "voxels\nacross"):
        table.add_column(column, justify="right")
    table.add_column("grade")
    table.add_column("note", max_width=44)
    for system in systems_of(measurements).values():
        for one in system.stenoses:
            table.add_row(*_stenosis_cells(one), style=STYLES[one.grade.value] if one.evaluable else "dim")
    return table


def _vessel_cells(vessel: VesselMeasurement) -> tuple[str, ...]:
    f = vessel.figures
    reference = f"{f.proximal_reference_diameter_mm:.1f}–{f.distal_reference_diameter_mm:.1f}"
    return (
        vessel.label, _number(f.length_mm, 0), reference, _number(f.mean_inscribed_diameter_mm, 2),
        _number(f.mean_area_diameter_mm, 2), _number(f.mean_voxels_across, 1), _number(f.taper_mm_per_cm, 2),
        _number(f.volume_mm3, 0), _number(f.mean_curvature_per_mm, 3), _number(100 * f.evaluable_share, 0),
        vessel.grade.value if vessel.grade else "not evaluable",
    )


def _stenosis_cells(one: Stenosis) -> tuple[str, ...]:
    because = [f"not evaluable: {', '.join(reason.value for reason in one.not_evaluable)}"] if one.not_evaluable else []
    return (
        one.vessel, _number(one.from_ostium_mm, 0), _number(one.length_mm, 1), _number(one.minimal_diameter_mm, 2),
        _number(one.reference_diameter_mm, 2), _number(one.diameter_percent, 0), _number(one.minimal_area_mm2, 2),
        _number(one.area_percent, 0), _number(one.voxels_across, 1), one.grade.value if one.evaluable else "–",
        "; ".join([*because, *one.remarks]),
    )


def _number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"
