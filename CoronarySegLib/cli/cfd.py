"""``coronaryseg cfd``: a mask or a case folder in, flow models out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .choices import OverwriteOption, ProgressOption
from .display import ProgressStyle, console, shown_progress

if TYPE_CHECKING:
    from ..cfd.export import CfdResult
    from ..volume import Volume

READ_SHARE = 0.05


def cfd_command(
    mask: Annotated[
        Path, typer.Argument(metavar="MASK_OR_CASE", help="Coronary mask (NIfTI, NRRD, MetaImage) or a case folder.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the models; default: the input's name + _cfd.")
    ] = None,
    unit: Annotated[str, typer.Option("--unit", help="Unit of the coordinates: mm, cm or m.")] = "mm",
    trees: Annotated[str, typer.Option("--trees", help="Which trees: left,right or one of them.")] = "left,right",
    labels: Annotated[
        str | None, typer.Option("--labels", help="Label of each tree: left=1,right=2, or tree=1 for both in one.")
    ] = None,
    aorta: Annotated[
        Path | None, typer.Option("--aorta", help="Mask of the aorta, same grid: one model of the root with the trees.")
    ] = None,
    extensions: Annotated[float, typer.Option("--extensions", min=0, help="Flow extensions in diameters.")] = 5.0,
    end_distance: Annotated[float, typer.Option("--end-distance", min=0, help="Outlets: mm before the end.")] = 5.0,
    smallest: Annotated[float, typer.Option("--smallest", min=0, help="Cut where thinner than this, mm.")] = 0.0,
    edge: Annotated[float, typer.Option("--edge", help="Edge length as a share of the local radius.")] = 0.3,
    triangles: Annotated[int, typer.Option("--triangles", help="Triangle budget of a tree.")] = 400_000,
    formats: Annotated[
        str, typer.Option("--formats", help="Among stl,vtp,openfoam,gmsh.")
    ] = "stl,vtp,openfoam,gmsh",
    flow: Annotated[
        float | None, typer.Option("--flow", help="Inlet flow in ml/s; default: from the inlet's diameter.")
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="Inlet profile: parabolic or flat.")] = "parabolic",
    smoothing: Annotated[
        str, typer.Option("--smoothing", help="sinc (keeps diameters), laplacian (as published, shrinks) or none.")
    ] = "sinc",
    volume_mesh: Annotated[bool, typer.Option("--volume-mesh", help="Also run Gmsh, which you have.")] = False,
    picture: Annotated[bool, typer.Option("--picture/--no-picture", help="Draw each model.")] = True,
    overwrite: OverwriteOption = False,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Make models that a flow solver takes: closed, flat named ends, extensions; STL, VTP, OpenFOAM, Gmsh."""
    from ..cfd.export import check_folder, export_cfd
    from ..progress import as_progress

    options = _options(locals())
    folder = output if output is not None else _default_folder(mask)
    check_folder(folder, overwrite=overwrite)
    with shown_progress(progress) as callback:
        report = as_progress(callback)
        report(0.0, "Reading the mask")
        volume, probability, source = _read(mask)
        result = export_cfd(
            volume, folder, options, values=_values(labels), probability=probability,
            aorta=None if aorta is None else _read(aorta)[0], source=source,
            overwrite=overwrite, progress=report.part(READ_SHARE, 1.0),
        )
    _print(result)


def _options(given: dict):
    from ..cfd.build import BuildOptions
    from ..cfd.cuts import CutOptions
    from ..cfd.export import CfdOptions
    from ..cfd.extensions import ExtensionOptions
    from ..cfd.openfoam import FlowOptions
    from ..cfd.surface import LumenSurfaceOptions

    smoothing = {"sinc": "windowed sinc", "laplacian": "Laplacian"}.get(given["smoothing"], given["smoothing"])
    try:
        return CfdOptions(
            unit=given["unit"], trees=_words(given["trees"]), formats=_words(given["formats"]),
            build=BuildOptions(
                surface=LumenSurfaceOptions(smoothing=smoothing),
                cuts=CutOptions(end_mm=given["end_distance"], smallest_diameter_mm=given["smallest"]),
                extensions=ExtensionOptions(given["extensions"], given["extensions"]),
                edge_of_radius=given["edge"], triangle_budget=given["triangles"],
            ),
            flow=FlowOptions(inlet_flow_ml_s=given["flow"], profile=given["profile"]),
            volume_mesh=given["volume_mesh"], picture=given["picture"],
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)


def _values(text: str | None) -> dict[str, int] | None:
    if text is None:
        return None
    try:
        pairs = [part.split("=") for part in _words(text)]
        return {name.strip(): int(value) for name, value in pairs}
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not like left=1,right=2 or tree=1") from error


def _read(path: Path) -> tuple[Volume, Volume | None, Path]:
    """Labels, the probability where a case folder has one, and the file the labels came from."""
    from ..reading.volume_files import is_volume_file, read_volume_file

    if path.is_dir():
        labels = path / "labels.nii.gz"
        if not labels.is_file():
            raise InputError(f"{path} is no case folder: labels.nii.gz is missing. Give the mask file itself.")
        probability = path / "probability.nii.gz"
        return read_volume_file(labels), read_volume_file(probability) if probability.is_file() else None, labels
    if not path.exists():
        raise InputError(f"{path} does not exist. Give a mask file or a case folder.")
    if not is_volume_file(path):
        raise InputError(f"{path.name} is no mask this program reads. Give NIfTI, NRRD or MetaImage.")
    return read_volume_file(path), None, path


def _print(result: CfdResult) -> None:
    from rich.markup import escape

    out = console()
    for warning in result.warnings:
        out.print(f"[yellow]Note:[/yellow] {escape(warning)}")
    for key, built in result.models.items():
        out.print(f"{key}: {len(built.model.triangles)} triangles. {escape(built.quality.summary())}")
        for patch in built.model.openings:
            extension = f", extension {patch.extension_mm:.1f} mm" if patch.extension_mm else ""
            out.print(f"  {patch.name}: diameter {2 * patch.radius_mm:.2f} mm, {escape(patch.cut.reason)}{extension}")
    out.print(f"Time: {sum(result.timings_s.values()):.0f} s.")
    out.print(f"Written to {escape(str(result.folder))}")


def _default_folder(mask: Path) -> Path:
    name = mask.name
    for ending in (".gz", ".nii", ".nrrd", ".mha", ".mhd", ".nhdr"):
        name = name.removesuffix(ending)
    return Path(f"{name or 'case'}_cfd")
