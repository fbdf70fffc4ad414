"""Splits: read in every form, checked against the data, never mixed."""

import json

import pytest
from training_samples import write_case

from CoronarySegLib.errors import TrainingError
from CoronarySegLib.training.pairs import find_pairs
from CoronarySegLib.training.splits import Split, read_split

ROWS = [("FileName", "Split-1", "Split-2"), ("1", "Training", "Testing"), ("2", "Val", "Training"),
        ("3", "Testing", "Val")]


def a_csv(path, rows=ROWS, delimiter=","):
    path.write_text("\n".join(delimiter.join(row) for row in rows) + "\n")
    return path


@pytest.mark.parametrize(("fold", "expected"), [(1, Split(("1",), ("2",), ("3",))), (2, Split(("2",), ("3",), ("1",)))])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_of_folds_is_read(tmp_path, fold, expected, delimiter):
    assert read_split(a_csv(tmp_path / "split.csv", delimiter=delimiter), fold) == expected


def test_the_official_spreadsheet_is_read(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append([int(cell) if cell.isdigit() else cell for cell in row])
    book.save(tmp_path / "split.xlsx")
    assert read_split(tmp_path / "split.xlsx", 2) == Split(("2",), ("3",), ("1",))


def test_file_names_and_a_missing_heading_do_no_harm(tmp_path):
    rows = [(f"{name}.img.nii.gz", word, word) for name, word in (("1", "training"), ("2", "VAL"), ("3", "testing"))]
    assert read_split(a_csv(tmp_path / "split.csv", rows)) == Split(("1",), ("2",), ("3",))


def test_nnunets_folds_are_read(tmp_path):
    path = tmp_path / "splits_final.json"
    path.write_text(json.dumps([{"train": ["a"], "val": ["b"]}, {"train": ["b"], "val": ["a"]}]))
    assert read_split(path, 2) == Split(("b",), ("a",))


@pytest.mark.parametrize(("row", "named"), [
    (("4", "Trainig", "Val"), "4: trainig"), (("1", "Val", "Val"), "1: named twice"), (("5",), "5: nothing"),
])
def test_every_bad_row_is_named(tmp_path, row, named):
    with pytest.raises(TrainingError, match=named):
        read_split(a_csv(tmp_path / "split.csv", [*ROWS, row]))


@pytest.mark.parametrize("fold", [0, 3])
def test_a_fold_that_is_not_there_says_how_many_are(tmp_path, fold):
    with pytest.raises(TrainingError, match="has 2 folds"):
        read_split(a_csv(tmp_path / "split.csv"), fold)


@pytest.mark.parametrize("name", ["none.csv", "bad.json", "bad.xlsx"])
def test_a_file_that_is_no_split_is_refused(tmp_path, name):
    if name.startswith("bad"):
        (tmp_path / name).write_bytes(b"\xff\x00 nothing")
    with pytest.raises(TrainingError, match=r"does not exist|cannot be read"):
        read_split(tmp_path / name)


def test_a_case_in_two_parts_is_refused():
    with pytest.raises(TrainingError, match=r"a \(train and test\)"):
        Split(("a", "b"), ("c",), ("a",))


def test_only_pairs_that_train_or_validate_are_used(tmp_path):
    for name in "1234":
        write_case(tmp_path, name)
        (tmp_path / "images" / f"{name}.nii.gz").write_bytes(name.encode())
    used = Split(("1",), ("3",), ("2",)).used(find_pairs(tmp_path))
    assert [pair.name for pair in used] == ["1", "3"]


def test_cases_without_data_are_named(tmp_path):
    write_case(tmp_path, "1")
    with pytest.raises(TrainingError, match="names 2 cases that are not in the data: 8, 9"):
        Split(("1", "8"), ("9",)).used(find_pairs(tmp_path))


def test_the_same_image_under_two_names_is_leakage(tmp_path):
    for name in "123":
        write_case(tmp_path, name)
    copy = (tmp_path / "images" / "1.nii.gz").read_bytes()
    (tmp_path / "images" / "2.nii.gz").write_bytes(copy[:-1] + b"x")
    (tmp_path / "images" / "3.nii.gz").write_bytes(copy)
    with pytest.raises(TrainingError, match=r"same image is in two parts of the split: .*1 \(train\).*\(test\)"):
        Split(("1",), ("2",), ("3",)).used(find_pairs(tmp_path))


def test_a_refining_stage_trains_on_what_the_first_validated_on():
    split = Split(("a", "b"), tuple("cdefg"), ("h",)).refining()
    assert (split.train, split.validation) == (tuple("cdef"), ("g",))
    assert set(split.test) == {"h", "a", "b"}


def test_one_validation_case_is_too_few_to_refine_on():
    with pytest.raises(TrainingError, match="at least two"):
        Split(("a",), ("b",)).refining()
