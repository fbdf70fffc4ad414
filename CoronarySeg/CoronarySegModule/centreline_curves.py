"""One vessel as a curve in the scene, and back into branches.

A locked Markups curve whose control points are the points of the centreline; radius and area are measurements at its
control points. Of which branches it is made, and where they hang in the tree, stands in an attribute of the node, so
that it survives saving and loading.
"""

from __future__ import annotations

import json
import zlib

import numpy as np
import slicer
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CoronarySegLib.centreline import CentrelineBranch, CentrelineTree, Vessel
from CoronarySegLib.errors import InputError
from CoronarySegLib.writing.segments import SEGMENTS

from .conversion import node_to_world, points_in_node_frame, points_in_world
from .nodes import VOLUME_ROLE
from .scene import nodes_of_class

TABLE_ROLE = "CoronarySegCentrelines"  # curve -> the table of its system
SYSTEM_ATTRIBUTE = "CoronarySeg.System"
BRANCHES_ATTRIBUTE = "CoronarySeg.Branches"
LABEL_ATTRIBUTE = "CoronarySeg.Label"
COURSE_ATTRIBUTE = "CoronarySeg.Course"  # what the curve's points and radii were when it was written
RADIUS, AREA = "Radius", "Area"
NO_AREA = -1.0  # Markups files hold no NaN
OTHER_COLOUR = (0.85, 0.75, 0.35)


def add_curve(volume_node, table, key: str, tree: CentrelineTree, vessel: Vessel, to_world: np.ndarray):
    """A curve node for one vessel of ``tree`` (points in world LPS mm), beside the table of its system ``key``;
    ``to_world`` is the matrix of the volume's transform, see ``node_to_world``."""
    scene = volume_node.GetScene()
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsCurveNode")
    node.SetCurveTypeToLinear()  # the points are the centreline's own; a spline through them would swing
    slicer.util.updateMarkupsControlPointsFromArray(node, points_in_node_frame(vessel.points_lps_mm, to_world))
    for name, unit, values in (
        (RADIUS, "mm", vessel.radius_mm), (AREA, "mm2", np.where(np.isnan(vessel.area_mm2), NO_AREA, vessel.area_mm2)),
    ):
        _add_measurement(node, name, unit, values)
    node.SetLocked(True)  # dragged by accident, a centreline is worth nothing
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    node.SetAttribute(SYSTEM_ATTRIBUTE, key)
    node.SetAttribute(COURSE_ATTRIBUTE, course_of(vessel))
    node.SetNodeReferenceID(VOLUME_ROLE, volume_node.GetID())
    node.SetNodeReferenceID(TABLE_ROLE, table.GetID())
    _show(node, tree.side, radius_mm=float(np.median(vessel.radius_mm)))
    label_curve(node, tree, vessel)
    _place_in_folder(volume_node, table, node)
    return node


def label_curve(node, tree: CentrelineTree, vessel: Vessel) -> None:
    """Name of a curve, and where its branches hang in the tree."""
    label = label_of(vessel.name, vessel.indices[0])
    node.SetName(label)
    node.SetAttribute(LABEL_ATTRIBUTE, label)
    node.SetAttribute(BRANCHES_ATTRIBUTE, json.dumps([_about(tree, index) for index in vessel.indices]))
    node.GetDisplayNode().SetPropertiesLabelVisibility(bool(vessel.name))  # the name beside the vessel


