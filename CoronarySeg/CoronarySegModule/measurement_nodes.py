"""Measurements in the scene: a table of vessels, a table of stenoses, and the profile of a vessel as a chart.

Tables sort by number in Slicer, so figures are numeric columns with the unit in the column's name, and what was not
measured is NaN. Positions are world RAS mm, the frame in which Slicer shows the crosshair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from CoronarySegLib.measurement import Stenosis, TreeMeasurements, VesselMeasurement

from .conversion import RAS_TO_LPS
from .nodes import SEGMENTATION_ROLE, VOLUME_ROLE, belongs_to
from .scene import added_nodes_removed_on_error, nodes_of_class, place_beside, remove_node

KIND_ATTRIBUTE = "CoronarySeg.Measurements"  # on a table, series or chart: what it shows
VESSELS, STENOSES, PROFILE = "vessels", "stenoses", "profile"
VESSEL_ATTRIBUTE = "CoronarySeg.Vessel"
ARC = "Distance along the vessel (mm)"
INSCRIBED, BY_AREA, REFERENCE = "Inscribed diameter (mm)", "Diameter by area (mm)", "Healthy reference (mm)"
SERIES = ((INSCRIBED, (0.12, 0.31, 0.61)), (BY_AREA, (0.35, 0.64, 0.64)), (REFERENCE, (0.25, 0.25, 0.25)))


@dataclass(frozen=True)
class MeasurementNodes:
    """What was written: both tables, and the charts by (system, vessel) where charts were asked for."""

    vessels: object
    stenoses: object
    charts: dict[tuple[str, str], object] = field(default_factory=dict)


def write_measurements(
    volume_node, measurements: Mapping[str, TreeMeasurements], *, charts: bool = True, replace: bool = True,
    segmentation_node=None, folder: int = 0,
) -> MeasurementNodes:
    """Write measurements by system into the scene, beside their volume; charts for vessels that have a name.

    With ``replace`` the measurements this volume had before are taken out; with a ``segmentation_node`` they belong to
    it, and those of another segmentation stay. New nodes go into the subject-hierarchy item ``folder``, 0 for where the
    volume lies. Raises ValueError when the volume is in no scene or there is nothing to write; the scene is then as it
    was.
    """
    scene = volume_node.GetScene()
    if scene is None:
        raise ValueError(f"'{volume_node.GetName()}' was removed from the scene. Nothing was written.")
    if not measurements:
        raise ValueError("There are no measurements to write. Measure at least one tree first.")
    earlier = find_measurements(volume_node, segmentation_node) if replace else []
    place = _Place(volume_node, segmentation_node, folder)
    with added_nodes_removed_on_error(scene):
        vessels = _add_table(place, "vessels", VESSELS, _vessel_columns(measurements))
        stenoses = _add_table(place, "stenoses", STENOSES, _stenosis_columns(measurements))
        written = MeasurementNodes(vessels, stenoses)
        for key, measured in measurements.items():
            for vessel in measured.vessels if charts else ():
                if vessel.name:
                    written.charts[key, vessel.label] = _add_chart(place, vessel)
    for node in earlier:
        remove_node(node)
    return written


def find_measurements(volume_node, segmentation_node=None) -> list:
    """Every node that holds or shows measurements of a volume (of one segmentation of it): charts, series, tables."""
    found = []
    for class_name in ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTableNode"):
        found += [
            node for node in nodes_of_class(volume_node.GetScene(), class_name)
            if node.GetAttribute(KIND_ATTRIBUTE) and node.GetNodeReferenceID(VOLUME_ROLE) == volume_node.GetID()
            and belongs_to(node, segmentation_node)
        ]
    return found


# --- columns --------------------------------------------------------------------------------------------------------

def _vessel_columns(measurements: Mapping[str, TreeMeasurements]) -> dict[str, list]:
    rows = [(key, vessel) for key, measured in measurements.items() for vessel in measured.vessels]
    figures = [vessel.figures for _, vessel in rows]
    return {
        "System": [key for key, _ in rows],
        "Vessel": [vessel.label for _, vessel in rows],
        "Length (mm)": [f.length_mm for f in figures],
        "Proximal reference (mm)": [f.proximal_reference_diameter_mm for f in figures],
        "Distal reference (mm)": [f.distal_reference_diameter_mm for f in figures],
        "Mean inscribed diameter (mm)": [f.mean_inscribed_diameter_mm for f in figures],
        "Mean diameter by area (mm)": [f.mean_area_diameter_mm for f in figures],
        "Least inscribed diameter (mm)": [f.minimal_inscribed_diameter_mm for f in figures],
        "Volume (mm3)": [f.volume_mm3 for f in figures],
        "Taper (mm/cm)": [f.taper_mm_per_cm for f in figures],
        "Mean curvature (1/mm)": [f.mean_curvature_per_mm for f in figures],
        "Tortuosity": [f.tortuosity for f in figures],
        "Voxels across": [f.mean_voxels_across for f in figures],
        "Evaluable (%)": [100.0 * f.evaluable_share for f in figures],
        "Stenosis": [vessel.grade.value if vessel.grade else "not evaluable" for _, vessel in rows],
        "Remarks": ["; ".join(vessel.remarks) for _, vessel in rows],
    }


def _stenosis_columns(measurements: Mapping[str, TreeMeasurements]) -> dict[str, list]:
    rows = [(key, one) for key, measured in measurements.items() for one in measured.stenoses]
    stenoses = [one for _, one in rows]
    ras = np.array([one.position_lps_mm for one in stenoses]).reshape(-1, 3) @ RAS_TO_LPS[:3, :3]
    return {
        "System": [key for key, _ in rows],
        "Vessel": [one.vessel for one in stenoses],
        "From ostium (mm)": [one.from_ostium_mm for one in stenoses],
        "Length (mm)": [one.length_mm for one in stenoses],
        "MLD (mm)": [one.minimal_diameter_mm for one in stenoses],
        "Reference (mm)": [one.reference_diameter_mm for one in stenoses],
        "Diameter stenosis (%)": [one.diameter_percent for one in stenoses],
        "MLA (mm2)": [one.minimal_area_mm2 for one in stenoses],
        "Area stenosis (%)": [one.area_percent for one in stenoses],
        "Voxels across MLD": [one.voxels_across for one in stenoses],
        "Calcium round the wall (degrees)": [one.calcium_degrees for one in stenoses],
        "Grade": [_grade(one) for one in stenoses],
        "R (mm)": ras[:, 0].tolist(), "A (mm)": ras[:, 1].tolist(), "S (mm)": ras[:, 2].tolist(),
        "Remarks": ["; ".join(one.remarks) for one in stenoses],
    }


def _grade(stenosis: Stenosis) -> str:
    if stenosis.evaluable:
        return stenosis.grade.value
    return f"not evaluable: {', '.join(reason.value for reason in stenosis.not_evaluable)}"


# --- nodes ----------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class _Place:
    """Where new nodes belong."""

    volume_node: object
    segmentation_node: object
    folder: int


def _add_table(place: _Place, name: str, kind: str, columns: Mapping[str, list | np.ndarray]):
    node = _add(place, "vtkMRMLTableNode", f"{place.volume_node.GetName()} {name}", kind)
    for title, values in columns.items():
        node.AddColumn(_column(title, values))
    node.SetUseColumnTitleAsColumnHeader(True)
    return node


def _column(title: str, values: list | np.ndarray) -> vtk.vtkAbstractArray:
    """Text stays text; everything else is a number, also in a table without rows."""
    if isinstance(values, list) and values and isinstance(values[0], str):
        array = vtk.vtkStringArray()
        for value in values:
            array.InsertNextValue(value)
    else:
        array = numpy_to_vtk(np.round(np.asarray(values, np.float64), 4), deep=True, array_type=vtk.VTK_DOUBLE)
    array.SetName(title)
    return array


def _add_chart(place: _Place, vessel: VesselMeasurement):
    profile = vessel.profile
    values = (profile.inscribed_diameter_mm, profile.area_diameter_mm, profile.reference_diameter_mm)
    columns = {ARC: profile.arc_mm, **{title: v for (title, _), v in zip(SERIES, values, strict=True)}}
    table = _add_table(place, f"profile {vessel.label}", PROFILE, columns)
    chart = _add(place, "vtkMRMLPlotChartNode", f"{place.volume_node.GetName()} {vessel.label} lumen", PROFILE)
    for title, colour in SERIES:
        if not np.isfinite(columns[title]).any():
            continue
        series = _add(place, "vtkMRMLPlotSeriesNode", title, PROFILE)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName(ARC)
        series.SetYColumnName(title)
        series.SetPlotType(series.PlotTypeScatter)
        series.SetMarkerStyle(series.MarkerStyleNone)
        series.SetLineStyle(series.LineStyleDash if title == REFERENCE else series.LineStyleSolid)
        series.SetColor(*colour)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle(vessel.label)
    chart.SetXAxisTitle(ARC)
    chart.SetYAxisTitle("Lumen diameter (mm)")
    for node in (table, chart):
        node.SetAttribute(VESSEL_ATTRIBUTE, vessel.label)
    return chart


def _add(place: _Place, class_name: str, name: str, kind: str):
    scene = place.volume_node.GetScene()
    node = scene.AddNewNodeByClass(class_name, scene.GetUniqueNameByString(name))
    node.SetAttribute(KIND_ATTRIBUTE, kind)
    node.SetNodeReferenceID(VOLUME_ROLE, place.volume_node.GetID())
    if place.segmentation_node is not None:
        node.SetNodeReferenceID(SEGMENTATION_ROLE, place.segmentation_node.GetID())
    place_beside(place.volume_node, node, place.folder)
    return node
