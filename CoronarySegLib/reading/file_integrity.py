"""What the file readers underneath do not notice: NIfTI files cut short, voxels of size zero, headers without data.

The NIfTI reader fills the missing end of a truncated file with whatever memory holds and reports success; it replaces
a zero voxel size by 1 mm and NaN by 0 HU, which is tissue. Each would give a confident result on wrong anatomy, so the
file's own bytes are looked at here.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError

CHUNK_BYTES = 1 << 22
FLOAT_TYPES = {16: "f4", 64: "f8"}
COPY_AGAIN = "Copy it again from where it came from, or export it again."


@dataclass(frozen=True)
class NiftiHeader:
    """The few header fields that decide whether a NIfTI file is whole."""

    dimensions: tuple[int, ...]
    bits_per_voxel: int
    float_type: np.dtype | None
    voxel_mm: tuple[float, ...]
    data_offset: int
    has_orientation: bool
    one_file: bool

    @property
    def expected_bytes(self) -> int:
        return self.data_offset + math.prod(self.dimensions) * self.bits_per_voxel // 8


def is_nifti(path: Path) -> bool:
    return path.name.lower().endswith((".nii", ".nii.gz"))


def is_gzipped(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def read_nifti_header(path: Path) -> NiftiHeader:
    """The header of a NIfTI-1 or -2 file, compressed or not. Raises InputError when it is none."""
    try:
        with gzip.open(path) if is_gzipped(path) else path.open("rb") as stream:
            start = stream.read(540)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} is damaged: its header cannot be unpacked ({error}). {COPY_AGAIN}") from error
    for order in "<>":
        size = struct.unpack_from(f"{order}i", start)[0] if len(start) >= 348 else 0
        if size == 348:
            count, *dims = struct.unpack_from(f"{order}8h", start, 40)
            kind, bits = struct.unpack_from(f"{order}2h", start, 70)
            voxel = struct.unpack_from(f"{order}8f", start, 76)
            offset = int(struct.unpack_from(f"{order}f", start, 108)[0])
            qform, sform = struct.unpack_from(f"{order}2h", start, 252)
            magic = start[344:347]
        elif size == 540 and len(start) >= 540:
            count, *dims = struct.unpack_from(f"{order}8q", start, 16)
            kind, bits = struct.unpack_from(f"{order}2h", start, 12)
            voxel = struct.unpack_from(f"{order}8d", start, 104)
            offset = struct.unpack_from(f"{order}q", start, 168)[0]
            qform, sform = struct.unpack_from(f"{order}2i", start, 344)
            magic = start[4:7]
        else:
            continue
        if not 1 <= count <= 7:
            continue
        used = tuple(max(int(n), 1) for n in dims[:count])
        return NiftiHeader(
            used, bits, np.dtype(order + FLOAT_TYPES[kind]) if kind in FLOAT_TYPES else None,
            tuple(voxel[1 : count + 1]), offset, bool(qform > 0 or sform > 0), magic[:2] == b"n+",
        )
    raise InputError(f"{path.name} is no NIfTI file although its name says so. {COPY_AGAIN}")


def check_nifti(path: Path) -> NiftiHeader:
    """Raise InputError for a zero voxel size or missing bytes; a compressed file is read to its end and checksum."""
    header = read_nifti_header(path)
    if any(not abs(size) > 0 for size in header.voxel_mm[:3]):
        raise InputError(
            f"{path.name} states a voxel size of zero ({' x '.join(f'{v:g}' for v in header.voxel_mm[:3])} mm). "
            "Convert it again from DICOM, or set the true spacing in 3D Slicer (Volumes, Volume information) and save."
        )
    if not header.one_file:
        return header
    try:
        found, not_finite = _scan(path, header)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} is truncated or damaged ({error}). {COPY_AGAIN}") from error
    if found < header.expected_bytes:
        raise InputError(
            f"{path.name} is truncated: {found} of {header.expected_bytes} bytes are there. {COPY_AGAIN}"
        )
    if not_finite:
        raise not_finite_error(path.name, not_finite)
    return header


def not_finite_error(name: str, count: int) -> InputError:
    return InputError(
        f"{name} holds {count} voxels that are no number (NaN or infinite). Replace them by -1024 (air) and save "
        "again, or export the volume again."
    )


def check_companion(path: Path) -> None:
    """Raise InputError when the data file that an .mhd or .nhdr header names is not beside it."""
    key = {".mhd": "elementdatafile", ".nhdr": "data file"}.get(path.suffix.lower())
    if key is None:
        return
    for line in path.read_text(errors="replace").splitlines():
        name, _, value = line.partition("=" if path.suffix.lower() == ".mhd" else ":")
        value = value.strip()
        if name.strip().lower() != key or value.upper().startswith(("LIST", "LOCAL")) or "%" in value:
            continue
        if not (path.parent / value).is_file():
            raise InputError(
                f"{path.name} is only a header; its data file {value} is missing. Keep both in one folder under "
                "their original names, or save the volume as one .nrrd or .mha file."
            )


def _scan(path: Path, header: NiftiHeader) -> tuple[int, int]:
    """Unpacked length and the number of voxels that are no number.

    Reads to the end: EOFError or BadGzipFile comes where the stream is cut or its checksum is wrong.
    """
    if not is_gzipped(path) and header.float_type is None:
        return path.stat().st_size, 0
    not_finite = 0
    with gzip.open(path) if is_gzipped(path) else path.open("rb") as stream:
        total = len(stream.read(header.data_offset))
        while chunk := stream.read(CHUNK_BYTES):
            total += len(chunk)
            if header.float_type is not None:
                whole = len(chunk) // header.float_type.itemsize
                values = np.frombuffer(chunk, header.float_type, whole)
                not_finite += whole - int(np.count_nonzero(np.isfinite(values)))
    return total, not_finite
