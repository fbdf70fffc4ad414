"""From what a user names (generated phantoms or a folder) to a source and the patches to validate on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import TrainingError
from ..in_place import write_text
from ..progress import Progress, ProgressCallback, as_progress
from .config import TrainConfig
from .sources import Patch, PatchSource, fixed_patches
from .splits import Split, read_split

SOURCE_FILE = "source.json"
DEFAULT_CACHE = "coronaryseg_phantoms"


@dataclass(frozen=True)
class DataChoice:
    """What to train on: ``phantoms`` generated anatomies (or angiograms of such), or the image/label pairs in ``data``.
    Exactly one is set.

    ``cache`` is the folder of prepared cases; phantoms need a few hundred MB each there (DEFAULT_CACHE when None).
    ``locator_run`` is the run folder of a trained locator whose answers become the priors of the stage "vessels".
    ``split`` is a file that says which cases of ``data`` train and validate, ``fold`` (from 1) its column.
    ``initial_run`` is the run whose masks a refining stage corrects; it then trains on what that run validated on.
    """

    phantoms: int | None = None
    data: str | None = None
    cache: str | None = None
    locator_run: str | None = None
    split: str | None = None
    fold: int = 1
    initial_run: str | None = None

    def __post_init__(self) -> None:
        if (self.phantoms is None) == (self.data is None):
            raise TrainingError("Say what to train on: either a number of phantoms or a folder of image/label pairs.")
        if self.phantoms is not None and self.phantoms < 1:
            raise TrainingError("The number of phantoms must be at least 1.")
        if self.locator_run is not None and self.phantoms is None:
            raise TrainingError("A locator's answers serve as priors on phantoms only. Leave the locator run out.")
        if self.data is None and (self.split is not None or self.initial_run is not None):
            raise TrainingError("A split and an earlier stage's masks belong to a data folder. Name one, or leave them "
                                "out.")

    def write(self, run_folder: Path) -> None:
        write_text(run_folder / SOURCE_FILE, json.dumps(vars(self), indent=2) + "\n")


def read_choice(run_folder: Path) -> DataChoice | None:
    """What a run was trained on, None if it does not say."""
    path = run_folder / SOURCE_FILE
    try:
        return DataChoice(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{path} is damaged: {error}. Name the phantoms or the data folder again.") from error


def open_choice(choice: DataChoice, config: TrainConfig, *, validation_patches: int = 16,
                progress: Progress | ProgressCallback | None = None) -> tuple[PatchSource, tuple[Patch, ...]]:
    """The source to train on and ``validation_patches`` patches of cases that are never trained on."""
    report = as_progress(progress)
    spec = config.spec
    if spec.of_angiograms:
        source, validation = _angiograms(choice, config, report.part(0.0, 0.9))
    elif choice.data is not None:
        from .folder_source import open_folder

        source, validation = open_folder(
            choice.data, spec, patch_zyx=config.patch, cache=choice.cache, split=_split_of(choice),
            initial_from=choice.initial_run, progress=report.part(0.0, 0.9)
        )
    else:
        from .phantom_opening import open_phantoms

        source, validation = open_phantoms(
            choice.phantoms, spec, config.patch, Path(choice.cache or DEFAULT_CACHE), seed=config.seed,
            locator_run=None if choice.locator_run is None else Path(choice.locator_run),
            progress=report.part(0.0, 0.9),
        )
    report(0.9, "Drawing the patches to validate on")
    return source, fixed_patches(validation, validation_patches, config.seed)


def _angiograms(choice: DataChoice, config: TrainConfig, report: Progress) -> tuple[PatchSource, PatchSource]:
    from ..angiogram.training.source import open_angiograms

    data = choice.data
    if data is None:
        from ..angiogram.training.phantoms import phantom_folder

        data = phantom_folder(
            choice.phantoms, choice.cache or DEFAULT_CACHE, seed=config.seed, progress=report.part(0.0, 0.8)
        )
    return open_angiograms(
        data, config.spec, patch_zyx=config.patch, split=_split_of(choice), progress=report.part(0.8, 1.0)
    )


def _split_of(choice: DataChoice) -> Split | None:
    """The split the choice names, turned to the validation cases for a stage that refines."""
    if choice.split is None:
        return None
    split = read_split(choice.split, choice.fold)
    return split.refining() if choice.initial_run is not None else split
