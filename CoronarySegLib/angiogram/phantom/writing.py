"""A synthetic run as files: pictures, masks and labels as a training folder wants them, truth, and an XA file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ...in_place import file_in_place, write_text
from .angiogram import SyntheticAngiogram

PICTURE_BITS = 8


def write_angiogram(run: SyntheticAngiogram, folder: Path | str) -> dict[str, tuple[Path, ...]]:
    """Write ``images``, ``masks`` and ``labels`` (PNG of the same names in three folders) and ``truth/<name>.json``.

    Names begin with the seed, as one patient. A run of several frames is also written as ``runs/<name>.dcm``, a
    multi-frame XA file without compression. Several runs may share a folder. Returns the files by what they are.
    Raises OutputError.
    """
    from PIL import Image

    folder = Path(folder).expanduser()
    stem = f"{run.settings.seed}_{run.settings.view + 1}_{run.side}"
    single = len(run.frames) == 1
    files: dict[str, list[Path]] = {"images": [], "masks": [], "labels": []}
    for number in range(len(run.frames)):
        name = f"{stem}.png" if single else f"{stem}_{number + 1:03d}.png"
        for kind, pixels in (
            ("images", _grey(run.frames[number])), ("masks", 255 * run.mask[number].astype(np.uint8)),
            ("labels", run.labels[number]),
        ):
            path = folder / kind / name
            _made(path.parent)
            with file_in_place(path) as partial:
                Image.fromarray(pixels).save(partial)
            files[kind].append(path)
    truth = folder / "truth" / f"{stem}.json"
    _made(truth.parent)
    write_text(truth, json.dumps(truth_of(run), indent=1) + "\n")
    written = {kind: tuple(paths) for kind, paths in files.items()} | {"truth": (truth,)}
    if not single:
        dicom = folder / "runs" / f"{stem}.dcm"
        _made(dicom.parent)
        with file_in_place(dicom) as partial:
            write_xa(run, partial)
        written["runs"] = (dicom,)
    return written


def truth_of(run: SyntheticAngiogram) -> dict:
    """What is true of a run, as plain values: view, scale, and the vessels of every frame in pixels (y, x)."""
    camera = run.camera
    return {
        "seed": run.settings.seed, "view": run.settings.view + 1, "side": run.side,
        "primary_degrees": round(camera.primary_degrees, 2),
        "secondary_degrees": round(camera.secondary_degrees, 2), "spacing_mm": round(run.spacing_mm, 5),
        "best_frame": run.best + 1, "times_s": [round(t, 4) for t in run.times_s],
        "labels": {name: index + 1 for index, name in enumerate(run.names)},
        "frames": [
            [
                {
                    "name": b.name, "points_px": np.round(b.points_px[::3], 2).tolist(),
                    "diameter_px": np.round(b.diameter_px[::3], 2).tolist(),
                    "diameter_mm": np.round(b.diameter_mm[::3], 3).tolist(),
                    "filled": np.round(b.filled[::3], 3).tolist(),
                }
                for b in branches
            ]
            for branches in run.branches
        ],
    }


def write_xa(run: SyntheticAngiogram, path: Path) -> None:
    """A multi-frame X-Ray Angiographic Image (8 bit, MONOCHROME2) with distances, magnification and angles."""
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, XRayAngiographicImageStorage, generate_uid

    camera, data = run.camera, pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = XRayAngiographicImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.PatientName, data.PatientID = "PHANTOM", f"phantom-{run.settings.seed}"
    data.Modality, data.ImageType = "XA", ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    data.SeriesDescription = f"synthetic, {run.side} coronary"
    data.NumberOfFrames, (data.Rows, data.Columns) = len(run.frames), run.frames.shape[1:]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = PICTURE_BITS, PICTURE_BITS, PICTURE_BITS - 1
    step_ms = 1000.0 * (run.times_s[1] - run.times_s[0]) if len(run.times_s) > 1 else 0.0
    data.FrameTime, data.FrameIncrementPointer = round(step_ms, 4), 0x00181063
    data.ImagerPixelSpacing = [round(camera.imager_spacing_mm, 6)] * 2
    data.DistanceSourceToDetector = round(camera.source_to_detector_mm, 1)
    data.DistanceSourceToPatient = round(camera.source_to_patient_mm, 1)
    data.EstimatedRadiographicMagnificationFactor = round(camera.magnification, 5)
    data.PositionerPrimaryAngle = round(camera.primary_degrees, 2)
    data.PositionerSecondaryAngle = round(camera.secondary_degrees, 2)
    data.PixelData = _grey(run.frames).tobytes()
    data.save_as(path, enforce_file_format=True)


def _grey(frames: np.ndarray) -> np.ndarray:
    return np.rint(255.0 * frames).astype(np.uint8)


def _made(folder: Path) -> None:
    from ...errors import OutputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}). Choose a folder you may write to.") from error
