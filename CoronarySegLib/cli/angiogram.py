"""What ``segment`` and ``phantom`` do when it is about X-ray angiograms."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..progress import as_progress
from .display import ProgressStyle, console, shown_progress

if TYPE_CHECKING:
    from ..angiogram.segmentation import AngiogramResult
    from ..angiogram.writing import AngiogramFiles
    from ..phantom.tree import Dominance

READ_SHARE, SEGMENT_SHARE = 0.1, 0.8


class VesselsChoice(str, Enum):
    auto = "auto"
    dark = "dark"
    bright = "bright"


def segment_angiogram_file(
    path: Path, folder: Path, *, model: str | None, device: str, frame: str, pixel_spacing_mm: float | None,
    vessels: str, probability: bool, picture: bool, overwrite: bool, progress: ProgressStyle,
) -> None:
    """Read, segment, measure and write one angiogram."""
    from ..angiogram.reading import read_angiogram
    from ..angiogram.segmentation import model_for_angiograms, segment_angiogram
    from ..angiogram.writing import write_case
    from ..writing.case import check_folder

    frames = frames_of(frame)
    if pixel_spacing_mm is not None and not pixel_spacing_mm > 0:
        raise typer.BadParameter("--pixel-spacing must be positive.")
    check_folder(folder, overwrite=overwrite)
    opened = model_for_angiograms(model)
    with shown_progress(progress) as callback:
        report = as_progress(callback)
        run = read_angiogram(
            path, spacing_mm=pixel_spacing_mm, vessels=vessels, progress=report.part(0.0, READ_SHARE)
        )
        result = segment_angiogram(
            run, model=opened, device=device, frames=frames, progress=report.part(READ_SHARE, SEGMENT_SHARE)
        )
        files = write_case(
            result, folder, source=path, overwrite=overwrite, probability=probability, picture=picture,
            progress=report.part(SEGMENT_SHARE, 1.0),
        )
    print_angiogram(result, files)


def frames_of(frame: str) -> int | str:
    """What ``--frame`` means to the library, which counts from 0."""
    from ..angiogram.segmentation import ALL, BEST

    if frame in (ALL, BEST):
        return frame
    if frame.isdecimal() and int(frame) >= 1:
        return int(frame) - 1
    raise typer.BadParameter(f"--frame {frame}: choose best, all or a number from 1.")


def print_angiogram(result: AngiogramResult, files: AngiogramFiles) -> None:
    """What was found, what to be careful about, where it lies."""
    from rich.markup import escape

    out = console()
    for warning in result.warnings:
        out.print(f"[yellow]Warning:[/yellow] {escape(warning)}")
    frame = result.frames[result.best]
    measured = frame.measurements
    vessels = [vessel for system in measured.systems.values() for vessel in system.vessels]
    length = sum(vessel.figures.length_mm for vessel in vessels) / measured.per_unit
    out.print(
        f"Frame {frame.image.frame + 1} of {len(result.run)}: {len(vessels)} vessels, {length:.0f} {measured.unit} "
        f"in all (threshold {frame.threshold:.2f}, {escape(result.engine)})."
    )
    for vessel in vessels:
        if vessel.worst is not None:
            worst = vessel.worst
            out.print(
                f"{vessel.label}: {worst.diameter_percent:.0f} % stenosis, minimal diameter "
                f"{worst.minimal_diameter_mm / measured.per_unit:.2f} {measured.unit}."
            )
    out.print(f"Time: {sum(result.timings.values()):.1f} s.")
    out.print(f"Written to {escape(str(files.folder))}: {len(files.all)} files, report {files.report.name}")


def make_angiograms(
    output: Path, *, seed: int, count: int, views: int, frames: int, stenoses: int | None, clean: bool,
    dominance: Dominance | None, progress: ProgressStyle,
) -> None:
    """Make ``views`` angiograms of each of ``count`` hearts in one folder."""
    from ..angiogram.phantom import AngiogramSettings, make_angiogram, make_scene, write_angiogram

    with shown_progress(progress) as callback:
        for number in range(count):
            report = as_progress(callback).part(number / count, (number + 1) / count)
            scene = None
            for view in range(views):
                settings = AngiogramSettings(
                    seed=seed + number, view=view, frames=frames, stenoses_per_trunk=stenoses, dominance=dominance,
                    clean=clean,
                )
                scene = make_scene(settings, report.part(0.0, 0.3)) if scene is None else scene
                part = report.part(0.3 + 0.7 * view / views, 0.3 + 0.7 * (view + 1) / views)
                write_angiogram(make_angiogram(settings, scene=scene, progress=part), output)
    console().print(f"Written to {output}: images, masks, labels, truth", markup=False)
