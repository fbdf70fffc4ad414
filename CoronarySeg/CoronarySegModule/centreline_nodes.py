"""Centreline trees in the scene: a curve a vessel and a table a system, beside their volume, and back into trees.

A vessel (the LAD as a whole) is one locked Markups curve whose control points are the points of the centreline; radius
and area are measurements at its control points. How the curve is made of branches, and where it hangs in the tree,
stands in an attribute of its node, so that trees come back from the scene, also after saving and loading. What the user
does to the nodes counts: a curve that was renamed renames its vessel, a curve that was deleted takes its part of the
tree with it, points that were moved stay moved.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CoronarySegLib.centreline import CentrelineBranch, CentrelineTree, Vessel
from CoronarySegLib.centreline.naming import renamed
from CoronarySegLib.errors import InputError
from CoronarySegLib.writing.segments import SEGMENTS

from .conversion import node_to_world, points_in_node_frame, points_in_world
from .nodes import SEGMENTATION_ROLE, VOLUME_ROLE, belongs_to
from .scene import added_nodes_removed_on_error, nodes_of_class, parent_item_of, place_beside, remove_node

TABLE_ROLE = "CoronarySegCentrelines"  # curve -> the table of its system
SYSTEM_ATTRIBUTE = "CoronarySeg.System"
TREE_ATTRIBUTE = "CoronarySeg.Tree"
BRANCHES_ATTRIBUTE = "CoronarySeg.Branches"
LABEL_ATTRIBUTE = "CoronarySeg.Label"
COURSE_ATTRIBUTE = "CoronarySeg.Course"  # what the curve's points and radii were when it was written
RADIUS, AREA = "Radius", "Area"
NO_AREA = -1.0  # Markups files hold no NaN
OTHER_COLOUR = (0.85, 0.75, 0.35)


@dataclass(frozen=True)
class CentrelineNodes:
    """What was written. ``curves`` and ``table`` by key of the system; curves in the order of ``tree.vessels()``."""

    curves: dict[str, tuple] = field(default_factory=dict)
    tables: dict[str, object] = field(default_factory=dict)


def write_centrelines(
    volume_node, trees: Mapping[str, CentrelineTree], *, replace: bool = True, segmentation_node=None, folder: int = 0
) -> CentrelineNodes:
    """Write trees (world LPS mm) into the scene, under the volume's transform, into the subject-hierarchy ``folder``.

    With ``replace`` the centrelines this volume had before are taken out; with a ``segmentation_node`` they belong to
    it, and those of another segmentation stay. Raises ValueError when the volume is in no
    scene, InputError under a non-linear transform; the scene is then as it was.
    """
    scene = volume_node.GetScene()
    if scene is None:
        raise ValueError(f"'{volume_node.GetName()}' was removed from the scene. Nothing was written.")
    to_world = node_to_world(volume_node)
    earlier = _tables_of(volume_node, segmentation_node) if replace else []
    written = CentrelineNodes()
    with added_nodes_removed_on_error(scene):
        for key, tree in trees.items():
            table = _add_table(volume_node, key, tree, folder)
            if segmentation_node is not None:
                table.SetNodeReferenceID(SEGMENTATION_ROLE, segmentation_node.GetID())
            written.tables[key] = table
            written.curves[key] = tuple(
                _add_curve(volume_node, table, key, tree, vessel, to_world) for vessel in tree.vessels()
            )
    for table in earlier:
        _remove_system(table)
    return written


def update_centrelines(volume_node, segmentation_node, key: str, tree: CentrelineTree) -> None:
    """Make the centrelines of one system of a result what ``tree`` says; curves that stay the same keep their nodes."""
    tables = {node.GetAttribute(SYSTEM_ATTRIBUTE): node for node in _tables_of(volume_node, segmentation_node)}
    table = tables.get(key)
    if table is None:
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(volume_node.GetScene())
        folder = parent_item_of(hierarchy, segmentation_node)
        write_centrelines(volume_node, {key: tree}, replace=False, segmentation_node=segmentation_node, folder=folder)
        return
    to_world = node_to_world(volume_node)
    kept = {node.GetAttribute(COURSE_ATTRIBUTE): node for node in _curves_of(table)}
    with added_nodes_removed_on_error(volume_node.GetScene()), slicer.util.NodeModify(table):
        for vessel in tree.vessels():
            node = kept.pop(_course(vessel), None)
            if node is None:
                _add_curve(volume_node, table, key, tree, vessel, to_world)
            else:
                _label_curve(node, tree, vessel)
        table.RemoveAllColumns()
        _fill_table(table, tree)
        table.SetAttribute(TREE_ATTRIBUTE, _about_tree(tree))
    for node in kept.values():
        remove_node(node)


def centrelines_stamp(volume_node, segmentation_node) -> tuple:
    """Changes whenever somebody edits, adds or removes a centreline of the result."""
    return tuple((node.GetID(), node.GetMTime()) for node in find_centrelines(volume_node, segmentation_node))


def read_centrelines(volume_node, segmentation_node=None) -> dict[str, CentrelineTree]:
    """The trees of a volume (of one segmentation of it) by key, in world LPS mm, as its nodes are now.

    Of several runs the latest.
    Empty when there are none. Raises InputError for curves whose control points were added or removed.
    """
    tables = _tables_of(volume_node, segmentation_node)
    return {table.GetAttribute(SYSTEM_ATTRIBUTE): _tree_of(table) for table in tables}


def find_centrelines(volume_node, segmentation_node=None) -> list:
    """The tables and curves of a volume (of one segmentation of it)."""
    return [node for table in _tables_of(volume_node, segmentation_node) for node in (table, *_curves_of(table))]


def find_curves(volume_node, segmentation_node=None) -> dict[str, list]:
    """The curve nodes of a volume (of one segmentation of it) by key of the system, in the order of the scene."""
    tables = _tables_of(volume_node, segmentation_node)
    return {table.GetAttribute(SYSTEM_ATTRIBUTE): _curves_of(table) for table in tables}


# --- trees to nodes -------------------------------------------------------------------------------------------------

def _add_table(volume_node, key: str, tree: CentrelineTree, folder: int):
    scene = volume_node.GetScene()
    name = scene.GetUniqueNameByString(f"{volume_node.GetName()} {key} centrelines")
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    _fill_table(node, tree)
    node.SetAttribute(SYSTEM_ATTRIBUTE, key)
    node.SetAttribute(TREE_ATTRIBUTE, _about_tree(tree))
    node.SetNodeReferenceID(VOLUME_ROLE, volume_node.GetID())
    place_beside(volume_node, node, folder)
    return node


def _about_tree(tree: CentrelineTree) -> str:
    return json.dumps({"side": tree.side, "dominance": tree.dominance, "warnings": list(tree.warnings),
                       "branches": len(tree.branches)})


def _fill_table(node, tree: CentrelineTree) -> None:
    """One row a vessel: what it is called, how sure that is, where it hangs, length and inscribed diameters."""
    vessels = tree.vessels()
    columns: dict[str, list] = {
        "Vessel": [], "Confidence": [], "From": [], "Length (mm)": [], "Mean diameter (mm)": [],
        "Least diameter (mm)": [], "Proximal diameter (mm)": [], "Distal diameter (mm)": [],
    }
    for vessel in vessels:
        first = tree.branches[vessel.indices[0]]
        diameter = 2.0 * vessel.radius_mm
        above = "ostium" if first.parent < 0 else _label(tree.branches[first.parent].name, first.parent)
        row = (
            _label(vessel.name, vessel.indices[0]), float(first.confidence), above, vessel.length_mm,
            float(np.mean(diameter)), float(np.min(diameter)), float(diameter[0]), float(diameter[-1]),
        )
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    for name, values in columns.items():
        array = vtk.vtkStringArray() if isinstance(values[0], str) else vtk.vtkDoubleArray()
        array.SetName(name)
        for value in values:
            array.InsertNextValue(value if isinstance(value, str) else round(value, 3))
        node.AddColumn(array)


def _add_curve(volume_node, table, key: str, tree: CentrelineTree, vessel: Vessel, to_world: np.ndarray):
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
    node.SetAttribute(COURSE_ATTRIBUTE, _course(vessel))
    node.SetNodeReferenceID(VOLUME_ROLE, volume_node.GetID())
    node.SetNodeReferenceID(TABLE_ROLE, table.GetID())
    _show(node, tree.side, radius_mm=float(np.median(vessel.radius_mm)))
    _label_curve(node, tree, vessel)
    _place_in_folder(volume_node, table, node)
    return node


def _label_curve(node, tree: CentrelineTree, vessel: Vessel) -> None:
    """Name of a curve, and where its branches hang in the tree."""
    label = _label(vessel.name, vessel.indices[0])
    node.SetName(label)
    node.SetAttribute(LABEL_ATTRIBUTE, label)
    node.SetAttribute(BRANCHES_ATTRIBUTE, json.dumps([_about(tree, index) for index in vessel.indices]))
    node.GetDisplayNode().SetPropertiesLabelVisibility(bool(vessel.name))  # the name beside the vessel


def _course(vessel: Vessel) -> str:
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


def _label(name: str, index: int) -> str:
    return name or f"Branch {index}"


# --- nodes to trees -------------------------------------------------------------------------------------------------

def _tree_of(table) -> CentrelineTree:
    about = json.loads(table.GetAttribute(TREE_ATTRIBUTE))
    branches: dict[int, CentrelineBranch] = {}
    new_names: list[tuple[int, str]] = []
    for node in _curves_of(table):
        found = _branches_of(node)
        branches |= found
        if node.GetName() != node.GetAttribute(LABEL_ATTRIBUTE):
            new_names.append((min(found), node.GetName()))
    if 0 not in branches:
        raise InputError(
            f"The curve at the ostium of '{table.GetName()}' was deleted. Undo that, or compute the centrelines again."
        )
    kept: list[CentrelineBranch] = []
    new_index = {-1: -1}
    for index in sorted(branches):
        branch = branches[index]
        if branch.parent not in new_index:
            continue  # hangs on a curve that was deleted
        parent = new_index[branch.parent]
        if parent >= 0:  # the end of the parent may have been moved
            points = np.concatenate([kept[parent].points_lps_mm[-1:], branch.points_lps_mm[1:]])
            branch = replace(branch, parent=parent, points_lps_mm=points)
        new_index[index] = len(kept)
        kept.append(branch)
    tree = CentrelineTree(about["side"], tuple(kept), about["dominance"], tuple(about["warnings"]))
    for index, name in new_names:
        if index in new_index:
            tree = renamed(tree, new_index[index], name)
    return tree


def _branches_of(node) -> dict[int, CentrelineBranch]:
    """The branches that a curve node is made of, by index."""
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


def _measured(node, name: str) -> np.ndarray:
    measurement = node.GetMeasurement(name)
    values = measurement.GetControlPointValues() if measurement is not None else None
    return np.zeros(0) if values is None else np.array(vtk_to_numpy(values), float)


# --- finding and removing -------------------------------------------------------------------------------------------

def _tables_of(volume_node, segmentation_node=None) -> list:
    """The tables of a volume; with a segmentation its own and those that belong to none."""
    return [
        node for node in nodes_of_class(volume_node.GetScene(), "vtkMRMLTableNode")
        if node.GetNodeReferenceID(VOLUME_ROLE) == volume_node.GetID() and node.GetAttribute(TREE_ATTRIBUTE)
        and belongs_to(node, segmentation_node)
    ]


def _curves_of(table) -> list:
    return [
        node for node in nodes_of_class(table.GetScene(), "vtkMRMLMarkupsCurveNode")
        if node.GetNodeReferenceID(TABLE_ROLE) == table.GetID() and node.GetAttribute(BRANCHES_ATTRIBUTE)
    ]


def _remove_system(table) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(table.GetScene())
    parent = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(table))
    folder = hierarchy.GetItemChildWithName(parent, f"{table.GetName()} curves")
    for curve in _curves_of(table):
        remove_node(curve)
    if folder and not hierarchy.GetNumberOfItemChildren(folder):
        hierarchy.RemoveItem(folder)
    remove_node(table)
