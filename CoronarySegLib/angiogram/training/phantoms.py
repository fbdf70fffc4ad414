"""Synthetic angiograms as a training folder: images, masks and whose they are; made once, gone on with when stopped."""

from __future__ import annotations

from pathlib import Path

from ...in_place import write_text
from ...progress import Progress, ProgressCallback, as_progress
from ..phantom import AngiogramSettings, make_angiogram, make_scene, write_angiogram
from .patients import PATIENTS_FILE

VIEWS_A_HEART = 12
"""Making a heart takes seconds, seeing it from another side, with another bolus and texture, much less."""
SIZE_PX = 512
FIRST_SEED = 40_000


def heart_seeds(count: int, seed: int = 0) -> range:
    """Seeds of the hearts that ``count`` angiograms show."""
    first = FIRST_SEED + 10_000 * seed
    return range(first, first + -(-count // VIEWS_A_HEART))


def phantom_folder(count: int, cache: str | Path, *, seed: int = 0, size_px: int = SIZE_PX,
                   progress: Progress | ProgressCallback | None = None) -> Path:
    """A folder below ``cache`` with ``count`` synthetic angiograms, ``VIEWS_A_HEART`` of a heart.

    The hearts count as patients, so that a split keeps the views of one together. What is there is not made again.
    Raises OutputError, Cancelled.
    """
    report = as_progress(progress)
    folder = Path(cache) / f"angiograms_{seed}_{size_px}"
    folder.mkdir(parents=True, exist_ok=True)
    names: dict[str, int] = {}
    scene = None
    for number in range(count):
        heart = number // VIEWS_A_HEART
        report(number / count, f"Making angiogram {number + 1} of {count}")
        own = FIRST_SEED + 10_000 * seed + number
        found = sorted((folder / "images").glob(f"{own}_*.png"))
        if not found:
            if scene is None or scene[0] != heart:
                scene = heart, make_scene(AngiogramSettings(seed=heart_seeds(count, seed)[heart]))
            run = make_angiogram(AngiogramSettings(seed=own, size_px=size_px), scene=scene[1])
            found = list(write_angiogram(run, folder)["images"])
        names |= {path.stem: heart for path in found}
        # Before the next one, whose heart may be the same: a run that is stopped here leaves a folder that is whole.
        write_text(folder / PATIENTS_FILE, "".join(f"{name},{of}\n" for name, of in names.items()))
    report(1.0, f"Made {count} angiograms")
    return folder
