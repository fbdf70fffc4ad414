"""Centrelines come back from files as they were, and damaged files are refused by name."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from named_trees import awkward_trees, left_tree, same
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

from CoronarySegLib.centreline.files import read_csv, read_markups, read_vtp, write_csv, write_markups, write_vtp
from CoronarySegLib.errors import InputError, OutputError

FORMATS = {
    "centrelines.vtp": (write_vtp, read_vtp), "centrelines.csv": (write_csv, read_csv),
    "centrelines.mrk.json": (write_markups, read_markups),
}
EVERY = pytest.mark.parametrize("name", FORMATS)


@EVERY
def test_two_systems_come_back_to_the_last_bit(name, tmp_path):
    write, read = FORMATS[name]
    trees = awkward_trees()
    write(trees, tmp_path / name)
    back = read(tmp_path / name)
    assert list(back) == ["left", "right"]
    assert all(same(trees[key], back[key]) for key in trees)


@EVERY
def test_a_single_tree_goes_by_its_side(name, tmp_path):
    write, read = FORMATS[name]
    write(left_tree(), tmp_path / name)
    assert list(read(tmp_path / name)) == ["left"]


@EVERY
def test_a_tree_without_a_side_keeps_its_key(name, tmp_path):
    write, read = FORMATS[name]
    write({"tree_1": replace(left_tree(), side="")}, tmp_path / name)
    assert read(tmp_path / name)["tree_1"].side == ""


@EVERY
def test_names_of_files_may_hold_spaces_and_other_letters(name, tmp_path):
    write, read = FORMATS[name]
    folder = tmp_path / "Fälle 心"
    folder.mkdir()
    write(left_tree(), folder / name)
    assert same(left_tree(), read(folder / name)["left"])


@EVERY
def test_nothing_but_the_file_is_left_behind(name, tmp_path):
    FORMATS[name][0](left_tree(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@EVERY
def test_a_folder_that_is_not_there_is_an_output_error(name, tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        FORMATS[name][0](left_tree(), tmp_path / "missing" / name)


@EVERY
def test_an_earlier_file_stays_when_writing_fails(name, tmp_path, monkeypatch):
    write, read = FORMATS[name]
    write(left_tree(), tmp_path / name)
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OutputError, match="No space left"):
        write(awkward_trees(), tmp_path / name)
    assert same(left_tree(), read(tmp_path / name)["left"])
    assert [path.name for path in tmp_path.iterdir()] == [name]


@EVERY
def test_a_missing_file_is_named(name, tmp_path):
    with pytest.raises(InputError, match=r"nowhere.*not there"):
        FORMATS[name][1](tmp_path / f"nowhere {name}")


@EVERY
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_cut_file_is_refused(name, share, tmp_path):
    write, read = FORMATS[name]
    write(awkward_trees(), tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match="centreline"):
        read(tmp_path / name)


@EVERY
def test_a_file_of_something_else_is_refused(name, tmp_path):
    (tmp_path / name).write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InputError, match="holds no centreline tree"):
        FORMATS[name][1](tmp_path / name)


def test_a_table_without_a_needed_column_says_which(tmp_path):
    write_csv(left_tree(), tmp_path / "c.csv")
    text = (tmp_path / "c.csv").read_text(encoding="utf-8").replace("radius_mm", "r")
    (tmp_path / "c.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="radius_mm"):
        read_csv(tmp_path / "c.csv")


def test_a_table_that_lost_a_row_is_refused(tmp_path):
    write_csv(left_tree(), tmp_path / "c.csv")
    lines = (tmp_path / "c.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "c.csv").write_text("".join(lines[:12] + lines[13:]), encoding="utf-8")
    with pytest.raises(InputError, match="points of branch 1"):
        read_csv(tmp_path / "c.csv")


def test_a_table_cut_between_two_rows_is_refused(tmp_path):
    write_csv(awkward_trees(), tmp_path / "c.csv")
    with (tmp_path / "c.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    first_of_right = next(i for i, row in enumerate(rows) if row[0] == "right")
    for stop in (1, 5, 10, first_of_right, first_of_right + 9, len(rows) - 1):
        with (tmp_path / "cut.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows[:stop])
        with pytest.raises(InputError):
            read_csv(tmp_path / "cut.csv")


def test_a_table_has_one_row_a_point(tmp_path):
    write_csv(left_tree(), tmp_path / "c.csv")
    with (tmp_path / "c.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(branch.points_lps_mm) for branch in left_tree().branches)
    assert float(rows[8]["arc_mm"]) == pytest.approx(10.0)
    assert rows[9]["name"] == "LAD"


def test_polylines_carry_the_arrays_other_programs_look_for(tmp_path):
    write_vtp(awkward_trees(), tmp_path / "c.vtp")
    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(tmp_path / "c.vtp"))
    reader.Update()
    data = reader.GetOutput()
    points, cells = data.GetPointData(), data.GetCellData()
    assert data.GetNumberOfLines() == 13
    assert vtk_to_numpy(points.GetArray("MaximumInscribedSphereRadius"))[0] == 2.0
    assert np.isnan(vtk_to_numpy(points.GetArray("Area"))).sum() == 3
    assert vtk_to_numpy(cells.GetArray("GroupIds")).tolist() == list(range(13))
    assert vtk_to_numpy(cells.GetArray("CenterlineIds")).tolist() == [0] * 10 + [1] * 3
    assert vtk_to_numpy(cells.GetArray("TractIds")).tolist() == [0, 0, 0, 1, 0, 2, 0, 0, 1, 0, 0, 0, 0]
    assert cells.GetAbstractArray("Name").GetValue(6) == "LCx"
    assert cells.GetAbstractArray("Side").GetValue(12) == "right"


def test_polydata_without_names_is_refused(tmp_path):
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    from CoronarySegLib.centreline.files.vtp_file import polydata_of

    data = polydata_of(left_tree())
    data.GetCellData().RemoveArray("Name")
    writer = vtkXMLPolyDataWriter()
    writer.SetFileName(str(tmp_path / "c.vtp"))
    writer.SetInputData(data)
    writer.Write()
    with pytest.raises(InputError, match="'Name'"):
        read_vtp(tmp_path / "c.vtp")


def test_markups_say_frame_and_unit(tmp_path):
    write_markups(left_tree(), tmp_path / "c.mrk.json")
    curve = json.loads((tmp_path / "c.mrk.json").read_text(encoding="utf-8"))["markups"][1]
    assert (curve["coordinateSystem"], curve["coordinateUnits"], curve["name"]) == ("LPS", "mm", "LAD")
    assert curve["controlPoints"][-1]["position"] == [18.0, -10.0, -10.0]


def test_markups_saved_in_ras_are_read_in_their_frame(tmp_path):
    write_markups(left_tree(), tmp_path / "c.mrk.json")
    content = json.loads((tmp_path / "c.mrk.json").read_text(encoding="utf-8"))
    for curve in content["markups"]:
        curve["coordinateSystem"] = "RAS"
        for point in curve["controlPoints"]:
            point["position"][0] *= -1
            point["position"][1] *= -1
    (tmp_path / "c.mrk.json").write_text(json.dumps(content), encoding="utf-8")
    assert same(left_tree(), read_markups(tmp_path / "c.mrk.json")["left"])


def test_markups_of_another_program_are_refused_with_what_is_missing(tmp_path):
    write_markups(left_tree(), tmp_path / "c.mrk.json")
    content = json.loads((tmp_path / "c.mrk.json").read_text(encoding="utf-8"))
    del content["markups"][3]["coronarySeg"]
    (tmp_path / "c.mrk.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="where in a tree it belongs"):
        read_markups(tmp_path / "c.mrk.json")
