"""VTP with ``ModelFaceID`` and ``CapID`` on its triangles, and SimVascular's small file of face names beside it.

Layout as SimVascular's PolyData models hold it: ``ModelFaceID`` is 1 for the wall and counts on from 2 for the caps,
``CapID`` is -1 on the wall and counts from 1; both 32-bit integers on cells. The ``.mdl`` file of the same name gives
each face its name and type, so that no face has to be found by angle and named by hand.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import VTK_INT, vtkStringArray
from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

from ...reconstruction.mesh import polydata_of
from ..model import WALL, CfdModel
from ..units import per_mm

WALL_COLOUR, INLET_COLOUR, OUTLET_COLOUR = (0.9, 0.5, 0.45), (0.2, 0.6, 1.0), (0.3, 0.8, 0.4)


def write_vtp(model: CfdModel, path: Path, unit: str) -> None:
    """The whole model; field data ``SPACE``, ``UNIT`` and ``FaceNames``. Raises OSError when it cannot be written."""
    polydata = polydata_of(model.points_lps_mm * per_mm(unit), model.triangles)
    faces = model.patch.astype(np.int32) + 1
    caps = np.where(model.patch == 0, -1, model.patch).astype(np.int32)
    for name, values in (("CapID", caps), ("ModelFaceID", faces)):
        array = numpy_to_vtk(values, deep=True, array_type=VTK_INT)
        array.SetName(name)
        polydata.GetCellData().AddArray(array)
    polydata.GetCellData().SetActiveScalars("ModelFaceID")
    for name, values in (("SPACE", ["LPS"]), ("UNIT", [unit]), ("FaceNames", [p.name for p in model.patches])):
        text = vtkStringArray()
        text.SetName(name)
        for value in values:
            text.InsertNextValue(value)
        polydata.GetFieldData().AddArray(text)
    writer = vtkXMLPolyDataWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(polydata)
    writer.SetCompressorTypeToZLib()
    if writer.Write() != 1 or writer.GetErrorCode() != 0 or not path.is_file():
        raise OSError(f"{path.name} could not be written")


def write_face_names(model: CfdModel, path: Path) -> None:
    """SimVascular's model file: face number, name and type ("wall" or "cap"). It must lie beside the VTP, with the same
    name but for ``.mdl``."""
    root = ElementTree.Element("model", type="PolyData", version="1.0")
    element = ElementTree.SubElement(
        ElementTree.SubElement(root, "timestep", id="0"), "model_element",
        {"type": "PolyData", "num_sampling": "0", "use_uniform": "0"},
    )
    ElementTree.SubElement(element, "segmentations")
    faces = ElementTree.SubElement(element, "faces")
    for number, patch in enumerate(model.patches, start=1):
        red, green, blue = {WALL: WALL_COLOUR, "inlet": INLET_COLOUR}.get(patch.kind, OUTLET_COLOUR)
        ElementTree.SubElement(faces, "face", {
            "id": str(number), "name": patch.name, "type": "wall" if patch.kind == WALL else "cap", "visible": "true",
            "opacity": "1", "color1": f"{red:g}", "color2": f"{green:g}", "color3": f"{blue:g}",
        })
    ElementTree.SubElement(element, "blend_radii")
    ElementTree.SubElement(element, "blend_param")
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="UTF-8" ?>\n<format version="1.0" />\n{text}\n', encoding="utf-8")
