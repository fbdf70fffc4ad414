"""DICOM headers of a folder, one :class:`SliceHeader` per slice, read with pydicom and without the pixels.

Clinical exports break the standard in every field, so a value that cannot be parsed counts as absent, and what follows
from its absence is decided where the value is needed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.errors import InvalidDicomError

from ..errors import InputError
from ..progress import Progress

KEYWORDS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "SeriesNumber", "SeriesDescription",
    "ProtocolName", "Modality", "ImageType", "ImageComments", "ConvolutionKernel", "ContrastBolusAgent",
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored",
    "LossyImageCompression", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient",
    "RescaleSlope", "RescaleIntercept", "NominalPercentageOfCardiacPhase", "TriggerTime", "NominalInterval",
    "HeartRate", "TemporalPositionIdentifier", "AcquisitionNumber", "AcquisitionTime", "ContentTime", "InstanceNumber",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
]
DICOM_SUFFIXES = (".dcm", ".ima", ".dicom")


@dataclass(frozen=True)
class SliceHeader:
    """What one slice says about itself. ``frame`` is set for a frame of a multi-frame file. Positions are LPS mm."""

    path: Path
    frame: int | None
    series_uid: str
    series_number: int | None
    sop_uid: str
    sop_class: str
    modality: str
    image_type: tuple[str, ...]
    description: str
    comments: str
    kernel: str
    contrast_agent: str
    rows: int
    columns: int
    samples_per_pixel: int
    bits: int
    lossy: bool
    spacing_yx_mm: tuple[float, float] | None
    position_lps_mm: tuple[float, float, float] | None
    orientation: tuple[float, ...] | None
    slope: float | None
    intercept: float | None
    percent: float | None
    trigger_ms: float | None
    interval_ms: float | None
    temporal_position: float | None
    acquisition: float | None
    acquisition_time: str
    content_time: str
    instance: int


def is_dicom(path: Path) -> bool:
    """True for a file with the DICOM magic, or with a DICOM name."""
    if path.suffix.lower() in DICOM_SUFFIXES or path.name.upper() == "DICOMDIR":
        return True
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def read_headers(folder: Path, progress: Progress) -> tuple[SliceHeader, ...]:
    """Headers of every DICOM image below ``folder`` (sub-folders too), in file order; other files are passed over."""
    try:
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read ({error.strerror}). Check its permissions.") from error
    found: list[SliceHeader] = []
    for number, path in enumerate(files):
        if number % 20 == 0:
            progress(number / len(files), "Reading DICOM headers")
        found.extend(headers_of_file(path))
    return tuple(found)


def headers_of_file(path: Path) -> Iterator[SliceHeader]:
    """The slices of one file: one, the frames of a multi-frame CT, or none when it is no DICOM image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(
                path, stop_before_pixels=True, specific_tags=KEYWORDS, force=path.suffix.lower() in DICOM_SUFFIXES
            )
            if not integer(data, "Rows") or not integer(data, "Columns"):
                return
            groups = list(_value(data, "PerFrameFunctionalGroupsSequence") or [])
            shared = (list(_value(data, "SharedFunctionalGroupsSequence") or []) or [pydicom.Dataset()])[0]
            if not groups:
                yield _header(path, None, data, [data])
            for frame, group in enumerate(groups):
                yield _header(path, frame, data, [data, *_items(shared), *_items(group)])
    except (InvalidDicomError, OSError, EOFError, ValueError, TypeError, AttributeError, KeyError):
        # Reports, viewers and half-copied files lie in real DICOM folders. A slice lost here shows as a gap later.
        return


def _items(group: pydicom.Dataset) -> list[pydicom.Dataset]:
    """The macros of a functional group, each a sequence of one item."""
    return [element.value[0] for element in group if element.VR == "SQ" and element.value]


def _header(path: Path, frame: int | None, data: pydicom.Dataset, levels: list[pydicom.Dataset]) -> SliceHeader:
    """``levels``: data sets from general to specific; the most specific one that has a value wins."""

    def find(keyword: str) -> Any:
        return next((v for v in (_value(level, keyword) for level in reversed(levels)) if v not in (None, "")), None)

    def number(*keywords: str) -> float | None:
        return next((v[0] for v in (floats(find(keyword), 1) for keyword in keywords) if v), None)

    rate = number("HeartRate")
    interval = number("NominalInterval", "RRIntervalTimeNominal") or (60000.0 / rate if rate else None)
    instance = number("InStackPositionNumber", "InstanceNumber")
    return SliceHeader(
        path=path, frame=frame,
        series_uid=text(data, "SeriesInstanceUID"), series_number=integer(data, "SeriesNumber"),
        sop_uid=text(data, "SOPInstanceUID"),
        sop_class=text(data, "SOPClassUID") or str(getattr(data.file_meta, "MediaStorageSOPClassUID", "")),
        modality=text(data, "Modality").upper(),
        image_type=tuple(str(v).upper() for v in (_list(_value(data, "ImageType")))),
        description=text(data, "SeriesDescription") or text(data, "ProtocolName"),
        comments=text(data, "ImageComments"),
        kernel=" ".join(str(v) for v in _list(_value(data, "ConvolutionKernel"))),
        contrast_agent=text(data, "ContrastBolusAgent"),
        rows=integer(data, "Rows") or 0, columns=integer(data, "Columns") or 0,
        samples_per_pixel=integer(data, "SamplesPerPixel") or 1,
        bits=min(integer(data, "BitsAllocated") or 16, integer(data, "BitsStored") or 16),
        lossy=text(data, "LossyImageCompression") == "01",
        spacing_yx_mm=floats(find("PixelSpacing"), 2), position_lps_mm=floats(find("ImagePositionPatient"), 3),
        orientation=floats(find("ImageOrientationPatient"), 6),
        slope=number("RescaleSlope"), intercept=number("RescaleIntercept"),
        percent=number("NominalPercentageOfCardiacPhase"),
        trigger_ms=number("TriggerTime", "NominalCardiacTriggerDelayTime"), interval_ms=interval,
        temporal_position=number("TemporalPositionIndex", "TemporalPositionIdentifier"),
        acquisition=number("AcquisitionNumber"), acquisition_time=text(data, "AcquisitionTime"),
        content_time=text(data, "ContentTime"), instance=int(instance or 0),
    )


def _value(data: pydicom.Dataset, keyword: str) -> Any:
    try:
        return data.get(keyword)
    except (ValueError, TypeError, KeyError, NotImplementedError):
        return None


def _list(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)


def floats(value: Any, count: int) -> tuple[float, ...] | None:
    """The first ``count`` numbers of a header's value; None where there are fewer or they are no numbers."""
    try:
        numbers = tuple(float(v) for v in _list(value))
    except (ValueError, TypeError):
        return None
    return numbers[:count] if len(numbers) >= count else None


def integer(data: pydicom.Dataset, keyword: str) -> int | None:
    """A whole number of the header, None where it is absent or none."""
    numbers = floats(_value(data, keyword), 1)
    return int(numbers[0]) if numbers else None


def text(data: pydicom.Dataset, keyword: str) -> str:
    """A text of the header, "" where it is absent; several values stand behind each other."""
    return " ".join(str(v) for v in _list(_value(data, keyword))).strip()
