"""Phantoms laid out as the ImageCAS data set is: for trying the way of the real data without the real data.

One folder for every two hundred cases, ``<id>.img.nii.gz`` beside ``<id>.label.nii.gz`` (0 and 1, calcium in the lumen
counted as vessel), and a table of four folds whose test cases are disjoint, in the proportion 700 / 50 / 250.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import OutputError
from ..in_place import file_in_place, write_text
from .phantom import Phantom
from .writing import tree_to_dict, write_volume

FOLDS = 4
VALIDATION_SHARE = 0.05
CASES_A_FOLDER = 200
SPLIT_FILE = "imageCAS_data_split.csv"


def write_imagecas_case(phantom: Phantom, number: int, folder: Path) -> tuple[Path, Path]:
    """Image and label of case ``number`` (from 1) below ``folder``, with the tree as ``<id>.tree.json``, which ImageCAS
    has not: it tells ``evaluate`` where along the vessels it is. Raises OutputError."""
    first = (number - 1) // CASES_A_FOLDER * CASES_A_FOLDER + 1
    place = Path(folder) / f"{first}-{first + CASES_A_FOLDER - 1}"
    paths = place / f"{number}.img.nii.gz", place / f"{number}.label.nii.gz"
    vessel = phantom.labels.with_array((phantom.labels.array > 0).astype(np.uint8))
    try:
        place.mkdir(parents=True, exist_ok=True)
        for path, volume in zip(paths, (phantom.ct, vessel), strict=True):
            with file_in_place(path) as partial:
                write_volume(volume, partial)
        write_text(place / f"{number}.tree.json", json.dumps(tree_to_dict(phantom), indent=1))
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"Case {number} cannot be written to {place}: {error}. Choose a folder you may write to, with 300 MB free."
        ) from error
    return paths


def write_split_table(count: int, folder: Path) -> Path:
    """The table of ``count`` cases in four folds, as CSV, and where openpyxl is as the spreadsheet that ImageCAS has.

    Returns the CSV. Raises OutputError.
    """
    path = Path(folder) / SPLIT_FILE
    rows = [("FileName", *(f"Split-{fold + 1}" for fold in range(FOLDS))), *split_rows(count)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with file_in_place(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        _write_spreadsheet(rows, path.with_suffix(".xlsx"))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}. Choose a folder you may write to.") from error
    return path


def _write_spreadsheet(rows: list[tuple[str, ...]], path: Path) -> None:
    try:
        import openpyxl
    except ImportError:
        return
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Split")
    for row in rows:
        sheet.append([int(cell) if cell.isdigit() else cell for cell in row])
    with file_in_place(path) as partial:
        book.save(partial)


def split_rows(count: int) -> Iterable[tuple[str, ...]]:
    """(case, word of each fold) for cases 1..``count``: each case tests in one fold; of the others of a fold two or
    more validate and the rest trains.

    Raises ValueError for fewer than 4 cases, which leave a fold without one to train on.
    """
    if count < FOLDS:
        raise ValueError(f"four folds need at least {FOLDS} cases, not {count}")
    columns = []
    for fold in range(FOLDS):
        test = set(range(fold * count // FOLDS, (fold + 1) * count // FOLDS))
        # Those that come after the test cases, so that each fold validates on others.
        others = [(case + (fold + 1) * count // FOLDS) % count for case in range(count)]
        others = [case for case in others if case not in test]
        validate = set(others[: min(len(others) - 1, max(2, round(VALIDATION_SHARE * count)))])
        columns.append(["Testing" if c in test else "Val" if c in validate else "Training" for c in range(count)])
    return [(str(case + 1), *(column[case] for column in columns)) for case in range(count)]

