"""The files of all models of a case, by the formats wanted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...centreline.files import write_csv, write_markups
from ...centreline.files import write_vtp as write_centreline_vtp
from ...progress import Progress
from ..build import BuiltModel
from ..openfoam import write_case
from ..openfoam.case import inlet_flows
from .gmsh import write_geo, write_surface_msh, write_volume_mesh
from .record import record_of, write_record
from .stl import write_solids
from .vtp import write_face_names, write_vtp

if TYPE_CHECKING:
    from ..export import CfdOptions

log = logging.getLogger(__name__)


def write_models(
    models: Mapping[str, BuiltModel], folder: Path, options: CfdOptions, *, source: Path | None, description: str,
    input_warnings: tuple[str, ...], timings_s: Mapping[str, float], progress: Progress,
) -> tuple[str, ...]:
    """Write everything to the existing ``folder``; returns what the user should know. Raises OSError, SurfaceError or
    MissingPackageError (a volume mesh without Gmsh)."""
    warnings = list(input_warnings)
    flows = {key: inlet_flows(built.model, options.flow) for key, built in models.items()}
    for number, (key, built) in enumerate(models.items()):
        progress(number / len(models), f"Writing the {key} model")
        warnings += [f"{key}: {note}" for note in (*_of_the_input(built), *built.notes)]
        _write_model(key, built, folder, options)
        (folder / f"{key}_quality.txt").write_text(built.quality.summary() + "\n", encoding="utf-8")
        if options.picture:
            _draw(key, built, folder / f"{key}.png", options.unit, warnings)
    trees = {key: built.tree for key, built in models.items()}
    # Centrelines stay in mm: their readers, Slicer and the VMTK extension, know no other unit.
    write_centreline_vtp(trees, folder / "centrelines_mm.vtp")
    write_csv(trees, folder / "centrelines_mm.csv")
    write_markups(trees, folder / "centrelines.mrk.json")
    record = record_of(
        models, unit=options.unit, options=options, source=source, description=description, flows_m3_s=flows,
        warnings=tuple(warnings), timings_s=timings_s,
    )
    write_record(record, folder / "cfd.json")
    progress(1.0, "Written")
    return tuple(warnings)


def _of_the_input(built: BuiltModel) -> list[str]:
    """What the mask made necessary before there was a surface: a leak parted, a loop opened, a gap bridged."""
    tree = built.tree
    said = [*tree.warnings, *(text for branch in tree.branches for text in branch.warnings)]
    if built.bridged_mm > 0.0:
        said.append(f"{built.bridged_mm:.1f} mm of centreline run outside of the mask and were joined by a thread")
    return said


def _write_model(key: str, built: BuiltModel, folder: Path, options: CfdOptions) -> None:
    model, unit = built.model, options.unit
    stem = f"{key}_{unit}"
    if "stl" in options.formats:
        write_solids(model, folder / f"{stem}.stl", unit)
        parts = folder / f"{stem}_patches"
        parts.mkdir()
        for patch in model.patches:
            write_solids(model, parts / f"{patch.name}.stl", unit, only=patch.name)
    if "vtp" in options.formats:
        write_vtp(model, folder / f"{stem}.vtp", unit)
        write_face_names(model, folder / f"{stem}.mdl")
    if "gmsh" in options.formats or options.volume_mesh:
        write_surface_msh(model, folder / f"{stem}.msh", unit)
        write_geo(model, folder / f"{stem}.geo", f"{stem}.msh", unit)
    if options.volume_mesh:
        write_volume_mesh(folder / f"{stem}.geo", folder / f"{stem}_volume.msh")
    if "openfoam" in options.formats:
        write_case(model, (built.tree,), folder / f"{key}_openfoam", options.flow)


def _draw(key: str, built: BuiltModel, path: Path, unit: str, warnings: list[str]) -> None:
    try:
        from .picture import write_picture

        count = len(built.model.triangles)
        write_picture(built.model, path, title=f"Flow model, {key}", note=f"{count} triangles · LPS · files in {unit}")
    except Exception as error:
        # The model is what was asked for; a missing font must not take it away.
        log.exception("The picture could not be drawn")
        path.unlink(missing_ok=True)
        warnings.append(f"The picture of {key} could not be drawn ({type(error).__name__}: {error}).")
