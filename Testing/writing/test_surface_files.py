"""STL, VTP and PLY read back by VTK."""

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOGeometry import vtkSTLReader
from vtkmodules.vtkIOPLY import vtkPLYReader
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader


def read(reader, path):
    reader.SetFileName(str(path))
    reader.Update()
    return reader.GetOutput()


def test_stl_says_frame_and_unit_in_its_header(case):
    header = case.stl["left"].read_bytes()[:80]
    assert header.startswith(b"SPACE=LPS UNIT=mm")
    assert b"left" in header


@pytest.mark.parametrize("name", ["left", "right", "calcium"])
def test_stl_holds_the_surface_in_lps_millimetres(case, result, name):
    written = read(vtkSTLReader(), case.stl[name])
    surface = result.surfaces[name].polydata
    assert written.GetNumberOfCells() == surface.GetNumberOfCells()
    assert np.allclose(written.GetBounds(), surface.GetBounds(), atol=1e-3)


def test_the_left_tree_lies_on_the_patients_left(case):
    low, high = read(vtkSTLReader(), case.stl["left"]).GetBounds()[:2]
    assert 0 < low < high


def test_vtp_carries_radius_and_confidence(case):
    data = read(vtkXMLPolyDataReader(), case.vtp["left"]).GetPointData()
    radius, confidence = (vtk_to_numpy(data.GetArray(name)) for name in ("radius_mm", "confidence"))
    assert np.median(radius) == pytest.approx(1.5, abs=0.3)
    assert confidence.min() > 0.5
    assert confidence.max() <= 1.0


def test_vtp_says_frame_unit_and_method(case, result):
    fields = read(vtkXMLPolyDataReader(), case.vtp["left"]).GetFieldData()
    said = {name: fields.GetAbstractArray(name).GetValue(0) for name in ("SPACE", "UNIT", "method")}
    assert said == {"SPACE": "LPS", "UNIT": "mm", "method": result.surfaces["left"].method}


@pytest.mark.parametrize("kind", ["distance", "confidence"])
def test_ply_holds_the_points_with_their_colours(case, result, kind):
    cloud = result.point_clouds[kind]
    written = read(vtkPLYReader(), case.points[kind])
    assert np.allclose(vtk_to_numpy(written.GetPoints().GetData()), cloud.points_lps_mm, atol=1e-4)
    assert np.array_equal(vtk_to_numpy(written.GetPointData().GetArray("RGB")), cloud.colours_rgb())


def test_ply_header_names_the_scalar_and_the_frame(case):
    header = case.points["distance"].read_bytes().split(b"end_header")[0]
    assert b"comment SPACE=LPS UNIT=mm" in header
    assert b"property float distance_mm" in header
