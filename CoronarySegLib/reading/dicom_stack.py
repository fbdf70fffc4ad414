"""Slices to one grid: order, gaps, tilt, and then the pixels.

:func:`plan_stack` looks at headers alone, so a series can be judged before a pixel is read; :func:`load_stack` follows
the plan.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pydicom
import SimpleITK as sitk

from ..errors import InputError
from ..progress import Progress
from ..volume import Geometry, Volume
from .dicom_headers import SliceHeader
from .straighten import straighten

# A gap up to this is bridged by interpolation: no more is missing than a usable CT may have between slices anyway.
MAX_GAP_MM = 2.5
MAX_FILLED_SHARE = 0.1
EVEN_SHARE_OF_STEP = 0.1
MAX_TILT_DEGREES = 35.0
MAX_SHIFT_MM = 1.0


@dataclass(frozen=True)
class StackPlan:
    """How sorted slices become a grid. ``refusal`` is "" or the reason why they cannot.

    ``row`` is each slice's place on the grid's z index (fractional where slices are uneven).
    """

    slices: tuple[SliceHeader, ...]
    geometry: Geometry | None
    row: np.ndarray
    tilted: bool
    warnings: tuple[str, ...]
    refusal: str


def normal_of(header: SliceHeader) -> np.ndarray:
    """Unit normal of the slice plane, LPS."""
    x, y = np.reshape(header.orientation, (2, 3))
    return np.cross(x, y) / np.linalg.norm(np.cross(x, y))


def positions_along(slices: tuple[SliceHeader, ...]) -> np.ndarray:
    """Positions of the slices along their common normal, mm."""
    return np.array([s.position_lps_mm for s in slices]) @ normal_of(slices[0])


def plan_stack(slices: tuple[SliceHeader, ...]) -> StackPlan:
    """Sort slices of one orientation and judge whether they make a volume (positions must not repeat)."""
    along = positions_along(slices)
    order = np.argsort(along, kind="stable")
    slices, along = tuple(slices[i] for i in order), along[order]
    if len(slices) < 2:
        return _refused(slices, "it holds a single slice")
    first = slices[0]
    step = float(np.median(np.diff(along)))
    span = float(along[-1] - along[0])
    slope, shift_mm, tilt = _tilt(slices, along)
    if shift_mm > MAX_SHIFT_MM:
        return _refused(slices, f"its slices are shifted sideways against each other by up to {shift_mm:.1f} mm")
    if tilt > MAX_TILT_DEGREES:
        return _refused(slices, f"its slices are tilted by {tilt:.0f}° against the table")
    count = round(span / step) + 1
    row = (along - along[0]) * (count - 1) / span
    warnings, refusal = _evenness(slices, along, row, step)
    tilted = float(np.linalg.norm(slope)) * span > 0.5 * min(first.spacing_yx_mm)
    if tilted:
        warnings.append(f"The gantry was tilted by {tilt:.1f}°; the slices were resampled onto a right-angled grid.")
    x, y = np.reshape(first.orientation, (2, 3))
    z = normal_of(first) + (slope if tilted else 0.0)
    lean = float(np.linalg.norm(z))
    geometry = Geometry(
        (count, first.rows, first.columns),
        (first.spacing_yx_mm[1], first.spacing_yx_mm[0], span / (count - 1) * lean),
        first.position_lps_mm,
        tuple(float(v) for v in np.stack([x / np.linalg.norm(x), y / np.linalg.norm(y), z / lean], axis=1).ravel()),
    )
    return StackPlan(slices, geometry, row, tilted, tuple(warnings), refusal)


def load_stack(plan: StackPlan, progress: Progress) -> Volume:
    """Read the pixels in HU (int16 when the rescale is whole numbers, else float32), uneven slices interpolated.

    Raises InputError with the name of a slice whose pixels cannot be read.
    """
    whole = all(float(s.slope or 1).is_integer() and float(s.intercept or 0).is_integer() for s in plan.slices)
    shape = (len(plan.slices), *plan.geometry.shape_zyx[1:])
    pixels = np.empty(shape, np.int16 if whole else np.float32)
    read = _frame_reader(plan.slices) if plan.slices[0].frame is not None else _read_slice
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        jobs = [pool.submit(_fill, pixels, i, read, header) for i, header in enumerate(plan.slices)]
        try:
            for done, job in enumerate(jobs):
                progress(done / len(jobs), "Reading slices")
                job.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    volume = Volume(_even_rows(pixels, plan), plan.geometry, warnings=plan.warnings)
    return straighten(volume) if plan.tilted else volume


def _refused(slices: tuple[SliceHeader, ...], refusal: str) -> StackPlan:
    return StackPlan(slices, None, np.zeros(len(slices)), False, (), refusal)


def _tilt(slices: tuple[SliceHeader, ...], along: np.ndarray) -> tuple[np.ndarray, float, float]:
    """In-plane drift per mm along the normal (LPS), largest deviation from that line in mm, angle in degrees."""
    positions = np.array([s.position_lps_mm for s in slices])
    relative = along - along[0]
    drift = positions - positions[0] - np.outer(relative, normal_of(slices[0]))
    slope = relative @ drift / max(float(relative @ relative), 1e-12)
    deviation = np.linalg.norm(drift - np.outer(relative, slope), axis=1)
    return slope, float(deviation.max()), float(np.degrees(np.arctan(np.linalg.norm(slope))))


def _evenness(
    slices: tuple[SliceHeader, ...], along: np.ndarray, row: np.ndarray, step: float
) -> tuple[list[str], str]:
    """Warnings about uneven slices, and the refusal when a gap is too large."""
    nearest = np.rint(row)
    if np.abs(row - nearest).max() <= EVEN_SHARE_OF_STEP and len(np.unique(nearest)) == nearest.max() + 1:
        return [], ""
    gaps = np.diff(along)
    widest = int(gaps.argmax())
    lower, upper = (f"{slices[i].position_lps_mm[2]:.1f}" for i in (widest, widest + 1))
    where = (
        f"{gaps[widest]:.1f} mm between the slices at z = {lower} mm ({slices[widest].path.name}) and z = {upper} mm, "
        f"usual step {step:.2f} mm"
    )
    missing = int(sum(max(round(gap / step) - 1, 0) for gap in gaps))
    if gaps[widest] > max(MAX_GAP_MM, 1.5 * step):
        return [], f"slices are missing ({missing} in all; widest gap {where})"
    if missing > MAX_FILLED_SHARE * len(slices):
        return [], f"{missing} slices are missing beside {len(slices)} that are there (widest gap {where})"
    what = f"{missing} slices are missing" if missing else "The slices are unevenly spaced"
    return [f"{what} (widest gap {where}); the volume was interpolated onto an even grid."], ""


def _even_rows(pixels: np.ndarray, plan: StackPlan) -> np.ndarray:
    """Linear interpolation along z onto whole rows; rows that a slice lies on are copied."""
    count = plan.geometry.shape_zyx[0]
    if count == len(pixels) and np.abs(plan.row - np.arange(count)).max() <= EVEN_SHARE_OF_STEP:
        return pixels
    even = np.empty((count, *pixels.shape[1:]), pixels.dtype)
    for index in range(count):
        upper = int(np.clip(np.searchsorted(plan.row, index), 1, len(pixels) - 1))
        below, above = plan.row[upper - 1], plan.row[upper]
        weight = float(np.clip((index - below) / (above - below), 0.0, 1.0))
        mixed = (1 - weight) * pixels[upper - 1].astype(np.float32) + weight * pixels[upper]
        even[index] = np.rint(mixed) if even.dtype == np.int16 else mixed
    return even


def _fill(pixels: np.ndarray, index: int, read, header: SliceHeader) -> None:
    values = read(header)
    if values.shape != pixels.shape[1:]:
        raise InputError(
            f"{header.path.name} holds {values.shape} pixels where {pixels.shape[1:]} are stated. Export it again."
        )
    if pixels.dtype == np.int16:
        limits = np.iinfo(np.int16)
        values = np.clip(values, limits.min, limits.max)
    pixels[index] = values


def _read_slice(header: SliceHeader) -> np.ndarray:
    """HU of a single-frame file; GDCM applies the rescale and knows the compressed transfer syntaxes."""
    try:
        image = sitk.ReadImage(str(header.path), imageIO="GDCMImageIO")
    except RuntimeError as error:
        raise _unreadable(header, str(error).strip().splitlines()[-1]) from error
    return sitk.GetArrayFromImage(image)[0]


def _frame_reader(slices: tuple[SliceHeader, ...]):
    """A reader for frames of multi-frame files: decoded once each, then the frame's own rescale."""
    decoded: dict = {}
    for header in slices:
        if header.path in decoded:
            continue
        try:
            decoded[header.path] = pydicom.dcmread(header.path).pixel_array
        except Exception as error:
            # pydicom's decoders raise whatever their plug-ins raise.
            raise _unreadable(header, str(error).splitlines()[0]) from error

    def read(header: SliceHeader) -> np.ndarray:
        stored = decoded[header.path][header.frame]
        slope, intercept = header.slope or 1.0, header.intercept or 0.0
        scaled = stored.astype(np.float32) * slope + intercept
        return scaled

    return read


def _unreadable(header: SliceHeader, reason: str) -> InputError:
    return InputError(
        f"The pixels of {header.path.name} cannot be read: the file is truncated or in a compression that is not "
        f"supported ({reason}). Export the series again, uncompressed if possible."
    )
