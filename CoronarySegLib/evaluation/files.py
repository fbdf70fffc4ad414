"""Label maps, probability maps and centrelines from files, and the pairing of two folders."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..volume import Volume
from .centreline import SIDES, Centreline, centreline_of_branches

ENDINGS = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".mha", ".mhd")
LABEL_NAMES = ("labels", "truth", "label")
PROBABILITY_NAMES = ("probability",)
IMAGECAS = ".label"
CENTRELINE_NAMES = ("tree.json", "centrelines.json")


@dataclass(frozen=True)
class Pair:
    """Files of one case to compare. ``probability`` and ``centrelines`` are None where there are none."""

    name: str
    prediction: Path
    truth: Path
    probability: Path | None = None
    centrelines: Path | None = None


def read_labels(path: Path | str) -> Volume:
    """A label map as uint8. Raises InputError for what is missing, unreadable, not 3D or not whole numbers 0..255."""
    volume = _read(path)
    array = volume.array
    whole = array.astype(np.uint8)
    if not np.array_equal(whole, array):
        raise InputError(f"{path} is no label map (it holds fractions or values outside 0..255). Give the label map.")
    return volume.with_array(whole)


def read_probability(path: Path | str) -> Volume:
    """A probability map, float32 0..1. Raises InputError for values outside 0..1 (beyond rounding)."""
    volume = _read(path)
    array = volume.array.astype(np.float32, copy=False)
    if array.min() < -1e-3 or array.max() > 1.001:
        raise InputError(f"{path} holds values from {array.min():g} to {array.max():g}; a probability lies in 0..1.")
    return volume.with_array(array)


def read_centreline(path: Path | str) -> Centreline:
    """Branches from a JSON file: ``{"branches": [{"side", "points_lps_mm", "radius_mm"}, ...]}``; with "name" and
    "parent" (number in the list, -1 at an ostium) they also tell regions apart.

    Raises InputError when the file is missing or holds no such branches.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        branches = [_branch(entry) for entry in content["branches"]]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as centrelines ({error}). Expected is a JSON file with a list 'branches', each "
            "with 'side', 'points_lps_mm' and 'radius_mm'."
        ) from error
    if not branches:
        raise InputError(f"{path} lists no branches.")
    return centreline_of_branches(branches)


def find_pairs(predictions: Path | str, truths: Path | str) -> tuple[Pair, ...]:
    """Cases that occur in both folders under the same name, sorted.

    A case is a subfolder with a label map in it (``labels``, ``truth`` or ``label`` with any known ending), or a file;
    its name is the subfolder's or the file's without ending. Files ``<id>.label.nii.gz`` as in ImageCAS, also a folder
    further down, are cases called ``<id>``. Raises InputError when no name occurs in both.
    """
    predicted, true = _cases(Path(predictions)), _cases(Path(truths))
    names = sorted(predicted.keys() & true.keys())
    if not names:
        raise InputError(
            f"No case of {predictions} ({_some(predicted)}) has a namesake in {truths} ({_some(true)}). Name both "
            "alike: case_1/labels.nii.gz or case_1.nii.gz."
        )
    roots = Path(predictions), Path(truths)
    return tuple(
        Pair(name, predicted[name], true[name], *_companions(predicted[name], true[name], *roots)) for name in names
    )


def pair_of(
    prediction: Path | str, truth: Path | str, probability: Path | None = None, centrelines: Path | None = None
) -> Pair:
    """One pair from two label maps or case folders; in a case folder the other files are found by themselves.

    Raises InputError when a folder holds no label map.
    """
    predicted, true = label_file(prediction), label_file(truth)
    # A file named by itself may lie among others that do not belong to it, so nothing is looked for beside it.
    found = _companions(predicted, true, *(None if Path(p).is_dir() else f.parent for p, f in
                                           ((prediction, predicted), (truth, true))))
    return Pair(str(prediction), predicted, true, probability or found[0], centrelines or found[1])


def label_file(path: Path | str) -> Path:
    """The label map in a case folder, or the path itself when it is no folder. Raises InputError when there is none."""
    path = Path(path)
    if not path.is_dir():
        return path
    found = _named(path, LABEL_NAMES)
    if found is None:
        raise InputError(f"{path} holds no label map. Expected is labels.nii.gz or truth.nii.gz in it.")
    return found


def holds_labels(folder: Path | str) -> bool:
    """True for a case folder: one with a label map directly in it."""
    return _named(Path(folder), LABEL_NAMES) is not None


def _companions(
    prediction: Path, truth: Path, predictions: Path | None, truths: Path | None
) -> tuple[Path | None, Path | None]:
    """Probability and centrelines beside label maps that have a case folder of their own, below the folders given."""
    probability = None if prediction.parent == predictions else _named(prediction.parent, PROBABILITY_NAMES)
    centrelines = None if truth.parent == truths else _first(truth.parent, CENTRELINE_NAMES)
    if IMAGECAS in truth.name:  # many cases in one folder
        centrelines = _first(truth.parent, (f"{truth.name.split(IMAGECAS)[0]}.{CENTRELINE_NAMES[0]}",))
    return probability, centrelines


def _cases(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder. Give two files or two folders.")
    cases: dict[str, Path] = {}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            found = _named(entry, LABEL_NAMES)
            if found is not None:
                cases[entry.name] = found
            else:  # ImageCAS comes as 1-200, 201-400, ...
                cases |= {name: path for name, path in _labelled(entry).items() if f"{name}{IMAGECAS}." in path.name}
    return cases | _labelled(folder)


def _labelled(folder: Path) -> dict[str, Path]:
    """Label maps by the names of their cases: files of a known ending that are no ImageCAS image."""
    cases: dict[str, Path] = {}
    for entry in sorted(path for path in folder.iterdir() if path.is_file()):
        ending = next((e for e in ENDINGS if entry.name.endswith(e)), None)
        if ending is not None and not entry.name.endswith(f".img{ending}"):
            cases.setdefault(entry.name[: -len(ending)].removesuffix(IMAGECAS), entry)
    return cases


def _named(folder: Path, names: tuple[str, ...]) -> Path | None:
    return _first(folder, tuple(name + ending for name in names for ending in ENDINGS))


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _some(cases: dict[str, Path]) -> str:
    names = list(cases)
    return "no cases" if not names else ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _branch(entry: dict) -> SimpleNamespace:
    points = np.asarray(entry["points_lps_mm"], float).reshape(-1, 3)
    radius = np.asarray(entry["radius_mm"], float).reshape(-1)
    if len(points) != len(radius):
        raise ValueError(f"{len(points)} points but {len(radius)} radii")
    side = str(entry.get("side", ""))
    parent = entry.get("parent")
    return SimpleNamespace(
        side=side if side in SIDES else "", points_lps_mm=points, radius_mm=radius, name=str(entry.get("name", "")),
        parent=parent if isinstance(parent, int) else None,
    )


def _read(path: Path | str) -> Volume:
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file.")
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path} cannot be read as an image: it is damaged or of an unknown format.") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path} is not one 3D volume (dimension {image.GetDimension()}). Give a 3D label map.")
    return Volume.of_image(image, source=str(path))
