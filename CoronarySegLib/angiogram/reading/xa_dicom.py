"""A run out of an XA or RF DICOM file, single or multi-frame, in any transfer syntax that GDCM decodes.

The header is read with pydicom, the pixels with SimpleITK, whose GDCM decodes JPEG Lossless without a further package
and turns MONOCHROME1, in which large values are dark, into what the screen shows.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.errors import InvalidDicomError

from ...errors import InputError, NotAnAngiogramError
from ...reading.dicom_headers import floats, integer, text

MODALITIES = ("XA", "RF")
GREY = ("MONOCHROME1", "MONOCHROME2")
ANGIOGRAM_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2", "1.2.840.10008.5.1.4.1.1.12.1.1",
    "1.2.840.10008.5.1.4.1.1.12.2.1",
)


@dataclass(frozen=True)
class XaHeader:
    """What the file says of itself. ``spacing_mm`` lies in the plane of the heart; None where it cannot be known."""

    modality: str
    frames: int
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    photometric: str
    samples_per_pixel: int
    transfer_syntax: str
    spacing_mm: float | None
    spacing_from: str
    frames_per_second: float | None
    pixel_bytes: int


def is_xa(path: Path) -> bool:
    """True for a DICOM file of an angiogram; False for every other file, readable or not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Modality", "SOPClassUID"])
    except (InvalidDicomError, OSError, EOFError, ValueError, TypeError, AttributeError, KeyError):
        return False
    return text(data, "Modality").upper() in MODALITIES or text(data, "SOPClassUID") in ANGIOGRAM_CLASSES


def read_xa(path: Path) -> tuple[np.ndarray, XaHeader, tuple[str, ...]]:
    """Raw grey values (t, y, x), the header, and remarks.

    Raises InputError (truncated, no pixels) and NotAnAngiogramError (another modality, colour).
    """
    header = _header(path)
    if not header.rows or not header.columns:
        raise _truncated(path.name, "it holds no picture")
    _require_angiogram(header, path.name)
    _require_whole(header, path.name)
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        reason = [line for line in str(error).splitlines() if line.strip()][-1]
        raise _truncated(path.name, reason.strip()) from error
    pixels = sitk.GetArrayFromImage(image)
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape != (header.frames, header.rows, header.columns):
        raise _truncated(path.name, f"{pixels.shape[0]} of {header.frames} frames could be decoded")
    remarks = []
    dead = _missing_frames(pixels)
    if dead == header.frames:
        raise NotAnAngiogramError(
            f"{path.name} is empty: every frame has one grey value. Choose a run taken during an injection."
        )
    if header.spacing_mm is None:
        remarks.append(f"{path.name} states no pixel size: lengths are in pixels, percentages hold all the same.")
    elif header.spacing_from:
        remarks.append(f"A pixel is {header.spacing_mm:.3f} mm in the plane of the heart ({header.spacing_from}).")
    return pixels, header, tuple(remarks)


def _header(path: Path) -> XaHeader:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path, defer_size="64 KB")
            syntax = str(getattr(data.file_meta, "TransferSyntaxUID", "1.2.840.10008.1.2"))
            pixel_bytes = _pixel_bytes(data)
    except (InvalidDicomError, OSError, EOFError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise _truncated(path.name, str(error)) from error
    spacing, origin = _spacing(data)
    frame_ms = floats(data.get("FrameTime"), 1)
    rate = floats(data.get("CineRate"), 1) or floats(data.get("RecommendedDisplayFrameRate"), 1)
    per_second = 1000.0 / frame_ms[0] if frame_ms and frame_ms[0] > 0 else (rate[0] if rate else None)
    return XaHeader(
        modality=text(data, "Modality").upper(), frames=integer(data, "NumberOfFrames") or 1,
        rows=integer(data, "Rows") or 0, columns=integer(data, "Columns") or 0,
        bits_allocated=integer(data, "BitsAllocated") or 8, bits_stored=integer(data, "BitsStored") or 8,
        photometric=text(data, "PhotometricInterpretation").upper(),
        samples_per_pixel=integer(data, "SamplesPerPixel") or 1, transfer_syntax=syntax, spacing_mm=spacing,
        spacing_from=origin, frames_per_second=per_second, pixel_bytes=pixel_bytes,
    )


def _pixel_bytes(data: pydicom.Dataset) -> int:
    element = data.get_item("PixelData") if "PixelData" in data else None
    return 0 if element is None else len(data["PixelData"].value or b"")


def _spacing(data: pydicom.Dataset) -> tuple[float | None, str]:
    """Size of a pixel in the plane of the heart (mm), and where it is from; None where the file gives no scale.

    ImagerPixelSpacing lies on the detector and becomes smaller by the magnification (PS3.3 C.8.7.5). PixelSpacing is
    already the patient's where it says that it was calibrated.
    """
    calibrated = floats(data.get("PixelSpacing"), 2)
    imager = floats(data.get("ImagerPixelSpacing"), 2)
    if calibrated and _square(calibrated) and calibrated != imager:
        return calibrated[0], "calibrated pixel spacing of the file"
    if not imager or not _square(imager):
        return None, ""
    magnification = floats(data.get("EstimatedRadiographicMagnificationFactor"), 1)
    if magnification and 1.0 <= magnification[0] < 3.0:
        return imager[0] / magnification[0], f"imager spacing by a magnification of {magnification[0]:.2f}"
    detector, patient = (floats(data.get(f"DistanceSourceTo{what}"), 1) for what in ("Detector", "Patient"))
    if detector and patient and 1.0 <= detector[0] / max(patient[0], 1e-3) < 3.0:
        factor = detector[0] / patient[0]
        return imager[0] / factor, f"imager spacing by distances to detector and patient, {factor:.2f}"
    return None, ""


def _square(spacing: tuple[float, ...]) -> bool:
    return 0.01 < spacing[0] < 2.0 and abs(spacing[0] - spacing[1]) < 0.01 * spacing[0]


def _require_angiogram(header: XaHeader, name: str) -> None:
    if header.modality and header.modality not in MODALITIES:
        what = "a CT slice" if header.modality == "CT" else f"an image of modality {header.modality}"
        raise NotAnAngiogramError(
            f"{name} is {what}, not an X-ray angiogram (XA). "
            + ("Give the folder of the whole CT series instead." if header.modality == "CT" else "Give an XA file.")
        )
    if header.photometric not in GREY or header.samples_per_pixel != 1:
        raise NotAnAngiogramError(
            f"{name} has the photometric interpretation {header.photometric or 'none'}, which is no grey angiogram "
            f"({' or '.join(GREY)}). It is a colour copy or a screenshot: export the original run."
        )


def _require_whole(header: XaHeader, name: str) -> None:
    if not header.pixel_bytes:
        raise _truncated(name, "it holds no pixels")
    if pydicom.uid.UID(header.transfer_syntax).is_compressed:
        return
    expected = header.frames * header.rows * header.columns * header.bits_allocated // 8
    if header.pixel_bytes < expected:
        raise _truncated(name, f"{header.pixel_bytes} of {expected} bytes of pixels are there")


def _missing_frames(pixels: np.ndarray) -> int:
    """Frames of one grey value: what a decoder leaves where the data end."""
    return int(sum(frame.max() == frame.min() for frame in pixels))


def _truncated(name: str, reason: str) -> InputError:
    return InputError(f"{name} is truncated or damaged ({reason}). Copy it again from the archive.")
