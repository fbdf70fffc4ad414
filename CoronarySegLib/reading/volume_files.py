"""One volume out of one file: NIfTI, NRRD, MetaImage, through SimpleITK, and a named error for all that is not one."""

from __future__ import annotations

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..volume import Volume
from .file_integrity import COPY_AGAIN, check_companion, check_nifti, is_nifti, not_finite_error
from .straighten import is_orthogonal, shear_degrees, straighten

EXTENSIONS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")

# Beyond this a header is more likely wrong than the gantry tilted.
MAX_SHEAR_DEGREES = 35.0


def is_volume_file(path: Path) -> bool:
    """True for a name this file reads."""
    return path.name.lower().endswith(EXTENSIONS)


def read_volume_file(path: Path, phase: float | str | None = None) -> Volume:
    """The one 3D grey volume in ``path`` as int16 (whole numbers that fit) or float32.

    ``phase`` selects one frame (1 to n) of a 4D file. Raises InputError, saying what to do, for a file that is empty,
    truncated, 2D, 4D without ``phase``, a colour or vector image, sheared beyond repair, or that holds NaN.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes). {COPY_AGAIN}")
    check_companion(path)
    warnings: list[str] = []
    with ThreadPoolExecutor(1) as background:
        # The whole-file check of a .nii.gz takes as long as reading it; on a second core it costs nothing.
        check = background.submit(check_nifti, path) if is_nifti(path) else None
        image, failure = None, None
        try:
            image = _read(path, phase)
        except InputError as error:
            failure = error
        if check is not None and not check.result().has_orientation:
            warnings.append(
                f"{path.name} states no orientation (qform and sform code 0): left and right may be exchanged. "
                "Convert it again from DICOM to be sure."
            )
        if failure is not None:
            raise failure
    volume = Volume.of_image(image, source=str(path), warnings=tuple(warnings))
    return checked_volume(volume, path.name)


def checked_volume(volume: Volume, name: str) -> Volume:
    """The volume with plain numbers on a right-angled grid. Raises InputError for what cannot be brought there."""
    if min(volume.array.shape) < 2:
        raise InputError(
            f"{name} holds a single slice ({_size_text(volume.geometry.size_xyz)} voxels). Give the whole CT volume."
        )
    if not all(np.isfinite(v) and v > 0 for v in volume.geometry.spacing_xyz_mm):
        raise InputError(
            f"{name} states a voxel size of zero ({volume.geometry.spacing_xyz_mm} mm). Export it again from DICOM."
        )
    volume = volume.with_array(_plain_numbers(volume.array, name))
    if is_orthogonal(volume.geometry):
        return volume
    angle = shear_degrees(volume.geometry)
    if not angle <= MAX_SHEAR_DEGREES:
        raise InputError(
            f"{name} has axes that are no grid of a scanner ({angle:.0f}° from a right angle). Export it again from "
            "DICOM, or resample it onto right angles in 3D Slicer (Resample Scalar Volume)."
        )
    warning = f"The axes of {name} are {angle:.1f}° from a right angle (gantry tilt); the volume was resampled."
    return replace(straighten(volume), warnings=(*volume.warnings, warning))


def _read(path: Path, phase: float | str | None) -> sitk.Image:
    try:
        return _read_frame(path, phase)
    except RuntimeError as error:
        failure = error
    if _hard_name(path):
        try:
            return _read_through_short_name(path, phase)
        except RuntimeError as error:
            failure = error
    raise _read_error(path, str(failure)) from failure


def _read_frame(path: Path, phase: float | str | None) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    size = reader.GetSize()
    components = reader.GetNumberOfComponents()
    if components > 1:
        raise InputError(
            f"{path.name} has {components} values per voxel (a colour or vector image). Give the grey CT volume in HU."
        )
    if len(size) < 3:
        raise InputError(f"{path.name} is a 2D image ({_size_text(size)}). Give the whole CT volume.")
    if "complex" in sitk.GetPixelIDValueAsString(reader.GetPixelID()):
        raise InputError(f"{path.name} holds complex numbers, not a CT in HU. Give the CT volume.")
    frames = int(np.prod(size[3:])) if len(size) > 3 else 1
    if len(size) == 4:
        reader.SetExtractSize([*size[:3], 0])
        reader.SetExtractIndex([0, 0, 0, _frame_index(path, frames, phase)])
    elif len(size) > 4:
        raise InputError(f"{path.name} has {len(size)} dimensions ({_size_text(size)}). Give one 3D volume.")
    return reader.Execute()


def _frame_index(path: Path, frames: int, phase: float | str | None) -> int:
    if frames == 1:
        return 0
    try:
        number = float(phase) if phase is not None else 0.0
    except ValueError:
        number = 0.0
    if number.is_integer() and 1 <= number <= frames:
        return int(number) - 1
    raise InputError(
        f"{path.name} is 4D: it holds {frames} phases. Choose one, phase 1 to {frames} (in a cardiac series the one "
        "near 75 % of the R-R interval moves least)."
    )


def _plain_numbers(array: np.ndarray, name: str) -> np.ndarray:
    """int16 when whole and in range, else float32."""
    if np.issubdtype(array.dtype, np.floating):
        # The sum is NaN or infinite as soon as one value is: no mask as large as the volume.
        with np.errstate(invalid="ignore", over="ignore"):
            suspicious = not np.isfinite(array.sum(dtype=np.float64))
        if suspicious and (bad := int(array.size - np.isfinite(array).sum())):
            raise not_finite_error(name, bad)
        return array.astype(np.float32, copy=False)
    limits = np.iinfo(np.int16)
    if array.dtype == np.int16 or (array.min() >= limits.min and array.max() <= limits.max):
        return array.astype(np.int16, copy=False)
    return array.astype(np.float32)


def _read_error(path: Path, reason: str) -> InputError:
    lines = [line.strip() for line in reason.splitlines() if line.strip()]
    last = lines[-1] if lines else "no reason given"
    if "orthonormal" in reason:
        return InputError(
            f"{path.name} has axes that are not at right angles (sheared header). Resample it onto right angles "
            "(3D Slicer: Resample Scalar Volume), or convert it again from DICOM."
        )
    if "pacing" in last:
        return InputError(f"{path.name} states a voxel size of zero. Export it again from DICOM.")
    if "Unable to determine ImageIO" in reason:
        return InputError(f"{path.name} is not the kind of file its name says, or its header is damaged. {COPY_AGAIN}")
    return InputError(f"{path.name} is truncated or damaged ({last}). {COPY_AGAIN}")


def _hard_name(path: Path) -> bool:
    """Names that file libraries on Windows stumble over."""
    text = str(path)
    return os.name == "nt" and (not text.isascii() or len(text) > 240) and path.suffix.lower() not in (".mhd", ".nhdr")


def _read_through_short_name(path: Path, phase: float | str | None) -> sitk.Image:
    with tempfile.TemporaryDirectory() as folder:
        suffix = ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix
        return _read_frame(Path(shutil.copyfile(path, Path(folder) / f"volume{suffix}")), phase)


def _size_text(size: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in size)
