"""The log as JSON and CSV, the pair to train on, and names that stay when centrelines are computed anew."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from correction_samples import SIDE, middle_of

from CoronarySegLib.centreline.given_names import with_given_names
from CoronarySegLib.correction import CorrectionLog, remove_branch, rename, save_training_pair
from CoronarySegLib.errors import InputError
from CoronarySegLib.training.pairs import find_pairs


@pytest.fixture
def a_log(a_case):
    place = middle_of(a_case.trees["left"], SIDE)
    renamed, first = rename(a_case, place, "D2", by="N. N.")
    _, second = remove_branch(renamed, place)
    return CorrectionLog().with_one(first).with_one(second)


def test_the_log_says_what_where_when_and_by_whom(a_log, a_case):
    first, second = a_log.entries
    assert first.what == "D1 is D2"
    assert first.by == "N. N."
    assert second.kind == "remove branch"
    assert second.removed_mm3 > 0
    assert second.places_lps_mm[0] == pytest.approx(tuple(middle_of(a_case.trees["left"], SIDE)), abs=1e-3)
    assert second.when.endswith("+00:00")


def test_the_log_comes_back_from_json(a_log, tmp_path):
    path = a_log.write(tmp_path / "log.json")
    assert CorrectionLog.from_json(path.read_text(encoding="utf-8")) == a_log
    with pytest.raises(InputError, match="no log"):
        CorrectionLog.from_json('{"kind": "something else"}')


def test_the_log_as_csv_has_a_row_a_correction(a_log, tmp_path):
    rows = list(csv.DictReader(io.StringIO(a_log.write(tmp_path / "log.csv").read_text(encoding="utf-8"))))
    assert [row["kind"] for row in rows] == ["rename", "remove branch"]
    assert float(rows[1]["removed (mm3)"]) == pytest.approx(a_log.entries[1].removed_mm3)


def test_a_corrected_case_is_a_pair_that_training_finds(a_case, a_log, tmp_path):
    save_training_pair(a_case, tmp_path / "data", "patient 1", a_log)
    (pair,) = find_pairs(tmp_path / "data")
    assert pair.name == "patient_1"
    label = sitk.ReadImage(str(pair.label))
    assert np.array_equal(sitk.GetArrayFromImage(label), a_case.labels.array)
    image = sitk.ReadImage(str(pair.image))
    assert np.array_equal(sitk.GetArrayFromImage(image), a_case.ct.array)
    assert image.GetOrigin() == pytest.approx(label.GetOrigin())
    with pytest.raises(InputError, match="already"):
        save_training_pair(a_case, tmp_path / "data", "patient 1")


def test_a_pair_needs_a_ct(a_case, tmp_path):
    with pytest.raises(InputError, match="no CT"):
        save_training_pair(replace(a_case, ct=None), tmp_path, "x")
    assert not any(tmp_path.iterdir())


def test_a_given_name_stays_on_centrelines_computed_anew(a_case):
    named, _ = rename(a_case, middle_of(a_case.trees["left"], SIDE), "OM1")
    tree = a_case.trees["left"]
    shifted = tree.with_branches(
        replace(b, points_lps_mm=b.points_lps_mm + 0.3, name="D1" if i == SIDE else "OM1" if i == 4 else b.name,
                confidence=0.7)
        for i, b in enumerate(tree.branches)
    )
    anew = with_given_names({"left": shifted}, named.trees)["left"]
    assert (anew.branches[SIDE].name, anew.branches[SIDE].confidence) == ("OM1", 1.0)
    assert anew.branches[4].name == ""  # what the program called the same elsewhere
    assert anew.branches[0].name == "LAD"
    assert anew.branches[0].confidence == 0.7


def test_without_given_names_nothing_changes(a_case):
    assert with_given_names(a_case.trees, a_case.trees) == dict(a_case.trees)
