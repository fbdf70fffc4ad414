"""Whose image it is, and splits that keep all images of a patient together.

Two views of one patient show the same vessels: one trained on and one tested on would make the figures too good.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import TrainingError
from ...in_place import write_text
from ...training.splits import PARTS, Split

PATIENTS_FILE = "patients.csv"
WORDS = {"train": "Training", "validation": "Val", "test": "Testing"}


def patients_of(names: Sequence[str], folder: str | Path | None = None) -> dict[str, str]:
    """Patient by case name: as ``patients.csv`` of the folder says (two columns: case, patient), otherwise what stands
    before the first underscore of the name.

    Where that is the same for all cases (ARCADE: "seg_train_12"), it names no patient, and each image is its own.
    Raises TrainingError when the file leaves cases out.
    """
    path = None if folder is None else Path(folder) / PATIENTS_FILE
    if path is not None and path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as file:
            said = {row[0].strip(): row[1].strip() for row in csv.reader(file) if len(row) >= 2}
        left_out = sorted(set(names) - set(said))
        if left_out:
            raise TrainingError(f"{path} does not say whose {', '.join(left_out[:10])} is. Add a line for each case.")
        return {name: said[name] for name in names}
    before = {name: name.split("_", 1)[0] for name in names}
    return before if len(set(before.values())) > 1 and not _is_word(set(before.values())) else {n: n for n in names}


def patient_folds(patients: Mapping[str, str], *, folds: int = 10, validation_share: float = 0.1, seed: int = 0
                  ) -> tuple[Split, ...]:
    """``folds`` splits; every patient is tested in exactly one, ``validation_share`` of all validate in each.

    The patients are dealt out so that the test sets hold about equally many images. Raises TrainingError for fewer
    patients than folds.
    """
    names_of: dict[str, list[str]] = {}
    for name in sorted(patients):
        names_of.setdefault(patients[name], []).append(name)
    if len(names_of) < max(folds, 3):
        raise TrainingError(f"{len(names_of)} patients are too few for {folds} folds. Choose fewer folds.")
    rng = np.random.default_rng(seed)
    order = [sorted(names_of)[i] for i in rng.permutation(len(names_of))]
    groups: list[list[str]] = [[] for _ in range(folds)]
    for patient in sorted(order, key=lambda p: -len(names_of[p])):
        min(groups, key=lambda group: sum(len(names_of[p]) for p in group)).append(patient)
    made = []
    for test in groups:
        others = [patient for patient in order if patient not in test]
        count = min(max(1, round(validation_share * len(names_of))), len(others) - 1)
        chosen = set(rng.choice(len(others), count, replace=False).tolist())
        validation = [p for i, p in enumerate(others) if i in chosen]
        train = [p for i, p in enumerate(others) if i not in chosen]
        made.append(Split(*(tuple(n for p in part for n in names_of[p]) for part in (train, validation, test))))
    return tuple(made)


def one_split(patients: Mapping[str, str], *, shares: tuple[float, float] = (0.1, 0.2), seed: int = 0) -> Split:
    """One split by patient; ``shares`` validate and test (the paper on U-Net 3+: 70/10/20), at least a patient each."""
    validation, test = shares
    folds = max(2, min(round(1 / test), len(set(patients.values()))))
    return patient_folds(patients, folds=folds, validation_share=validation, seed=seed)[0]


def write_folds(path: str | Path, splits: Sequence[Split]) -> None:
    """A CSV that ``training.splits.read_split`` reads: a row a case, a column a fold."""
    word = [{name: WORDS[part] for part in PARTS for name in getattr(split, part)} for split in splits]
    names = sorted({name for of_fold in word for name in of_fold})
    lines = [",".join(["case", *(f"fold{number + 1}" for number in range(len(splits)))])]
    lines += [",".join([name, *(of_fold[name] for of_fold in word)]) for name in names]
    write_text(path, "\n".join(lines) + "\n")


def check_patients(split: Split, patients: Mapping[str, str]) -> None:
    """Raise TrainingError naming the patients whose images are in two parts of a split."""
    parts_of: dict[str, set[str]] = {}
    for part in PARTS:
        for name in getattr(split, part):
            if name in patients:
                parts_of.setdefault(patients[name], set()).add(part)
    torn = sorted(patient for patient, parts in parts_of.items() if len(parts) > 1)
    if torn:
        raise TrainingError(
            f"{len(torn)} patients have images in two parts of the split ({', '.join(torn[:10])}). Keep all images of "
            f"a patient in one part, or say whose they are in {PATIENTS_FILE}."
        )


def _is_word(beginnings: set[str]) -> bool:
    """True when the names begin with no more than words such as "seg" and "sten"; patients are counted or coded."""
    return all(text.isalpha() for text in beginnings)
