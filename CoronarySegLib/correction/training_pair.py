"""A corrected case as a pair to train on, laid out as ``coronaryseg train --data`` reads it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..errors import InputError, OutputError
from ..in_place import file_in_place
from ..writing.volumes import write_image, write_labels
from .log import CorrectionLog
from .state import SYSTEMS, CaseState


def save_training_pair(
    state: CaseState, folder: Path | str, name: str, log: CorrectionLog | None = None, *, overwrite: bool = False
) -> tuple[Path, Path]:
    """Write ``images/<name>.nii.gz`` (HU) and ``labels/<name>.nii.gz`` (1 left, 2 right, 3 calcium, 4 vein) in
    ``folder``, and the ``log`` as ``corrections/<name>.json``; returns both images' paths.

    Raises InputError without a CT or a vessel, OutputError when nothing can be written there, or when the case exists
    and is not to be overwritten.
    """
    if state.ct is None:
        raise InputError("There is no CT to train on. Load the CT that this result was made from.")
    if not np.isin(state.labels.array, tuple(SYSTEMS.values())).any():
        raise InputError("There is no coronary lumen in this result: nothing can be learned from it.")
    name = _file_name(name)
    folder = Path(folder).expanduser()
    image, label = (folder / kind / f"{name}.nii.gz" for kind in ("images", "labels"))
    if not overwrite and (image.exists() or label.exists()):
        raise InputError(f"The case {name} is in {folder} already. Choose another name, or ask to overwrite it.")
    record = folder / "corrections" / f"{name}.json"
    try:
        for path in (image, label, record):
            path.parent.mkdir(parents=True, exist_ok=True)
        with file_in_place(image) as image_partial, file_in_place(label) as label_partial:
            write_image(state.ct, image_partial)
            write_labels(state.labels, label_partial)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"The pair cannot be written to {folder}: {error}. Choose another folder.") from error
    (log or CorrectionLog()).write(record)
    return image, label


def _file_name(name: str) -> str:
    """A name that is a file's on every system. Raises InputError when nothing is left of it."""
    plain = re.sub(r"[^\w-]+", "_", name.strip()).strip("_")
    if not plain:
        raise InputError(f"'{name}' gives no file name. Name the case with letters or digits.")
    return plain
