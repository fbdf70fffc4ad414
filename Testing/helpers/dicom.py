"""DICOM series as scanners and archives write them, in sound and in broken variants, made with pydicom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def write_series(
    folder: Path,
    hu: np.ndarray,
    *,
    spacing_xyz_mm: tuple[float, float, float] = (0.5, 0.5, 1.0),
    origin_lps_mm: tuple[float, float, float] = (-10.0, -20.0, 30.0),
    orientation: tuple[float, ...] = AXIAL,
    skip: tuple[int, ...] = (),
    shear_mm_per_slice: tuple[float, float, float] = (0.0, 0.0, 0.0),
    positions_mm: np.ndarray | None = None,
    name: str = "",
    rescale: bool = True,
    series_uid: str | None = None,
    per_slice=None,
    **fields,
) -> str:
    """Write HU slices (z, y, x) as one single-frame CT series and return its UID.

    ``skip`` leaves slices out; ``positions_mm`` replaces the even positions along the normal; ``fields`` are DICOM
    keywords set on every slice (None deletes), ``per_slice(index)`` gives a dict of keywords for one.
    File names and instance numbers run against the positions, as half of all exports do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    uid = series_uid or generate_uid()
    normal = np.cross(orientation[:3], orientation[3:])
    for index in range(len(hu)):
        if index in skip:
            continue
        along = index * spacing_xyz_mm[2] if positions_mm is None else positions_mm[index]
        place = np.asarray(origin_lps_mm) + along * normal + index * np.asarray(shear_mm_per_slice)
        data = _slice(hu[index], rescale)
        data.SeriesInstanceUID = uid
        data.InstanceNumber = len(hu) - index
        data.PixelSpacing = [spacing_xyz_mm[1], spacing_xyz_mm[0]]
        data.ImagePositionPatient = [round(float(v), 6) for v in place]
        data.ImageOrientationPatient = [round(float(v), 9) for v in orientation]
        for keyword, value in {**fields, **(per_slice(index) if per_slice else {})}.items():
            if value is None:
                delattr(data, keyword)
            else:
                setattr(data, keyword, value)
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.save_as(folder / f"{name or uid[-6:]}_{len(hu) - index:04d}.dcm", enforce_file_format=True)
    return uid


def _slice(hu: np.ndarray, rescale: bool) -> pydicom.Dataset:
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = CTImageStorage
    data.SOPInstanceUID = generate_uid()
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    data.Modality = "CT"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.SeriesDescription = "CorCTA 0.6 Bv40"
    data.Rows, data.Columns = hu.shape
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    if rescale:
        data.RescaleSlope, data.RescaleIntercept = 1, -1024
    data.PixelData = (np.clip(hu, -1024, 3071) + 1024).astype(np.uint16).tobytes()
    return data


def write_enhanced(folder: Path, hu: np.ndarray, *, spacing_xyz_mm: tuple[float, float, float]) -> Path:
    """The slices as one multi-frame Enhanced CT file."""
    folder.mkdir(parents=True, exist_ok=True)
    data = _slice(hu[0], rescale=False)
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.SeriesInstanceUID = generate_uid()
    data.NumberOfFrames = len(hu)
    data.PixelData = (hu + 1024).astype(np.uint16).tobytes()
    measures, values = pydicom.Dataset(), pydicom.Dataset()
    measures.PixelSpacing = [spacing_xyz_mm[1], spacing_xyz_mm[0]]
    values.RescaleSlope, values.RescaleIntercept, values.RescaleType = 1, -1024, "HU"
    plane = pydicom.Dataset()
    plane.ImageOrientationPatient = list(AXIAL)
    shared = pydicom.Dataset()
    shared.PixelMeasuresSequence, shared.PixelValueTransformationSequence = [measures], [values]
    shared.PlaneOrientationSequence = [plane]
    data.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for index in range(len(hu)):
        position, frame = pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = [0.0, 0.0, float(index * spacing_xyz_mm[2])]
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    data.PerFrameFunctionalGroupsSequence = frames
    path = folder / "enhanced.dcm"
    data.save_as(path, enforce_file_format=True)
    return path
