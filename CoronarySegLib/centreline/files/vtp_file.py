"""Centrelines as VTK polydata: one polyline a branch, with the names of arrays that VMTK and SimVascular look for.

Point data: ``MaximumInscribedSphereRadius``, ``Area`` (NaN where not measured), ``Abscissas`` (arc length).
Cell data: ``GroupIds`` and ``BranchId`` (number of the branch in the file and in its tree), ``TractIds`` (place in the
chain of the same name), ``CenterlineIds`` (number of the system), ``Blanking`` (0: no cell is a bifurcation),
``Parent`` (branch of the same tree, -1 at the ostium), ``Name``, ``Confidence``, ``Side``, ``Warnings``.
Points of a junction are repeated in each branch, so every polyline is whole by itself.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import VTK_DOUBLE, vtkPoints, vtkStringArray
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader, vtkXMLPolyDataWriter

from ...in_place import file_in_place
from ..tree import CentrelineBranch, CentrelineTree
from .common import Trees, read_carefully, systems_of

RADIUS, AREA, ARC = "MaximumInscribedSphereRadius", "Area", "Abscissas"


def write_vtp(trees: Trees | CentrelineTree, path: Path | str) -> None:
    """Write one or several trees. Raises OutputError when ``path`` cannot be written; it is then as it was."""
    polydata = polydata_of(trees)
    with file_in_place(path) as partial:
        if not partial.parent.is_dir():  # VTK would report it on a channel of its own
            raise FileNotFoundError(f"the folder {partial.parent} is not there")
        writer = vtkXMLPolyDataWriter()
        writer.SetFileName(str(partial))
        writer.SetInputData(polydata)
        writer.SetCompressorTypeToZLib()
        if writer.Write() != 1 or writer.GetErrorCode() != 0 or not partial.is_file():
            raise OSError("the disk is full or the file is locked")


def read_vtp(path: Path | str) -> dict[str, CentrelineTree]:
    """The trees of a file of :func:`write_vtp` by key. Raises InputError for any other file."""
    path = Path(path).expanduser()
    with read_carefully(path):
        problems: list[str] = []
        reader = vtkXMLPolyDataReader()
        reader.AddObserver("ErrorEvent", lambda *_: problems.append("not a whole VTK file"))
        _executive_errors(reader, problems)
        if not reader.CanReadFile(str(path)):
            raise ValueError("no VTK polydata file")
        reader.SetFileName(str(path))
        reader.Update()
        if problems or reader.GetErrorCode() != 0:
            raise ValueError("not a whole VTK file")
        return trees_of(reader.GetOutput())


def polydata_of(trees: Trees | CentrelineTree) -> vtkPolyData:
    """The trees as polydata in LPS mm, as :func:`write_vtp` writes them."""
    systems = systems_of(trees)
    flat = [(number, tree, i) for number, tree in enumerate(systems.values()) for i in range(len(tree.branches))]
    branches = [tree.branches[i] for _, tree, i in flat]
    polydata = vtkPolyData()
    points = vtkPoints()
    points.SetDataType(VTK_DOUBLE)
    points.SetData(_array("Points", np.concatenate([b.points_lps_mm for b in branches]).astype(float)))
    polydata.SetPoints(points)
    counts = np.array([len(b.points_lps_mm) for b in branches])
    cells = vtkCellArray()
    cells.SetData(
        numpy_to_vtk(np.r_[0, np.cumsum(counts)].astype(np.int64), deep=True),
        numpy_to_vtk(np.arange(counts.sum(), dtype=np.int64), deep=True),
    )
    polydata.SetLines(cells)
    for name, parts in (
        (RADIUS, [b.radius_mm for b in branches]), (AREA, [b.area_mm2 for b in branches]),
        (ARC, [b.arc_mm for b in branches]),
    ):
        polydata.GetPointData().AddArray(_array(name, np.concatenate(parts).astype(float)))
    polydata.GetPointData().SetActiveScalars(RADIUS)
    _add_cell_data(polydata, flat, {number: _tracts(tree) for number, tree in enumerate(systems.values())})
    about = [
        {"system": key, "side": tree.side, "dominance": tree.dominance, "warnings": list(tree.warnings)}
        for key, tree in systems.items()
    ]
    for name, text in (("SPACE", "LPS"), ("UNIT", "mm"), ("Systems", json.dumps(about))):
        polydata.GetFieldData().AddArray(_strings(name, [text]))
    return polydata


def trees_of(polydata: vtkPolyData) -> dict[str, CentrelineTree]:
    """Trees by key out of polydata made by :func:`polydata_of`. Raises ValueError when parts are missing."""
    cells, points = polydata.GetCellData(), polydata.GetPointData()
    field = polydata.GetFieldData().GetAbstractArray("Systems")
    if field is None:
        raise ValueError("it has no field 'Systems'")
    xyz = np.array(vtk_to_numpy(polydata.GetPoints().GetData()), float)
    radius, area = (np.array(vtk_to_numpy(_found(points, name)), float) for name in (RADIUS, AREA))
    if len(radius) != len(xyz) or len(area) != len(xyz):
        raise ValueError("radius or area do not fit the points")
    offsets = vtk_to_numpy(polydata.GetLines().GetOffsetsArray())
    order = vtk_to_numpy(polydata.GetLines().GetConnectivityArray())
    numbers, confidences, systems = (
        vtk_to_numpy(_found(cells, name)) for name in ("Parent", "Confidence", "CenterlineIds")
    )
    names, warnings = _found(cells, "Name"), _found(cells, "Warnings")
    result = {}
    for number, about in enumerate(json.loads(field.GetValue(0))):
        branches = []
        for cell in np.flatnonzero(systems == number):
            own = order[offsets[cell] : offsets[cell + 1]]
            branches.append(CentrelineBranch(
                int(numbers[cell]), xyz[own], radius[own], area[own], names.GetValue(int(cell)),
                float(confidences[cell]), tuple(json.loads(warnings.GetValue(int(cell)))),
            ))
        if not branches:
            raise ValueError(f"the system {about['system']!r} has no branches")
        result[about["system"]] = CentrelineTree(
            about["side"], tuple(branches), about["dominance"], tuple(about["warnings"])
        )
    return result


def _add_cell_data(polydata: vtkPolyData, flat: list, tracts: dict[int, list[int]]) -> None:
    columns = {
        "GroupIds": [g for g in range(len(flat))],
        "BranchId": [i for _, _, i in flat],
        "TractIds": [tracts[number][i] for number, _, i in flat],
        "CenterlineIds": [number for number, _, _ in flat],
        "Blanking": [0] * len(flat),
        "Parent": [tree.branches[i].parent for _, tree, i in flat],
    }
    data = polydata.GetCellData()
    for name, values in columns.items():
        data.AddArray(_array(name, np.array(values, np.int32)))
    data.AddArray(_array("Confidence", np.array([tree.branches[i].confidence for _, tree, i in flat], float)))
    data.AddArray(_strings("Name", [tree.branches[i].name for _, tree, i in flat]))
    data.AddArray(_strings("Side", [tree.side for _, tree, _ in flat]))
    data.AddArray(_strings("Warnings", [json.dumps(list(tree.branches[i].warnings)) for _, tree, i in flat]))


def _tracts(tree: CentrelineTree) -> list[int]:
    """Place of each branch in its vessel, 0 for the first."""
    place = [0] * len(tree.branches)
    for vessel in tree.vessels():
        for number, index in enumerate(vessel.indices):
            place[index] = number
    return place


def _array(name: str, values: np.ndarray):
    array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
    array.SetName(name)
    return array


def _strings(name: str, values: list[str]) -> vtkStringArray:
    array = vtkStringArray()
    array.SetName(name)
    for value in values:
        array.InsertNextValue(value)
    return array


def _found(data, name: str):
    array = data.GetAbstractArray(name)
    if array is None:
        raise ValueError(f"it has no array {name!r}")
    return array


def _executive_errors(reader: vtkXMLPolyDataReader, problems: list[str]) -> None:
    """Errors of the pipeline come on its executive, those of the XML on the parser inside the reader."""
    reader.GetExecutive().AddObserver("ErrorEvent", lambda *_: problems.append("not a whole VTK file"))
    reader.SetParserErrorObserver(reader.GetParserErrorObserver())
