"""Measurements become tables that sort and charts that show the profile, beside their volume."""

import sys
from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk
from CoronarySegModule import measurement_nodes
from CoronarySegModule.measurement_nodes import find_measurements, write_measurements
from vtk.util.numpy_support import vtk_to_numpy

from CoronarySegLib.measurement import measure_tree

sys.path.append(str(Path(__file__).resolve().parents[1] / "measurement"))
from vessel_samples import Narrowing, forked, grid, single


@pytest.fixture(scope="module")
def measured():
    ill = forked(narrowings=((Narrowing(14.0, 0.6),), (), ()))
    return {"left": measure_tree(ill, grid=grid(0.3)), "right": measure_tree(single())}


def texts(node, column: str) -> list[str]:
    array = node.GetTable().GetColumnByName(column)
    return [array.GetValue(row) for row in range(array.GetNumberOfValues())]


def numbers(node, column: str) -> np.ndarray:
    return vtk_to_numpy(node.GetTable().GetColumnByName(column))


def test_the_table_of_vessels_has_a_row_a_vessel(oblique_volume, measured):
    table = write_measurements(oblique_volume, measured).vessels
    assert texts(table, "Vessel") == ["LAD", "D1", "D2", "RCA"]
    assert texts(table, "Stenosis")[0] == "50–69 %"
    expected = [vessel.figures.length_mm for key in measured for vessel in measured[key].vessels]
    assert numbers(table, "Length (mm)") == pytest.approx(expected, abs=1e-3)


def test_a_stenosis_stands_at_its_place_in_world_ras(oblique_volume, measured):
    table = write_measurements(oblique_volume, measured).stenoses
    x, y, z = measured["left"].stenoses[0].position_lps_mm
    place = [numbers(table, column)[0] for column in ("R (mm)", "A (mm)", "S (mm)")]
    assert place == pytest.approx([-x, -y, z], abs=1e-3)
    assert numbers(table, "Diameter stenosis (%)")[0] == pytest.approx(60.0, abs=2.0)


def test_a_stenosis_that_is_not_evaluable_says_why_instead_of_a_grade(oblique_volume):
    coarse = {"right": measure_tree(single((1.4, 1.2), [Narrowing(40.0, 0.6)]), grid=grid(0.6))}
    assert texts(write_measurements(oblique_volume, coarse).stenoses, "Grade") == ["not evaluable: resolution"]


def test_figures_are_numbers_and_what_is_missing_is_nan(oblique_volume, measured):
    written = write_measurements(oblique_volume, measured)
    voxels = written.vessels.GetTable().GetColumnByName("Voxels across")
    assert isinstance(voxels, vtk.vtkDoubleArray)
    assert np.isnan(vtk_to_numpy(voxels)).tolist() == [False, False, False, True]


def test_without_stenoses_the_table_is_there_and_empty(oblique_volume):
    table = write_measurements(oblique_volume, {"left": measure_tree(forked())}).stenoses
    assert table.GetNumberOfRows() == 0
    assert table.GetTable().GetColumnByName("MLD (mm)") is not None


def test_a_chart_draws_the_profile_of_its_vessel(oblique_volume, measured):
    chart = write_measurements(oblique_volume, measured).charts["left", "LAD"]
    series = [chart.GetNthPlotSeriesNode(i) for i in range(chart.GetNumberOfPlotSeriesNodes())]
    assert len(series) == 3
    reference = next(node for node in series if node.GetYColumnName() == measurement_nodes.REFERENCE)
    column = numbers(reference.GetTableNode(), reference.GetYColumnName())
    assert column == pytest.approx(measured["left"].named("LAD").profile.reference_diameter_mm, abs=1e-3)


def test_a_second_run_replaces_the_first(oblique_volume, scene, measured):
    write_measurements(oblique_volume, measured)
    before = sorted(node.GetClassName() for node in find_measurements(oblique_volume))
    write_measurements(oblique_volume, measured)
    assert sorted(node.GetClassName() for node in find_measurements(oblique_volume)) == before


def test_without_replace_both_stay(oblique_volume, measured):
    write_measurements(oblique_volume, measured, charts=False)
    write_measurements(oblique_volume, measured, charts=False, replace=False)
    assert len(find_measurements(oblique_volume)) == 4


def test_tables_lie_beside_the_volume(oblique_volume, scene, measured):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "patient folder")
    hierarchy.CreateItem(folder, oblique_volume)
    written = write_measurements(oblique_volume, measured)
    for node in (written.vessels, written.stenoses, *written.charts.values()):
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == folder


def test_tables_survive_saving(oblique_volume, scene, measured, tmp_path):
    write_measurements(oblique_volume, measured)
    assert scene.WriteToMRB(str(tmp_path / "measured.mrb"))
    scene.Clear(0)
    assert scene.ReadFromMRB(str(tmp_path / "measured.mrb"))
    volume = scene.GetFirstNodeByName("patient")
    tables = [node for node in find_measurements(volume) if node.GetAttribute("CoronarySeg.Measurements") == "stenoses"]
    assert texts(tables[0], "Vessel") == ["LAD"]
    assert float(numbers(tables[0], "MLD (mm)")[0]) == pytest.approx(
        measured["left"].stenoses[0].minimal_diameter_mm, abs=1e-3
    )


def test_an_error_leaves_the_scene_as_it_was(oblique_volume, scene, measured, monkeypatch):
    def fail(*_):
        raise RuntimeError("no chart")

    count = scene.GetNumberOfNodes()
    monkeypatch.setattr(measurement_nodes, "_add_chart", fail)
    with pytest.raises(RuntimeError, match="no chart"):
        write_measurements(oblique_volume, measured)
    assert scene.GetNumberOfNodes() == count


def test_nothing_to_write_is_refused(oblique_volume):
    with pytest.raises(ValueError, match="Measure at least one tree"):
        write_measurements(oblique_volume, {})
