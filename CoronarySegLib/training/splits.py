"""Which cases train, validate and test: read from a file, checked against the data, and kept apart.

ImageCAS publishes a spreadsheet with one row a case and one column a fold that says Training, Val or Testing; a CSV of
the same columns and nnU-Net's ``splits_final.json`` serve as well.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import MissingPackageError, TrainingError

if TYPE_CHECKING:
    from .pairs import Pair

PARTS = ("train", "validation", "test")
_WORDS = {
    "training": "train", "train": "train", "val": "validation", "validation": "validation", "valid": "validation",
    "testing": "test", "test": "test",
}
_FIRST_BYTES = 1 << 16
_Named = TypeVar("_Named")


@dataclass(frozen=True)
class Split:
    """Case names by part. ``train`` and ``validation`` hold at least one case each; no case is in two parts."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        twice = [
            f"{name} ({first} and {second})"
            for i, first in enumerate(PARTS) for second in PARTS[i + 1 :]
            for name in sorted(set(getattr(self, first)) & set(getattr(self, second)))
        ]
        if twice:
            raise TrainingError(f"These cases are in two parts of the split: {', '.join(twice)}. Keep one of each.")
        for part in ("train", "validation"):
            if not getattr(self, part):
                raise TrainingError(f"The split has no case for {part}. Add one, or choose another fold.")

    def used(self, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
        """The pairs that train or validate. Raises TrainingError naming cases without a pair, and files that are in
        two parts under two names."""
        by_name = {pair.name: pair for pair in pairs}
        missing = [name for name in (*self.train, *self.validation) if name not in by_name]
        if missing:
            raise TrainingError(
                f"The split names {len(missing)} cases that are not in the data: {_list(missing)}. Check the folder "
                "and the names in the split."
            )
        self._check_copies(by_name)
        return tuple(by_name[name] for name in (*self.train, *self.validation))

    def parted(self, cases: Sequence[_Named]) -> tuple[tuple[_Named, ...], tuple[_Named, ...]]:
        """``cases`` (anything with a ``name``) that train and those that validate."""
        return tuple(tuple(c for c in cases if c.name in set(part)) for part in (self.train, self.validation))

    def refining(self, held_back: float = 0.2) -> Split:
        """The split of a stage that corrects another one's masks: it trains on what that stage validated on.

        Seg2RefineNet: on masks of cases it trained on, the first stage is better than it will ever be. The last
        ``held_back`` of these cases, at least one, choose the checkpoint.
        """
        if len(self.validation) < 2:
            raise TrainingError("A refining stage needs at least two validation cases in the split: one to train on "
                                "and one to choose the checkpoint by.")
        count = max(1, round(held_back * len(self.validation)))
        return replace(
            self, train=self.validation[:-count], validation=self.validation[-count:], test=(*self.test, *self.train)
        )

    def _check_copies(self, by_name: dict[str, Pair]) -> None:
        part_of = {name: part for part in PARTS for name in getattr(self, part) if name in by_name}
        seen: dict[str, str] = {}
        copies = []
        for name, part in part_of.items():
            key = _start_of(by_name[name].image)
            other = seen.setdefault(key, name)
            if part_of[other] != part:
                copies.append(f"{other} ({part_of[other]}) and {name} ({part})")
        if copies:
            raise TrainingError(
                f"The same image is in two parts of the split: {'; '.join(copies)}. What is trained on must not be "
                "tested on: remove one of each."
            )


def read_split(path: str | Path, fold: int = 1) -> Split:
    """Fold ``fold`` (from 1) of a split file: .xlsx or .csv with case and one column a fold, or nnU-Net's .json.

    Raises TrainingError for a file, fold or word that cannot be read, MissingPackageError for .xlsx without openpyxl.
    """
    path = Path(path)
    if not path.is_file():
        raise TrainingError(f"The split file {path} does not exist. Check the path.")
    try:
        if path.suffix.lower() == ".json":
            return _of_nnunet(path, fold)
        rows = _xlsx_rows(path) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"The split file {path} cannot be read: {error}. Give the .xlsx, a .csv or nnU-Net's "
                            ".json.") from error
    return _of_rows(path, rows, fold)


def case_name(text: str) -> str:
    """"7", 7.0 or "7.img.nii.gz" as the name of the case, "7"."""
    name = str(text).strip()
    for ending in (".img.nii.gz", ".label.nii.gz", ".nii.gz", ".nrrd", ".0"):
        name = name.removesuffix(ending)
    return name


def _of_rows(path: Path, rows: list[list[str]], fold: int) -> Split:
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise TrainingError(f"The split file {path} is empty.")
    # A heading says no part of a split in any column.
    if not any(cell.strip().lower() in _WORDS for cell in rows[0][1:]):
        rows = rows[1:]
    folds = max((len(row) for row in rows), default=1) - 1
    if not 1 <= fold <= folds:
        raise TrainingError(f"{path} has {folds} folds, so there is no fold {fold}. Choose one of 1 to {folds}.")
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    wrong, names = [], set()
    for row in rows:
        name, word = case_name(row[0]), (row[fold] if fold < len(row) else "").strip().lower()
        if word not in _WORDS:
            wrong.append(f"{name}: {word or 'nothing'}")
        elif name in names:
            wrong.append(f"{name}: named twice")
        else:
            parts[_WORDS[word]].append(name)
        names.add(name)
    if wrong:
        raise TrainingError(
            f"{path} has rows that say neither Training, Val nor Testing: {_list(wrong)}. Correct them."
        )
    return Split(**{part: tuple(found) for part, found in parts.items()})


def _csv_rows(path: Path) -> list[list[str]]:
    text = path.read_text(encoding="utf-8-sig")
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    return [row for row in csv.reader(text.splitlines(), delimiter=delimiter)]


def _xlsx_rows(path: Path) -> list[list[str]]:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingPackageError(
            "Reading .xlsx needs openpyxl. Run: pip install openpyxl, or save the table as .csv."
        ) from error
    try:
        sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).active
    except Exception as error:  # openpyxl raises zipfile's, xml's and its own kinds
        raise ValueError(f"no spreadsheet ({type(error).__name__})") from error
    return [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]


def _of_nnunet(path: Path, fold: int) -> Split:
    folds = json.loads(path.read_text(encoding="utf-8"))
    if not 1 <= fold <= len(folds):
        raise TrainingError(f"{path} has {len(folds)} folds, so there is no fold {fold}. Choose 1 to {len(folds)}.")
    return Split(tuple(folds[fold - 1]["train"]), tuple(folds[fold - 1]["val"]))


def _start_of(path: Path) -> str:
    """Length and first bytes of a file: enough to know a copy, and quick on a thousand volumes."""
    with path.open("rb") as file:
        return f"{path.stat().st_size} {hashlib.sha256(file.read(_FIRST_BYTES)).hexdigest()}"


def _list(items: Sequence[str], most: int = 20) -> str:
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")
