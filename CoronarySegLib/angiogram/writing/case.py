"""The case folder of a run: written at once or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...centreline.files import write_vtp
from ...in_place import folder_in_place
from ...measurement.files import write_rows
from ...progress import Progress, ProgressCallback, as_progress
from ...timing import timed
from ...writing.case import REPORT, check_folder, draw_or_warn
from ...writing.report import computed_with, describe_source, plain, report_head, write_report
from ..measurement import rows as tables
from ..segmentation import AngiogramResult, FrameResult
from .overlay import overlay
from .picture import write_picture


@dataclass(frozen=True)
class AngiogramFiles:
    """The files of a case. ``masks``, ``probabilities`` and ``overlays`` have one entry a frame. ``centreline`` is None
    where the scale is unknown, ``picture`` when not wanted or not possible."""

    folder: Path
    report: Path
    masks: tuple[Path, ...]
    probabilities: tuple[Path, ...]
    overlays: tuple[Path, ...]
    tables: tuple[Path, ...]
    centreline: Path | None = None
    picture: Path | None = None

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file, the folder itself not."""
        singles = [path for path in (self.report, self.centreline, self.picture) if path is not None]
        return (*singles, *self.masks, *self.probabilities, *self.overlays, *self.tables)


def write_case(
    result: AngiogramResult,
    folder: Path | str,
    *,
    source: Path | str | None = None,
    overwrite: bool = False,
    probability: bool = True,
    picture: bool = True,
    progress: Progress | ProgressCallback | None = None,
) -> AngiogramFiles:
    """Write ``result`` as a case folder.

    One frame: ``mask.png``, ``probability.png``, ``overlay.png``; of several, folders of these names hold
    ``frame_001.png`` and so on. Beside them ``vessels.csv``, ``stenoses.csv`` and ``profiles.csv`` (the centreline with
    its diameters), ``centreline.vtp`` of the best frame where the scale is known, ``picture.png`` and ``report.json``.
    ``overwrite`` replaces an older case, never another kind of folder. Raises OutputError, Cancelled.
    """
    folder = Path(folder).expanduser()
    progress = as_progress(progress)
    check_folder(folder, overwrite=overwrite)
    timings: dict[str, float] = {}
    warnings: list[str] = []
    with folder_in_place(folder, "The case") as partial:
        with timed(timings, "write_pictures"):
            files = _pictures(result, partial, probability, progress)
        with timed(timings, "write_tables"):
            files = replace(files, tables=_tables(result, partial), centreline=_centreline(result, partial))
        if picture:
            progress(0.7, "Drawing the picture")
            with timed(timings, "write_picture"):
                files = replace(files, picture=_draw(result, partial / "picture.png", warnings))
        progress(0.95, "Writing the report")
        report = _report(result, files, None if source is None else Path(source), timings, warnings)
        write_report(report, files.report)
    progress(1.0, "Written")
    return _moved(files, partial, folder)


def _pictures(result: AngiogramResult, folder: Path, probability: bool, progress: Progress) -> AngiogramFiles:
    made: dict[str, list[Path]] = {"mask": [], "probability": [], "overlay": []}
    single = len(result.frames) == 1
    for number, frame in enumerate(result.frames):
        progress(0.6 * number / len(result.frames), "Writing masks")
        pictures = {"mask": 255 * frame.mask.astype(np.uint8), "overlay": overlay(frame)}
        if probability:
            pictures["probability"] = np.rint(255.0 * frame.probability).astype(np.uint8)
        for kind, pixels in pictures.items():
            path = folder / (f"{kind}.png" if single else f"{kind}/frame_{frame.image.frame + 1:03d}.png")
            path.parent.mkdir(exist_ok=True)
            _write_png(pixels, path)
            made[kind].append(path)
    return AngiogramFiles(
        folder, folder / REPORT, tuple(made["mask"]), tuple(made["probability"]), tuple(made["overlay"]), ()
    )


def _write_png(pixels: np.ndarray, path: Path) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(path, compress_level=1)


def _tables(result: AngiogramResult, folder: Path) -> tuple[Path, ...]:
    paths = []
    for name, rows_of in (
        ("vessels", tables.vessel_rows), ("stenoses", tables.stenosis_rows), ("profiles", tables.profile_rows)
    ):
        rows = [
            {"frame": frame.image.frame + 1, **row} for frame in result.frames for row in rows_of(frame.measurements)
        ]
        path = folder / f"{name}.csv"
        write_rows(rows, path, header=("frame", "tree", "vessel"))
        paths.append(path)
    return tuple(paths)


def _centreline(result: AngiogramResult, folder: Path) -> Path | None:
    trees = result.frames[result.best].measurements.trees
    if not trees or result.run.spacing_mm is None:
        return None
    path = folder / "centreline.vtp"
    write_vtp(trees, path)
    return path


def _draw(result: AngiogramResult, path: Path, warnings: list[str]) -> Path | None:
    draw_or_warn(lambda: write_picture(result, path), path, warnings)
    return path if path.is_file() else None


def _report(
    result: AngiogramResult, files: AngiogramFiles, source: Path | None, timings: Mapping[str, float],
    warnings: list[str],
) -> dict[str, Any]:
    run = result.run
    return plain({
        **report_head(),
        "kind": "X-ray angiogram",
        "input": {
            "files": describe_source(source) if source is not None else None, "description": run.source,
            "size_xy": run.frames.shape[:0:-1], "frames": len(run), "spacing_mm": run.spacing_mm,
            "grey_values_turned_round": run.inverted, "frames_per_second": run.frames_per_second,
            "best_frame": run.best + 1,
        },
        "model": {"name": result.model},
        **computed_with(result.engine),
        "unit": "px" if run.spacing_mm is None else "mm",
        "frames": [_frame(frame) for frame in result.frames],
        "timings_s": {**result.timings, **timings},
        "warnings": list(dict.fromkeys([*result.warnings, *warnings])),
        "files": sorted(path.relative_to(files.folder).as_posix() for path in files.all),
    })


def _frame(frame: FrameResult) -> dict[str, Any]:
    measured = frame.measurements
    return {
        "frame": frame.image.frame + 1, "threshold_used": frame.threshold,
        "mask_pixels": int(frame.mask.sum()), "mask_share": float(frame.mask.mean()),
        "vessels": tables.vessel_rows(measured), "stenoses": tables.stenosis_rows(measured),
    }


def _moved(files: AngiogramFiles, partial: Path, folder: Path) -> AngiogramFiles:
    def moved(value):
        if isinstance(value, tuple):
            return tuple(moved(one) for one in value)
        return None if value is None else folder / value.relative_to(partial)

    names = ("report", "masks", "probabilities", "overlays", "tables", "centreline", "picture")
    return AngiogramFiles(folder, **{name: moved(getattr(files, name)) for name in names})
