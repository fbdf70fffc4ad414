"""Surfaces and points as STL, VTP and PLY. All coordinates are LPS in mm, and every header says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkStringArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkIOGeometry import vtkSTLWriter
from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

if TYPE_CHECKING:
    from ..inference import Prediction
    from ..reconstruction import PointCloud, Surface

FRAME = "SPACE=LPS UNIT=mm"


def write_stl(surface: Surface, path: Path) -> None:
    """Binary STL; its header starts with ``SPACE=LPS UNIT=mm``. Raises OSError when nothing could be written."""
    write_stl_of(surface.polydata, surface.name, path)


def write_stl_of(polydata: vtkPolyData, name: str, path: Path) -> None:
    """The same for bare triangles in LPS mm."""
    writer = vtkSTLWriter()
    writer.SetFileName(str(path))
    writer.SetFileTypeToBinary()
    writer.SetHeader(f"{FRAME} CoronarySeg {name}"[:79])
    writer.SetInputData(polydata)
    _run(writer, path)


def write_vtp(surface: Surface, path: Path, prediction: Prediction | None = None) -> None:
    """VTK polydata with normals; for a tree also the point scalars ``radius_mm`` (wall to axis) and, with a
    ``prediction``, ``confidence`` (largest lumen probability within 1 mm below the wall)."""
    polydata = vtkPolyData()
    polydata.ShallowCopy(surface.polydata)
    for name, values in _scalars(surface, prediction).items():
        array = numpy_to_vtk(np.ascontiguousarray(values, np.float32), deep=True)
        array.SetName(name)
        polydata.GetPointData().AddArray(array)
        polydata.GetPointData().SetActiveScalars(name)
    for name, value in (("SPACE", "LPS"), ("UNIT", "mm"), ("name", surface.name), ("method", surface.method)):
        text = vtkStringArray()
        text.SetName(name)
        text.InsertNextValue(value)
        polydata.GetFieldData().AddArray(text)
    writer = vtkXMLPolyDataWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(polydata)
    writer.SetCompressorTypeToZLib()
    writer.SetCompressionLevel(1)
    _run(writer, path)


def write_ply(points: PointCloud, path: Path) -> None:
    """Binary PLY of points with normals, colours, the tree (1 left, 2 right) and the scalar the colours show."""
    scalar = "distance_mm" if points.kind == "distance" else "confidence"
    columns = [(name, "<f4") for name in ("x", "y", "z", "nx", "ny", "nz")]
    columns += [(name, "u1") for name in ("red", "green", "blue", "tree")] + [(scalar, "<f4")]
    table = np.zeros(len(points), columns)
    for i, axis in enumerate("xyz"):
        table[axis], table["n" + axis] = points.points_lps_mm[:, i], points.normals[:, i]
    for i, colour in enumerate(("red", "green", "blue")):
        table[colour] = points.colours_rgb()[:, i]
    table["tree"], table[scalar] = points.side, points.scalar
    kinds = {"<f4": "float", "u1": "uchar"}
    header = ["ply", "format binary_little_endian 1.0", f"comment {FRAME}", "comment tree 1 left 2 right"]
    header += [f"element vertex {len(points)}", *(f"property {kinds[kind]} {name}" for name, kind in columns)]
    with path.open("wb") as file:
        file.write(("\n".join([*header, "end_header"]) + "\n").encode("ascii"))
        file.write(table.tobytes())


def _scalars(surface: Surface, prediction: Prediction | None) -> dict[str, np.ndarray]:
    from ..reconstruction import point_cloud

    if surface.name not in ("left", "right"):
        return {}
    # As many points as vertices are wanted, so every vertex is taken, in order.
    every = {"maximum_points": surface.polydata.GetNumberOfPoints()}
    trees = {surface.name: surface}
    scalars = {"radius_mm": point_cloud(trees, **every).scalar}
    if prediction is not None:
        scalars["confidence"] = point_cloud(trees, prediction, kind="confidence", **every).scalar
    return scalars


def _run(writer: vtkSTLWriter | vtkXMLPolyDataWriter, path: Path) -> None:
    # VTK reports a full disk or a missing folder on its own channel and returns 0.
    if writer.Write() != 1 or writer.GetErrorCode() != 0 or not path.is_file():
        raise OSError(f"{path.name} could not be written")
