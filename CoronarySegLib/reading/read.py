"""The one way in: a path becomes a volume, or an error that says what to do."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .dicom import read_dicom
from .dicom_headers import is_dicom
from .volume_files import EXTENSIONS, is_volume_file, read_volume_file


def read_volume(
    path: Path | str,
    *,
    series_uid: str | None = None,
    phase: float | str | None = None,
    progress: Progress | ProgressCallback | None = None,
) -> Volume:
    """Read a CT volume: int16 or float32 HU, array (z, y, x), on a right-angled grid in LPS mm.

    ``path``: a NIfTI, NRRD or MetaImage file, a DICOM folder, or one DICOM file of a series.
    ``series_uid`` chooses a DICOM series (see ``list_series``). ``phase`` chooses a heart phase: per cent of the R-R
    interval, or 1 to n. What was chosen or repaired on the way is in ``Volume.warnings``.
    Raises InputError for whatever is not one readable volume. Whether it is a coronary CT, ``check_coronary_ct`` says.
    """
    progress = as_progress(progress)
    path = Path(path).expanduser()
    progress(0.0, "Reading the volume")
    try:
        volume = _read(path, series_uid, phase, progress)
    except PermissionError as error:
        raise InputError(f"{path} cannot be opened: no permission. Ask for access or copy it.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}). Check the path and the disk.") from error
    progress(1.0, "Reading the volume")
    return volume


def _read(path: Path, series_uid: str | None, phase: float | str | None, progress: Progress) -> Volume:
    if not path.exists():
        raise InputError(f"{path} does not exist. Check the path.")
    if path.is_dir():
        return read_dicom(path, series_uid=series_uid, phase=phase, progress=progress)
    if is_volume_file(path):
        return read_volume_file(path, phase)
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes). Copy it again from where it came from.")
    if is_dicom(path):
        return read_dicom(path, series_uid=series_uid, phase=phase, progress=progress)
    if path.suffix.lower() in (".zip", ".7z", ".tar", ".gz", ".rar"):
        raise InputError(f"{path.name} is an archive. Unpack it and give the folder or file inside.")
    raise InputError(
        f"{path.name} is no format this program reads. Give a file ending in {', '.join(EXTENSIONS)}, a DICOM file or "
        "a DICOM folder; other formats can be converted in 3D Slicer."
    )
