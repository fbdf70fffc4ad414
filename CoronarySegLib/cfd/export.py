"""From a mask to a folder that a flow solver takes: the story of this package, and the one function that tells it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ..centreline import extract_centrelines
from ..centreline.given_names import with_given_names
from ..centreline.naming import name_trees
from ..centreline.sides import SIDES
from ..centreline.tree import CentrelineTree
from ..errors import EmptyResultError, InputError, OutputError, SurfaceError
from ..in_place import folder_in_place
from ..postprocessing.boxes import bounding_box, cropped
from ..progress import Progress, ProgressCallback, as_progress
from ..side_by_side import side_by_side
from ..volume import Volume
from .build import BuildOptions, BuiltModel, build_model
from .build_root import build_root
from .files.gmsh import gmsh_program
from .openfoam import FlowOptions
from .ostia import ostia_at_the_aorta
from .units import per_mm

RECORD = "cfd.json"
ROOT = "root"
FORMATS = ("stl", "vtp", "openfoam", "gmsh")
MARGIN = 8
ROOT_MARGIN_MM = 40.0


@dataclass(frozen=True)
class CfdOptions:
    """Everything that can be chosen. ``trees``: which systems; ``formats`` among "stl", "vtp", "openfoam", "gmsh".

    ``volume_mesh`` runs Gmsh, which must be installed. ``picture`` draws each model.
    """

    unit: str = "mm"
    trees: tuple[str, ...] = ("left", "right")
    formats: tuple[str, ...] = FORMATS
    build: BuildOptions = field(default_factory=BuildOptions)
    flow: FlowOptions = field(default_factory=FlowOptions)
    volume_mesh: bool = False
    picture: bool = True

    def __post_init__(self) -> None:
        per_mm(self.unit)
        unknown = [name for name in self.formats if name not in FORMATS]
        if unknown:
            raise ValueError(f"formats are {', '.join(FORMATS)}, not {', '.join(unknown)}")
        if not self.trees:
            raise ValueError("choose at least one tree")


@dataclass(frozen=True)
class CfdResult:
    """``models`` by tree. ``files``: every file under ``folder``. ``warnings`` are sentences for the user."""

    folder: Path
    models: dict[str, BuiltModel]
    files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()
    timings_s: dict[str, float] = field(default_factory=dict)

    @property
    def record(self) -> Path:
        return self.folder / RECORD


def export_cfd(
    labels: Volume, folder: Path | str, options: CfdOptions = CfdOptions(), *,
    trees: Mapping[str, CentrelineTree] | None = None, names_from: Mapping[str, CentrelineTree] | None = None,
    values: dict[str, int] | None = None,
    probability: Volume | None = None, aorta: Volume | None = None,
    source: Path | str | None = None, overwrite: bool = False,
    progress: Progress | ProgressCallback | None = None,
) -> CfdResult:
    """Write flow models of the coronary systems in ``labels`` (any grid) to ``folder``.

    ``trees``: centrelines that exist already, corrected and named; otherwise they are extracted and named here,
    with the names that a person gave in ``names_from`` (earlier centrelines of the same vessels).
    ``values``: label by system; by default {"left": 1, "right": 2} when there is a label 2, else {"tree": 1}, one label
    for both. Other labels (veins, calcium) are no lumen.
    ``probability`` (lumen, 0..1, the same grid) puts the wall where it says instead of between the voxels. ``aorta`` (a
    mask on the same grid) gives one model of the aortic root with all chosen trees; centrelines that are extracted here
    then begin at the aorta. All is written beside and renamed at the end: a folder that exists is complete.

    Raises EmptyResultError, InputError, SurfaceError (a model that a mesher would refuse), OutputError, Cancelled,
    MissingPackageError (an aorta without manifold3d, a volume mesh without Gmsh).
    """
    folder = Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100 (resolve() would follow a link)
    check_folder(folder, overwrite=overwrite)
    if options.volume_mesh:
        gmsh_program()
    report = as_progress(progress)
    timings: dict[str, float] = {}
    began = time.perf_counter()
    values = _values_in(labels) if values is None else values
    margin_mm = ROOT_MARGIN_MM if aorta is not None else 0.0
    labels, probability = _around_the_vessels(labels, probability, values, margin_mm)
    if aorta is not None:
        aorta = _cropped_alike(aorta, labels)
    if trees is None:
        found = _centrelines(labels, values, probability, aorta, report.part(0.0, 0.15))
        trees = with_given_names(name_trees(found), names_from or {})
    timings["centrelines"] = time.perf_counter() - began
    chosen = _chosen(trees, options.trees)
    lumens = {key: _lumen(labels, probability, values, key) for key in chosen}
    if aorta is None:
        builders = {key: partial(build_model, lumens[key], tree, options.build) for key, tree in chosen.items()}
    else:
        coronaries = _lumen(labels, None, values, "")
        builders = {ROOT: partial(build_root, lumens, coronaries, chosen, aorta, options.build)}
    began = time.perf_counter()
    models = side_by_side(
        {key: partial(_built, key, build) for key, build in builders.items()}, report.part(0.15, 0.85)
    )
    timings["models"] = time.perf_counter() - began
    return _written(models, folder, options, labels, source, timings, report.part(0.85, 1.0))


def check_folder(folder: Path | str, *, overwrite: bool = False) -> None:
    """Raise OutputError when nothing may be written to ``folder``: call it before minutes of work, not after."""
    folder = Path(folder).expanduser()
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file. Choose a folder for the flow models.")
    if not any(folder.iterdir()):
        return
    if not overwrite:
        raise OutputError(f"{folder} exists and is not empty. Choose another folder, or ask to overwrite it.")
    try:
        ours = json.loads((folder / RECORD).read_text(encoding="utf-8")).get("kind") == "coronaryseg cfd"
    except (OSError, ValueError, AttributeError):
        ours = False
    if not ours:
        raise OutputError(f"{folder} holds no earlier flow models and is not overwritten. Choose another folder.")


def _chosen(trees: Mapping[str, CentrelineTree], wanted: tuple[str, ...]) -> dict[str, CentrelineTree]:
    """The trees of the wanted sides. Where both are wanted and no side could be told, what there is."""
    chosen = {key: tree for key, tree in trees.items() if key in wanted or tree.side in wanted}
    if not chosen and set(SIDES) <= set(wanted):
        chosen = {key: tree for key, tree in trees.items() if not tree.side}
    if not chosen:
        raise EmptyResultError(
            f"There is no {' or '.join(wanted)} tree in this mask, only {', '.join(trees) or 'none'}. "
            "Choose other trees or another mask, or say which label is which tree."
        )
    return chosen


def _centrelines(
    labels: Volume, values: dict[str, int], probability: Volume | None, aorta: Volume | None, report: Progress
) -> dict[str, CentrelineTree]:
    """Centrelines of the systems, rooted at the ``aorta`` where there is one."""
    found = extract_centrelines(labels, values=values, probability=probability, progress=report.part(0.0, 0.6))
    ostia = {} if aorta is None else ostia_at_the_aorta(_lumen(labels, None, values, ""), aorta, found)
    if not ostia:
        return found
    return extract_centrelines(
        labels, values=values, probability=probability, ostia_lps_mm=ostia, progress=report.part(0.6, 1.0)
    )


def _built(key: str, build: Callable[..., BuiltModel], part: Progress) -> BuiltModel:
    try:
        return build(progress=part)
    except (SurfaceError, EmptyResultError) as error:
        raise type(error)(f"Of the tree \"{key}\" no model can be made, and nothing was written. {error}") from error


def _values_in(labels: Volume) -> dict[str, int]:
    return {"left": 1, "right": 2} if (labels.array == 2).any() else {"tree": 1}


def _around_the_vessels(
    labels: Volume, probability: Volume | None, values: Mapping[str, int], margin_mm: float
) -> tuple[Volume, Volume | None]:
    if probability is not None and not probability.geometry.same_grid(labels.geometry):
        raise InputError("The probability lies on another grid than the mask. Give both from the same result.")
    margin = MARGIN + int(np.ceil(margin_mm / min(labels.geometry.spacing_xyz_mm)))
    box = bounding_box(np.isin(labels.array, list(values.values())), margin=margin)
    if box is None:
        wanted = ", ".join(f"{name} = {value}" for name, value in values.items())
        raise EmptyResultError(f"The mask holds none of the labels {wanted}: there is no coronary to make a flow model "
                               "of. Choose another mask or say which labels are coronaries.")
    return cropped(labels, box), None if probability is None else cropped(probability, box)


def _cropped_alike(aorta: Volume, labels: Volume) -> Volume:
    """The aorta in the box that ``labels`` were cropped to. Raises InputError when it lies on another grid."""
    start = np.rint(aorta.geometry.index_of(np.asarray(labels.geometry.origin_lps_mm))).astype(int)[::-1]
    stop = start + labels.geometry.shape_zyx
    if (start < 0).any() or (stop > aorta.array.shape).any():
        raise InputError("The aorta lies on another grid than the mask. Resample it to the mask's grid first.")
    return cropped(aorta, tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True)))


def _lumen(labels: Volume, probability: Volume | None, values: Mapping[str, int], key: str) -> Volume:
    """The lumen of one system: its own label, or the probability without what carries another system's label."""
    own = [values[key]] if key in values else list(values.values())
    if probability is None:
        return labels.with_array(np.isin(labels.array, own).astype(np.uint8))
    others = [value for value in values.values() if value not in own]
    array = np.clip(np.asarray(probability.array, np.float32), 0.0, 1.0)
    return probability.with_array(np.where(np.isin(labels.array, others), np.float32(0.0), array))


def _written(
    models: dict[str, BuiltModel], folder: Path, options: CfdOptions, labels: Volume, source: Path | str | None,
    timings: dict[str, float], report: Progress,
) -> CfdResult:
    from .files.folder import write_models

    began = time.perf_counter()
    with folder_in_place(folder, "The flow models") as partial:
        warnings = write_models(
            models, partial, options, source=None if source is None else Path(source), description=labels.source,
            input_warnings=labels.warnings, timings_s=timings, progress=report,
        )
    timings["writing"] = time.perf_counter() - began
    files = tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
    return CfdResult(folder, models, files, warnings, timings)
