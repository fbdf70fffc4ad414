"""Measurements leave as CSV, JSON, a table and a picture that say the same."""

import csv
import json
import math

import numpy as np
import pytest
from rich.console import Console
from vessel_samples import Narrowing, forked, grid, single

from CoronarySegLib.errors import OutputError
from CoronarySegLib.measurement import (
    measure_tree,
    plot_profile,
    plot_profiles,
    stenoses_table,
    vessels_table,
    write_measurements_csv,
    write_measurements_json,
)

LESION = ((Narrowing(14.0, 0.6),), (), ())


@pytest.fixture(scope="module")
def measured():
    return {"left": measure_tree(forked(narrowings=LESION), grid=grid(0.3)), "right": measure_tree(single())}


def rows_of(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def text_of(table) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(table)
    return console.export_text()


def test_csv_holds_a_row_a_vessel_a_branch_and_a_stenosis(measured, tmp_path):
    files = write_measurements_csv(measured, tmp_path / "new" / "folder")
    assert {name: len(rows_of(path)) for name, path in files.items() if name != "profiles"} == {
        "vessels": 4, "branches": 6, "stenoses": 1,
    }
    (row,) = rows_of(files["stenoses"])
    expected = measured["left"].stenoses[0]
    assert row["vessel"] == "LAD"
    assert float(row["minimal_diameter_mm"]) == pytest.approx(expected.minimal_diameter_mm, abs=1e-4)
    assert row["grade"] == "50–69 %"
    assert row["evaluable"] == "yes"


def test_every_number_has_its_unit_in_the_column_name(measured, tmp_path):
    files = write_measurements_csv(measured, tmp_path)
    plain = {"branch", "parent", "stenoses", "tortuosity", "voxels_across", "mean_voxels_across", "evaluable_share"}
    units = ("_mm", "_mm2", "_mm3", "_per_mm", "_per_cm", "_percent", "_degrees")
    for path in files.values():
        first = rows_of(path)[0]
        numbers = {name for name, value in first.items() if value.replace(".", "").replace("-", "").isdigit()}
        assert [name for name in numbers - plain if not name.endswith(units)] == ["branches"] * ("branches" in numbers)


def test_profiles_follow_the_arc_and_name_the_state(measured, tmp_path):
    rows = rows_of(write_measurements_csv(measured, tmp_path)["profiles"])
    lad = [row for row in rows if row["vessel"] == "LAD"]
    assert np.all(np.diff([float(row["arc_mm"]) for row in lad]) > 0)
    assert lad[0]["state"] == "junction"
    assert lad[-1]["state"] == "free end"
    assert {row["state"] for row in lad} == {"junction", "free end", "evaluable"}


def test_what_is_not_known_is_an_empty_cell(measured, tmp_path):
    rows = rows_of(write_measurements_csv(measured, tmp_path)["profiles"])
    right = [row for row in rows if row["system"] == "right"]
    assert {row["voxels_across"] for row in right} == {""}
    assert {row["calcium_degrees"] for row in rows} == {""}


def test_a_tree_without_stenoses_still_has_the_header(tmp_path):
    with_one = write_measurements_csv(measure_tree(forked(narrowings=LESION)), tmp_path / "one")["stenoses"]
    without = write_measurements_csv(measure_tree(forked()), tmp_path / "none")["stenoses"]
    assert without.read_text(encoding="utf-8").strip() == with_one.read_text(encoding="utf-8").splitlines()[0]


def test_json_is_strict_and_holds_the_figures(measured, tmp_path):
    path = write_measurements_json(measured, tmp_path / "measurements.json")
    content = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda text: pytest.fail(text))
    assert content["frame"] == "LPS"
    assert content["systems"]["left"]["stenoses"][0]["vessel"] == "LAD"
    assert content["systems"]["right"]["vessels"][0]["mean_voxels_across"] is None
    assert any("No calcium mask" in remark for remark in content["systems"]["left"]["remarks"])


def test_tables_name_vessels_and_grade(measured):
    vessels, stenoses = text_of(vessels_table(measured)), text_of(stenoses_table(measured))
    assert all(name in vessels for name in ("LAD", "D1", "D2", "RCA"))
    assert "50–69 %" in stenoses
    assert "not evaluable" not in stenoses


def test_a_stenosis_that_is_not_evaluable_gets_no_grade_in_the_table():
    coarse = measure_tree(single((1.4, 1.2), [Narrowing(40.0, 0.6)]), grid=grid(0.6))
    text = text_of(stenoses_table(coarse))
    assert "not evaluable: resolution" in text
    assert "50–69 %" not in text


def test_the_picture_shows_lumen_reference_and_lesion(tmp_path):
    from matplotlib.image import imread

    ill = measure_tree(single(narrowings=[Narrowing(40.0, 0.6)]), grid=grid(0.3)).vessels[0]
    well = measure_tree(single(), grid=grid(0.3)).vessels[0]
    paths = [plot_profile(vessel, tmp_path / f"{name}.png") for name, vessel in (("ill", ill), ("well", well))]
    with_lesion, without = (imread(path)[..., :3] for path in paths)
    assert with_lesion.shape == without.shape == (728, 1540, 3)
    red = [(picture[..., 0] - picture[..., 1:].max(axis=2) > 0.1).sum() for picture in (with_lesion, without)]
    assert red[0] > 2000
    assert red[1] == 0


def test_a_stretch_that_is_not_evaluable_is_hatched(tmp_path):
    from matplotlib.image import imread

    tree = single((2.0, 1.0))
    fine, coarse = (
        imread(plot_profile(measure_tree(tree, grid=grid(size)).vessels[0], tmp_path / f"{size}.png"))
        for size in (0.2, 0.5)
    )
    lower_right = (slice(450, 600), slice(1100, 1400))
    assert coarse[lower_right].std() > 3.0 * fine[lower_right].std()


def test_pictures_are_named_after_system_and_vessel(measured, tmp_path):
    names = [path.name for path in plot_profiles(measured, tmp_path)]
    assert names == ["profile_left_LAD.png", "profile_left_D1.png", "profile_left_D2.png", "profile_right_RCA.png"]


def test_a_folder_that_cannot_be_made_is_told_and_nothing_is_left(measured, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="Choose a folder"):
        write_measurements_csv(measured, blocked / "below")
    with pytest.raises(OutputError, match="Choose a folder"):
        plot_profile(measured["left"].vessels[0], tmp_path / "missing" / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_missing_values_are_never_printed_as_nan(measured, tmp_path):
    for path in write_measurements_csv(measured, tmp_path).values():
        assert not any(cell in ("nan", str(math.inf)) for row in rows_of(path) for cell in row.values())
