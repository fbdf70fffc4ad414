"""Whole angiograms, or pieces of them, as patches for the training loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import CoronarySegError, TrainingError
from ...progress import Progress, ProgressCallback, as_progress
from ...training.sources import Patch
from ...training.splits import Split
from ...training.stages import StageSpec
from ..preparation import onto_square
from .cases import AngiogramCase, find_cases
from .patients import check_patients, one_split, patients_of

ON_A_VESSEL = 0.75
"""Share of pieces centred near a vessel, where pieces are smaller than the image."""


@dataclass(frozen=True)
class PreparedAngiogram:
    """Image and truth on the stage's square, 0..255 and 0/255 uint8: two hundred of them take 100 MB."""

    name: str
    image: np.ndarray
    truth: np.ndarray


class AngiogramSource:
    """A PatchSource over prepared angiograms; ``held_back`` names those that validate a source that trains."""

    def __init__(self, cases: Sequence[PreparedAngiogram], spec: StageSpec, patch_zyx: tuple[int, int, int],
                 held_back: tuple[str, ...] = ()):
        self.cases, self.spec, self.held_back = tuple(cases), spec, held_back
        self._size = np.minimum(patch_zyx[1:], spec.patch_zyx[1:])

    def sample(self, rng: np.random.Generator) -> Patch:
        """A random image, or a piece of it: (1, 1, y, x)."""
        case = self.cases[rng.integers(len(self.cases))]
        y, x = self._start(case.truth, rng)
        part = (slice(y, y + self._size[0]), slice(x, x + self._size[1]))
        image, truth = (a[part][None, None].astype(np.float32) / np.float32(255) for a in (case.image, case.truth))
        return Patch(image, truth)

    @property
    def vessel_share(self) -> float:
        """Share of vessel among the pixels of all images, 0..1."""
        return float(np.mean([case.truth.mean() for case in self.cases]) / 255)

    def _start(self, truth: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
        room = np.asarray(truth.shape) - self._size
        if not room.any():
            return 0, 0
        centre = rng.integers(0, truth.shape)
        if rng.random() < ON_A_VESSEL:
            places = np.flatnonzero(truth > 127)
            if len(places):
                centre = np.array(np.unravel_index(rng.choice(places), truth.shape))
        start = np.clip(centre - self._size // 2 + rng.integers(-8, 9, 2), 0, room)
        return int(start[0]), int(start[1])


def open_angiograms(data: str | Path, spec: StageSpec, *, patch_zyx: tuple[int, int, int] | None = None,
                    split: Split | None = None, progress: Progress | ProgressCallback | None = None
                    ) -> tuple[AngiogramSource, AngiogramSource]:
    """Sources for training and for validation of the angiograms in ``data``, kept apart by patient.

    ``split`` says which cases train and validate; those it keeps for testing are not opened, and a patient in two parts
    is refused. Without it a tenth of the patients validates. Raises TrainingError naming every case that cannot be
    used and why.
    """
    report = as_progress(progress)
    cases = find_cases(data)
    patients = patients_of([case.name for case in cases], data)
    if split is None:
        drawn = one_split(patients, shares=(0.1, 0.1))
        split = Split((*drawn.train, *drawn.test), drawn.validation)
    check_patients(split, patients)
    used = split.used(cases)
    prepared, problems = [], []
    for number, case in enumerate(used):
        report(number / len(used), f"Reading {case.name} ({number + 1}/{len(used)})")
        try:
            prepared.append(prepared_angiogram(case, spec.patch_zyx[1]))
        except CoronarySegError as error:
            problems.append(str(error))
    if problems:
        raise TrainingError(f"{len(problems)} of {len(used)} angiograms in {data} cannot be used. "
                            + " ".join(problems[:20]))
    train, validation = split.parted(prepared)
    patch = patch_zyx or spec.patch_zyx
    held_back = tuple(case.name for case in validation)
    return AngiogramSource(train, spec, patch, held_back), AngiogramSource(validation, spec, patch)


def prepared_angiogram(case: AngiogramCase, side: int) -> PreparedAngiogram:
    """One case on a square of ``side`` pixels. Raises TrainingError and what reading raises."""
    image, truth = case.read()
    square = onto_square(image, side).array
    mask = onto_square(truth.astype(np.float32), side, continued=False).array > 0.5
    return PreparedAngiogram(case.name, np.round(255 * square).astype(np.uint8), mask.astype(np.uint8) * 255)
