"""``coronaryseg segment``: a CT or an X-ray angiogram in, a case folder out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..progress import as_progress
from .angiogram import VesselsChoice, segment_angiogram_file
from .choices import (
    DeviceOption,
    ModelOption,
    OverwriteOption,
    ProgressOption,
    QualityChoice,
    QualityOption,
    SurfaceChoice,
    segment_options,
)
from .display import ProgressStyle, console, shown_progress

if TYPE_CHECKING:
    from ..segmentation import CoronaryResult
    from ..writing import CaseFiles

READ_SHARE, SEGMENT_SHARE = 0.08, 0.88
"""Where reading and segmenting end on the progress bar; writing fills the rest."""


def segment_command(
    ct: Annotated[Path, typer.Argument(
        metavar="INPUT", help="CT: NIfTI, NRRD, MetaImage or a DICOM folder. X-ray angiogram: XA file, PNG, JPEG, PGM."
    )],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Case folder; default: INPUT's name + _coronaries.")
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    quality: QualityOption = QualityChoice.standard,
    list_series: Annotated[
        bool, typer.Option("--list-series", help="List the series of a DICOM folder and end.")
    ] = False,
    series: Annotated[str | None, typer.Option("--series", help="UID of the DICOM series to take.")] = None,
    phase: Annotated[str | None, typer.Option("--phase", help="Heart phase: per cent of R-R, or 1 to n.")] = None,
    hu_offset: Annotated[float | None, typer.Option("--hu-offset", help="HU to add to every voxel first.")] = None,
    surface: Annotated[
        SurfaceChoice, typer.Option("--surface", help="Ours, or as published (shrinks thin vessels).")
    ] = SurfaceChoice.default,
    opening: Annotated[
        bool, typer.Option("--opening", help="Binary opening as published; breaks thin branches.")
    ] = False,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="Keep the N largest pieces instead of both trees.")
    ] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="Fixed probability threshold 0 to 1.")] = None,
    probability: Annotated[
        bool, typer.Option("--probability/--no-probability", help="Write the probability volume.")
    ] = True,
    picture: Annotated[bool, typer.Option("--picture/--no-picture", help="Draw the picture.")] = True,
    frame: Annotated[str, typer.Option("--frame", help="Angiogram: best, all, or a number from 1.")] = "best",
    pixel_spacing: Annotated[
        float | None, typer.Option("--pixel-spacing", help="Angiogram: mm a pixel at the heart, above the file's own.")
    ] = None,
    vessels: Annotated[
        VesselsChoice, typer.Option("--vessels", help="Angiogram: how vessels look on the screen; found by default.")
    ] = VesselsChoice.auto,
    overwrite: OverwriteOption = False,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Find the coronary trees in a cardiac CT angiogram, or in an X-ray angiogram, and write all that is known."""
    if list_series:
        _list_series(ct)
        return
    from ..angiogram.reading import is_angiogram

    if is_angiogram(ct):
        segment_angiogram_file(
            ct, output or _default_folder(ct), model=model, device=device, frame=frame, pixel_spacing_mm=pixel_spacing,
            vessels=vessels.value, probability=probability, picture=picture, overwrite=overwrite, progress=progress,
        )
        return
    from ..reading import read_volume
    from ..reading.checks import with_hu_offset
    from ..segmentation import segment
    from ..writing.case import check_folder, write_case

    folder = output if output is not None else _default_folder(ct)
    check_folder(folder, overwrite=overwrite)
    options = segment_options(quality, surface, opening, keep, threshold)
    with shown_progress(progress) as callback:
        report = as_progress(callback)
        volume = read_volume(ct, series_uid=series, phase=phase, progress=report.part(0.0, READ_SHARE))
        if hu_offset is not None:
            volume = with_hu_offset(volume, hu_offset)
        result = segment(
            volume, model=model, device=device, options=options, progress=report.part(READ_SHARE, SEGMENT_SHARE)
        )
        files = write_case(
            result, folder, source=ct, overwrite=overwrite, probability=probability, picture=picture,
            progress=report.part(SEGMENT_SHARE, 1.0),
        )
    print_case(result, files)


def print_case(result: CoronaryResult, files: CaseFiles) -> None:
    """What was found, what to be careful about, where it lies."""
    from ..writing.report import volume_text

    out = console()
    for warning in result.warnings:
        out.print(f"[yellow]Warning:[/yellow] {_plain(warning)}")
    volumes = ", ".join(
        f"{name} {volume_text(result.trees.volume_mm3(name))}"
        for name in ("left", "right", "calcium") if result.trees.volume_mm3(name) > 0
    )
    out.print(f"Found: {volumes} (threshold {result.trees.threshold_used:.2f}, {_plain(result.prediction.engine)}).")
    for name, made in result.surfaces.items():
        quality = made.report
        state = "watertight" if quality.watertight else "[red]not watertight[/red]"
        out.print(f"Surface {name}: {state}, {volume_text(quality.volume_mm3)}, {quality.triangles} triangles.")
    out.print(f"Time: {sum(result.timings.values()):.0f} s.")
    out.print(f"Written to {_plain(str(files.folder))}: {', '.join(sorted(path.name for path in files.all))}")
    if files.picture is not None:
        out.print(f"Picture: {_plain(str(files.picture))}")


def _list_series(folder: Path) -> None:
    from rich.table import Table

    from ..reading import list_series

    table = Table(title=f"Series in {folder}", title_justify="left", header_style="bold")
    for column in ("description", "modality", "size", "spacing (mm)", "phases", "UID", ""):
        table.add_column(column, overflow="fold")
    for info in list_series(folder):
        size = "x".join(str(n) for n in reversed(info.shape_zyx)) if info.shape_zyx else f"{info.slice_count} slices"
        spacing = "x".join(f"{s:.3g}" for s in info.spacing_xyz_mm) if info.spacing_xyz_mm else ""
        table.add_row(
            _plain(info.description), info.modality, size, spacing, ", ".join(info.phases), info.uid,
            "" if info.usable else _plain(info.verdict), style="" if info.usable else "dim",
        )
    out = console()
    out.print(table)
    out.print("Take one with --series UID. The first is taken when none is named.")


def _default_folder(ct: Path) -> Path:
    from ..angiogram.reading.pictures import EXTENSIONS as PICTURES

    name = ct.name
    for ending in (".gz", ".nii", ".nrrd", ".mha", ".mhd", ".nhdr", ".dcm", *PICTURES):
        name = name.removesuffix(ending)
    return Path(f"{name or 'case'}_coronaries")


def _plain(text: str) -> str:
    """Brackets in file names are not markup."""
    from rich.markup import escape

    return escape(text)
