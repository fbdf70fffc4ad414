"""The one way in: a path becomes a run of frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...errors import InputError
from ...progress import Progress, ProgressCallback, as_progress
from ...reading.dicom_headers import is_dicom
from .pictures import EXTENSIONS, is_picture, read_picture
from .run import AUTO, POLARITIES, AngiogramRun, checked_run
from .xa_dicom import is_xa, read_xa


def is_angiogram(path: Path | str) -> bool:
    """True for what :func:`read_angiogram` is meant for: a picture file, an XA DICOM file, a folder with XA files only.

    Looks at names and DICOM headers, not at pixels. False for what does not exist.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        # One file decides: a folder of a CT holds hundreds, and a mixed one is told apart when it is read.
        first = next((p for p in sorted(path.iterdir()) if p.is_file() and is_dicom(p)), None)
        return first is not None and is_xa(first)
    return path.is_file() and (is_picture(path) or (is_dicom(path) and is_xa(path)))


def read_angiogram(
    path: Path | str, *, spacing_mm: float | None = None, vessels: str = AUTO,
    progress: Progress | ProgressCallback | None = None,
) -> AngiogramRun:
    """Read a picture (PNG, JPEG, PGM, TIFF, BMP) or an XA DICOM file as a run of frames with vessels dark.

    ``spacing_mm`` is the size of a pixel in the plane of the heart; it stands above what the file says. ``vessels`` is
    how the screen shows them: "dark", "bright" or "auto" (found). A folder is taken when it holds one XA file. Raises
    InputError (missing, truncated, too large) and NotAnAngiogramError (colour, empty, a CT slice, another modality, a
    photometric interpretation that is not grey).
    """
    if vessels not in POLARITIES:
        raise ValueError(f"vessels is {vessels!r}: choose {', '.join(POLARITIES)}")
    progress = as_progress(progress)
    path = Path(path).expanduser()
    progress(0.0, "Reading the angiogram")
    try:
        run = _read(_one_file(path), vessels)
    except PermissionError as error:
        raise InputError(f"{path} cannot be opened: no permission. Ask for access or copy it.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}). Check the path and the disk.") from error
    if spacing_mm is not None:
        run = replace(run, spacing_mm=spacing_mm)
    progress(1.0, "Reading the angiogram")
    return run


def _one_file(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path} does not exist. Check the path.")
    if path.is_file():
        return path
    runs = [p for p in sorted(path.iterdir()) if p.is_file() and is_dicom(p) and is_xa(p)]
    if len(runs) == 1:
        return runs[0]
    names = ", ".join(run.name for run in runs[:8])
    raise InputError(
        f"The folder {path} holds {len(runs)} angiographic runs{f' ({names})' if names else ''}. Give one file of it."
    )


def _read(path: Path, vessels: str) -> AngiogramRun:
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes). Copy it again from where it came from.")
    if is_picture(path):
        pixels, white = read_picture(path)
        said = f"{path.name} states no pixel size: lengths are in pixels, percentages hold all the same."
        return checked_run(
            pixels, name=path.name, source=str(path), white=white, warnings=(said,), vessels=vessels
        )
    if is_dicom(path):
        pixels, header, remarks = read_xa(path)
        white = float(2**header.bits_stored - 1)
        return checked_run(
            pixels, name=path.name, source=str(path), spacing_mm=header.spacing_mm, white=max(white, pixels.max()),
            frames_per_second=header.frames_per_second, warnings=remarks,
            vessels=vessels,
        )
    raise InputError(
        f"{path.name} is no format an angiogram is read from. Give a file ending in {', '.join(EXTENSIONS)}, or an XA "
        "DICOM file."
    )
