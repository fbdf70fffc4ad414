"""``coronaryseg centreline``: a coronary mask in; named centrelines and what they measure out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..in_place import folder_in_place
from ..progress import as_progress
from .choices import ProgressOption
from .display import ProgressStyle, console, shown_progress
from .phantom import require_free

if TYPE_CHECKING:
    from ..centreline import CentrelineTree
    from ..measurement import TreeMeasurements
    from ..volume import Volume

CALCIUM = 3
"""Label of calcified plaque in the label maps of this program."""


def centreline_command(
    mask: Annotated[Path, typer.Argument(metavar="MASK", help="Label map, or a case folder with labels in it.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder; default: MASK's name + _centrelines.")
    ] = None,
    label: Annotated[
        int | None,
        typer.Option("--label", min=1, max=255, help="One label that holds both trees; default 1 left and 2 right."),
    ] = None,
    probability: Annotated[
        Path | None, typer.Option("--probability", help="Lumen probability on the same grid: finer walls.")
    ] = None,
    profiles: Annotated[bool, typer.Option("--profiles", help="Draw the profile of every named vessel.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write into a folder that is not empty.")] = False,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Centrelines of a coronary mask: a named tree per system as VTP, CSV and Markups JSON, with a table of diameters,
    lengths and stenoses."""
    from ..centreline import extract_centrelines
    from ..centreline.naming import name_trees
    from ..evaluation.files import label_file, read_labels, read_probability
    from ..measurement import measure_tree

    path = label_file(mask)
    folder = output if output is not None else _default_folder(mask)
    require_free(folder, overwrite)
    with shown_progress(progress) as callback:
        report = as_progress(callback)
        report(0.0, "Reading the mask")
        labels = read_labels(path)
        field = None if probability is None else read_probability(probability)
        values = None if label is None else {"tree": label}
        found = extract_centrelines(labels, values=values, probability=field, progress=report.part(0.05, 0.8))
        report(0.8, "Naming the branches")
        trees = name_trees(found)
        report(0.85, "Measuring")
        calcium = _calcium(labels) if label is None else None
        measured = {
            key: measure_tree(tree, grid=labels.geometry, calcium=calcium) for key, tree in trees.items()
        }
        report(0.9, "Writing")
        names = write_all(trees, measured, folder, profiles=profiles)
    _print(trees, measured, folder, names)


def write_all(
    trees: dict[str, CentrelineTree], measured: dict[str, TreeMeasurements], folder: Path, *, profiles: bool = False
) -> list[str]:
    """Write every file to ``folder``, all or none; their names, sorted. Raises OutputError."""
    from ..centreline.files import write_csv, write_markups, write_vtp
    from ..measurement import plot_profiles, write_measurements_csv, write_measurements_json

    with folder_in_place(folder, "The centrelines", keep=True) as partial:
        for key, tree in trees.items():
            for write, ending in ((write_vtp, "vtp"), (write_csv, "csv"), (write_markups, "mrk.json")):
                write({key: tree}, partial / f"{key}.{ending}")
        write_measurements_csv(measured, partial)
        write_measurements_json(measured, partial / "measurements.json")
        if profiles:
            (partial / "profiles").mkdir()
            plot_profiles(measured, partial / "profiles")
        files = sorted(path.relative_to(partial) for path in partial.rglob("*") if path.is_file())
    return [file.as_posix() for file in files]


def _calcium(labels: Volume) -> Volume | None:
    found = labels.array == CALCIUM
    return labels.with_array(found.astype("uint8")) if found.any() else None


def _print(
    trees: dict[str, CentrelineTree], measured: dict[str, TreeMeasurements], folder: Path, names: list[str]
) -> None:
    from rich.markup import escape

    from ..measurement import stenoses_table, vessels_table

    out = console()
    for key, tree in trees.items():
        for warning in tree.warnings:
            out.print(f"[yellow]Warning ({escape(key)}):[/yellow] {escape(warning)}")
    dominance = next((tree.dominance for tree in trees.values() if tree.dominance), "")
    out.print(vessels_table(measured))
    if any(tree.stenoses for tree in measured.values()):
        out.print(stenoses_table(measured))
    for key, tree in trees.items():
        unnamed = sum(1 for branch in tree.branches if not branch.name)
        out.print(
            f"{key}: {tree.length_mm:.0f} mm in {len(tree.branches)} branches, {unnamed} without a name.", markup=False
        )
    out.print(f"Dominance: {dominance or 'not certain'}.")
    out.print(f"Written to {folder}: {', '.join(names)}", markup=False)


def _default_folder(mask: Path) -> Path:
    if mask.is_dir():
        return mask / "centrelines"
    name = mask.name
    for ending in (".gz", ".nii", ".seg", ".nrrd", ".mha", ".mhd"):
        name = name.removesuffix(ending)
    name = name.removesuffix(".seg")
    return Path(f"{name or 'mask'}_centrelines")
