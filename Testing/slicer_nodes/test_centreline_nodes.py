"""Centrelines become curves and tables that lie right, and trees again, also after saving and after edits by hand."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import slicer
from CoronarySegModule import centreline_curves
from CoronarySegModule.centreline_nodes import find_curves, read_centrelines, write_centrelines
from slicer_samples import linear_transform, rigid_matrix

from CoronarySegLib.centreline.files import write_markups
from CoronarySegLib.errors import InputError

sys.path.append(str(Path(__file__).resolve().parents[1] / "centreline"))
from named_trees import awkward_trees, left_tree


@pytest.fixture
def moved_volume(oblique_volume):
    oblique_volume.SetAndObserveTransformNodeID(linear_transform(rigid_matrix()).GetID())
    return oblique_volume


def assert_equal_trees(first, second):
    assert (first.side, first.dominance, first.warnings) == (second.side, second.dominance, second.warnings)
    assert [(b.parent, b.name, b.warnings) for b in first.branches] == [
        (b.parent, b.name, b.warnings) for b in second.branches
    ]
    for a, b in zip(first.branches, second.branches, strict=True):
        assert a.points_lps_mm == pytest.approx(b.points_lps_mm, abs=1e-6)
        assert a.radius_mm == pytest.approx(b.radius_mm, abs=1e-9)
        assert a.area_mm2 == pytest.approx(b.area_mm2, abs=1e-9, nan_ok=True)
        assert a.confidence == pytest.approx(b.confidence)


def curve_named(volume, key, name):
    return next(node for node in find_curves(volume)[key] if node.GetName() == name)


def test_trees_come_back_from_the_scene(moved_volume):
    trees = awkward_trees()
    write_centrelines(moved_volume, trees)
    back = read_centrelines(moved_volume)
    assert list(back) == ["left", "right"]
    for key in trees:
        assert_equal_trees(trees[key], back[key])


def test_trees_come_back_from_a_saved_scene(moved_volume, scene, tmp_path):
    trees = awkward_trees()
    write_centrelines(moved_volume, trees)
    assert scene.WriteToMRB(str(tmp_path / "saved scene.mrb"))
    scene.Clear(0)
    assert scene.ReadFromMRB(str(tmp_path / "saved scene.mrb"))
    back = read_centrelines(scene.GetFirstNodeByName("patient"))
    for key in trees:
        assert_equal_trees(trees[key], back[key])


def test_a_vessel_is_one_curve_with_its_name(oblique_volume):
    written = write_centrelines(oblique_volume, {"left": left_tree()})
    assert [node.GetName() for node in written.curves["left"]] == ["LM", "LAD", "D1", "D2", "LCx", "OM1", "Branch 9"]
    assert written.curves["left"][1].GetNumberOfControlPoints() == 25


def test_curves_lie_on_the_centreline_in_the_world(moved_volume):
    written = write_centrelines(moved_volume, {"left": left_tree()})
    position = np.zeros(3)
    written.curves["left"][0].GetNthControlPointPositionWorld(8, position)
    assert position == pytest.approx([-10.0, 0.0, 0.0], abs=1e-9)


def test_curves_are_drawn_straight_between_their_points(oblique_volume):
    written = write_centrelines(oblique_volume, {"left": left_tree()})
    assert written.curves["left"][4].GetCurveLengthWorld() == pytest.approx(left_tree().vessels()[4].length_mm)


def test_radius_stands_at_every_control_point(oblique_volume):
    written = write_centrelines(oblique_volume, {"left": left_tree()})
    values = written.curves["left"][0].GetMeasurement("Radius").GetControlPointValues()
    assert values.GetNumberOfValues() == 9
    assert values.GetValue(0) == 2.0


def test_the_table_has_a_row_a_vessel(oblique_volume):
    table = write_centrelines(oblique_volume, {"left": left_tree()}).tables["left"]
    assert table.GetNumberOfRows() == 7
    assert table.GetCellText(1, 0) == "LAD"
    assert table.GetCellText(1, 2) == "LM"
    assert float(table.GetCellText(0, 3)) == pytest.approx(10.0)
    assert float(table.GetCellText(0, 6)) == pytest.approx(4.0)


def test_nodes_lie_in_the_folder_of_the_volume_and_under_its_transform(moved_volume, scene):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "patient folder")
    hierarchy.CreateItem(folder, moved_volume)
    written = write_centrelines(moved_volume, {"left": left_tree()})
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(written.tables["left"])) == folder
    for node in written.curves["left"]:
        curves_folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
        assert hierarchy.GetItemParent(curves_folder) == folder
        assert node.GetParentTransformNode() is moved_volume.GetParentTransformNode()


def test_a_renamed_curve_renames_the_vessel_and_what_hangs_on_it(oblique_volume):
    write_centrelines(oblique_volume, {"left": left_tree()})
    curve_named(oblique_volume, "left", "LCx").SetName("LAD")
    curve_named(oblique_volume, "left", "LAD").SetName("LCx")
    names = [branch.name for branch in read_centrelines(oblique_volume)["left"].branches]
    assert names.count("LCx") == 3
    assert names.count("LAD") == 2
    assert names[7] == "D1"


def test_a_deleted_curve_takes_its_part_of_the_tree_with_it(oblique_volume, scene):
    write_centrelines(oblique_volume, {"left": left_tree()})
    scene.RemoveNode(curve_named(oblique_volume, "left", "D1"))
    assert_equal_trees(read_centrelines(oblique_volume)["left"], left_tree().without(2))


def test_a_deleted_ostium_is_said(oblique_volume, scene):
    write_centrelines(oblique_volume, {"left": left_tree()})
    scene.RemoveNode(curve_named(oblique_volume, "left", "LM"))
    with pytest.raises(InputError, match="ostium"):
        read_centrelines(oblique_volume)


def test_moved_points_stay_moved_and_daughters_stay_joined(oblique_volume):
    write_centrelines(oblique_volume, {"left": left_tree()})
    curve = curve_named(oblique_volume, "left", "LM")
    curve.SetNthControlPointPositionWorld(8, -12.0, -1.0, 0.0)
    tree = read_centrelines(oblique_volume)["left"]
    for index, end in ((0, -1), (1, 0), (6, 0)):
        assert tree.branches[index].points_lps_mm[end] == pytest.approx([12.0, 1.0, 0.0])


def test_added_control_points_are_refused_by_name(oblique_volume):
    write_centrelines(oblique_volume, {"left": left_tree()})
    curve_named(oblique_volume, "left", "D2").AddControlPointWorld(1.0, 2.0, 3.0)
    with pytest.raises(InputError, match="D2"):
        read_centrelines(oblique_volume)


def test_a_second_run_replaces_the_first(oblique_volume, scene):
    write_centrelines(oblique_volume, awkward_trees())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    before = scene.GetNumberOfNodes(), hierarchy.GetNumberOfItems()
    write_centrelines(oblique_volume, awkward_trees())
    assert (scene.GetNumberOfNodes(), hierarchy.GetNumberOfItems()) == before


def test_an_interrupted_run_leaves_the_scene_as_it_was(oblique_volume, scene, monkeypatch):
    write_centrelines(oblique_volume, {"left": left_tree()})
    before = scene.GetNumberOfNodes()

    def broken(*_, **__):
        raise MemoryError

    monkeypatch.setattr(centreline_curves, "_show", broken)
    with pytest.raises(MemoryError):
        write_centrelines(oblique_volume, awkward_trees())
    assert scene.GetNumberOfNodes() == before
    assert_equal_trees(read_centrelines(oblique_volume)["left"], left_tree())


def test_centrelines_of_another_volume_are_left_alone(oblique_volume, scene):
    other = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "other")
    write_centrelines(oblique_volume, {"left": left_tree()})
    assert read_centrelines(other) == {}


def test_slicer_reads_the_markups_file_of_the_library(scene, tmp_path):
    write_markups({"left": replace(left_tree(), side="left")}, tmp_path / "left.mrk.json")
    slicer.modules.markups.logic().LoadMarkups(str(tmp_path / "left.mrk.json"))
    curves = [
        scene.GetNthNodeByClass(i, "vtkMRMLMarkupsCurveNode")
        for i in range(scene.GetNumberOfNodesByClass("vtkMRMLMarkupsCurveNode"))
    ]
    assert [curve.GetName() for curve in curves][:3] == ["LM", "LAD", "D1"]
    assert slicer.util.arrayFromMarkupsControlPoints(curves[0])[-1] == pytest.approx([-10.0, 0.0, 0.0])
    assert curves[0].GetMeasurement("Radius").GetControlPointValues().GetValue(0) == 2.0
