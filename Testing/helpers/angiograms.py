"""X-ray angiograms drawn by hand, and XA files as archives hold them, in sound and in broken variants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, XRayAngiographicImageStorage, generate_uid
from scipy import ndimage
from scipy.spatial import cKDTree

FINER = 4


def curved_tube(width_px: float, size: int = 256, *, stenosis: float = 0.0, slope: float = 0.0) -> np.ndarray:
    """Coverage (y, x) float32 0..1 of a winding vessel of ``width_px``, narrowed by ``stenosis`` in its middle."""
    x = np.linspace(0.08 * size, 0.92 * size, 3000)
    y = 0.5 * size + 0.08 * size * np.sin(x / (0.12 * size)) + slope * (x - 0.5 * size)
    arc = np.r_[0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y)))]
    width = width_px * (1.0 - stenosis * np.exp(-0.5 * ((arc - 0.5 * arc[-1]) / 12.0) ** 2))
    rows, columns = (np.mgrid[: size * FINER, : size * FINER] + 0.5) / FINER - 0.5
    near = np.abs(rows - 0.5 * size) < 0.12 * size + abs(slope) * size + width_px
    places = np.stack([rows[near], columns[near]], axis=1)
    distance, index = cKDTree(np.stack([y, x], axis=1)).query(places, distance_upper_bound=width_px)
    inside = np.zeros(len(places), bool)
    found = np.isfinite(distance)
    inside[found] = distance[found] < 0.5 * width[index[found]]
    fine = np.zeros(rows.shape, bool)
    fine[near] = inside
    return fine.reshape(size, FINER, size, FINER).mean(axis=(1, 3)).astype(np.float32)


def drawn_angiogram(size: int = 256, *, contrast: float = 0.35, seed: int = 3) -> np.ndarray:
    """A frame (y, x) float32 0..1: shaded background, a faint rib, two dark vessels, noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    background = 0.55 + 0.15 * x - 0.1 * y - 0.06 * (np.abs(y - 0.3 - 0.2 * x) < 0.04)
    vessels = np.maximum(curved_tube(10.0 * size / 256, size), curved_tube(6.0 * size / 256, size, slope=0.35))
    noise = ndimage.gaussian_filter(rng.normal(size=(size, size)), 0.7)
    return np.clip(background * (1.0 - contrast * vessels) + 0.02 * noise, 0.0, 1.0).astype(np.float32)


def bolus_run(strengths: tuple[float, ...], size: int = 256) -> np.ndarray:
    """Frames (t, y, x) whose vessels are as dark as ``strengths`` say."""
    return np.stack([drawn_angiogram(size, contrast=s, seed=number) for number, s in enumerate(strengths)])


def write_xa(path: Path, frames: np.ndarray, *, bits: int = 8, **fields) -> Path:
    """Frames (t, y, x), 0..1, as an uncompressed XA file; ``fields`` are DICOM keywords (None deletes)."""
    white = 2**bits - 1
    stored = np.rint(white * frames).astype(np.uint8 if bits == 8 else np.uint16)
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = XRayAngiographicImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.Modality = "XA"
    if len(frames) > 1:
        data.NumberOfFrames, data.FrameTime, data.FrameIncrementPointer = len(frames), 66.667, 0x00181063
    data.Rows, data.Columns = frames.shape[1:]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = (8 if bits == 8 else 16), bits, bits - 1
    data.PixelData = stored.tobytes()
    for keyword, value in fields.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    data.save_as(path, enforce_file_format=True)
    return path


def write_jpeg_lossless(path: Path, frames: np.ndarray) -> Path:
    """Frames as an XA file in JPEG Lossless (process 14, first-order prediction), which most archives use."""
    image = sitk.GetImageFromArray(np.rint(255.0 * frames).astype(np.uint8))
    image.SetMetaData("0008|0060", "XA")
    image.SetMetaData("0008|0016", XRayAngiographicImageStorage)
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.SetFileName(str(path))
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    writer.KeepOriginalImageUIDOn()
    writer.Execute(image)
    return path


def bright_vessels(frame: np.ndarray) -> np.ndarray:
    """The same picture as a negative."""
    return 1.0 - frame