def branches_of(node) -> dict[int, CentrelineBranch]:
    """The branches that a curve node is made of, by index, in world LPS mm.

    Raises InputError when control points were added or removed.
    """
    parts = json.loads(node.GetAttribute(BRANCHES_ATTRIBUTE))
    points = points_in_world(slicer.util.arrayFromMarkupsControlPoints(node), node_to_world(node))
    radius, area = _measured(node, RADIUS), _measured(node, AREA)
    area = np.where(area < 0, np.nan, area)
    expected = sum(part["points"] for part in parts) - (len(parts) - 1)
    if not len(points) == len(radius) == len(area) == expected:
        raise InputError(
            f"The curve '{node.GetName()}' has {len(points)} control points but radii for {expected}: points were "
            "added or removed. Undo that, or compute the centrelines again."
        )
    found, start = {}, 0
    for part in parts:
        stop = start + part["points"]
        own_radius, own_area = radius[start:stop].copy(), area[start:stop].copy()
        if start:  # the curve has one value for two branches here
            own_radius[0], own_area[0] = (np.nan if value < 0 else value for value in part["start"])
        found[part["index"]] = CentrelineBranch(
            part["parent"], points[start:stop], own_radius, own_area, part["name"], part["confidence"],
            tuple(part["warnings"]),
        )
        start = stop - 1  # the junction belongs to both
    return found


def curves_of(table) -> list:
    """The curve nodes of a system's table, in the order of the scene."""
    return [
        node for node in nodes_of_class(table.GetScene(), "vtkMRMLMarkupsCurveNode")
        if node.GetNodeReferenceID(TABLE_ROLE) == table.GetID() and node.GetAttribute(BRANCHES_ATTRIBUTE)
    ]


def label_of(name: str, index: int) -> str:
    """What the user sees a vessel called: its name, or the number of its first branch."""
    return name or f"Branch {index}"


def course_of(vessel: Vessel) -> str:
    """Short text that differs when a point, radius or area of the vessel differs."""
    values = np.column_stack([vessel.points_lps_mm, vessel.radius_mm, vessel.area_mm2])
    return f"{zlib.crc32(np.ascontiguousarray(values)):08x}"


def _about(tree: CentrelineTree, index: int) -> dict:
    """What a curve cannot say of a branch: its place in the tree, and its own values at the junction that the curve has
    from the branch before it."""
    branch = tree.branches[index]
    return {
        "index": index, "parent": branch.parent, "points": len(branch.points_lps_mm), "name": branch.name,
        "confidence": float(branch.confidence), "warnings": list(branch.warnings),
        "start": [NO_AREA if np.isnan(value) else float(value) for value in (branch.radius_mm[0], branch.area_mm2[0])],
    }


def _add_measurement(node, name: str, unit: str, values: np.ndarray) -> None:
    measurement = slicer.vtkMRMLStaticMeasurement()
    measurement.SetName(name)
    measurement.SetUnits(unit)
    array = numpy_to_vtk(np.ascontiguousarray(values, np.float64), deep=True)
    array.SetName(name)
    measurement.SetControlPointValues(array)
    node.AddMeasurement(measurement)


def _measured(node, name: str) -> np.ndarray:
    measurement = node.GetMeasurement(name)
    values = measurement.GetControlPointValues() if measurement is not None else None
    return np.zeros(0) if values is None else np.array(vtk_to_numpy(values), float)


def _show(node, side: str, *, radius_mm: float) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    colour = next((part.colour for part in SEGMENTS if part.key == side), OTHER_COLOUR)
    display.SetColor(*colour)
    display.SetSelectedColor(*colour)
    display.SetPointLabelsVisibility(False)
    display.SetUseGlyphScale(False)
    display.SetGlyphSize(0.4)
    display.SetCurveLineSizeMode(display.UseLineDiameter)
    display.SetLineDiameter(float(np.clip(0.5 * radius_mm, 0.3, 0.8)))


def _place_in_folder(volume_node, table, node) -> None:
    """Curves of a system share a folder beside the table; it bears the table's name."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(volume_node.GetScene())
    parent = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(table))
    folder = hierarchy.GetItemChildWithName(parent, f"{table.GetName()} curves")
    if not folder:
        folder = hierarchy.CreateFolderItem(parent, f"{table.GetName()} curves")
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, folder)
    else:
        hierarchy.CreateItem(folder, node)
