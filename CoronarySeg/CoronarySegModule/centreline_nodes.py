"""Centreline trees in the scene: a curve a vessel and a table a system, beside their volume, and back into trees.

Trees come back from the scene, also after saving and loading. What the user does to the nodes counts: a curve that was
renamed renames its vessel, a curve that was deleted takes its part of the tree with it, points that were moved stay
moved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import slicer
import vtk

from CoronarySegLib.centreline import CentrelineBranch, CentrelineTree
from CoronarySegLib.centreline.naming import renamed
from CoronarySegLib.errors import InputError

from .centreline_curves import (
    COURSE_ATTRIBUTE,
    LABEL_ATTRIBUTE,
    SYSTEM_ATTRIBUTE,
    add_curve,
    branches_of,
    course_of,
    curves_of,
    label_curve,
    label_of,
)
from .conversion import node_to_world
from .nodes import SEGMENTATION_ROLE, VOLUME_ROLE, belongs_to
from .scene import added_nodes_removed_on_error, nodes_of_class, parent_item_of, place_beside, remove_node

TREE_ATTRIBUTE = "CoronarySeg.Tree"


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
                add_curve(volume_node, table, key, tree, vessel, to_world) for vessel in tree.vessels()
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
    kept = {node.GetAttribute(COURSE_ATTRIBUTE): node for node in curves_of(table)}
    with added_nodes_removed_on_error(volume_node.GetScene()), slicer.util.NodeModify(table):
        for vessel in tree.vessels():
            node = kept.pop(course_of(vessel), None)
            if node is None:
                add_curve(volume_node, table, key, tree, vessel, to_world)
            else:
                label_curve(node, tree, vessel)
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
    return [node for table in _tables_of(volume_node, segmentation_node) for node in (table, *curves_of(table))]


def find_curves(volume_node, segmentation_node=None) -> dict[str, list]:
    """The curve nodes of a volume (of one segmentation of it) by key of the system, in the order of the scene."""
    tables = _tables_of(volume_node, segmentation_node)
    return {table.GetAttribute(SYSTEM_ATTRIBUTE): curves_of(table) for table in tables}


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
        above = "ostium" if first.parent < 0 else label_of(tree.branches[first.parent].name, first.parent)
        row = (
            label_of(vessel.name, vessel.indices[0]), float(first.confidence), above, vessel.length_mm,
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


# --- nodes to trees -------------------------------------------------------------------------------------------------

def _tree_of(table) -> CentrelineTree:
    about = json.loads(table.GetAttribute(TREE_ATTRIBUTE))
    branches: dict[int, CentrelineBranch] = {}
    new_names: list[tuple[int, str]] = []
    for node in curves_of(table):
        found = branches_of(node)
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


# --- finding and removing -------------------------------------------------------------------------------------------

def _tables_of(volume_node, segmentation_node=None) -> list:
    """The tables of a volume; with a segmentation its own and those that belong to none."""
    return [
        node for node in nodes_of_class(volume_node.GetScene(), "vtkMRMLTableNode")
        if node.GetNodeReferenceID(VOLUME_ROLE) == volume_node.GetID() and node.GetAttribute(TREE_ATTRIBUTE)
        and belongs_to(node, segmentation_node)
    ]


def _remove_system(table) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(table.GetScene())
    parent = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(table))
    folder = hierarchy.GetItemChildWithName(parent, f"{table.GetName()} curves")
    for curve in curves_of(table):
        remove_node(curve)
    if folder and not hierarchy.GetNumberOfItemChildren(folder):
        hierarchy.RemoveItem(folder)
    remove_node(table)
