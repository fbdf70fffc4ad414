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
CENTRELINE_NAMES = ("centrelines.json", "truth.json", "tree.json")


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
    """Branches from a JSON file: ``{"branches": [{"side", "points_lps_mm", "radius_mm"}, ...]}``.

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
    its name is the subfolder's or the file's without ending. Raises InputError when no name occurs in both.
    """
    predicted, true = _cases(Path(predictions)), _cases(Path(truths))
    names = sorted(predicted.keys() & true.keys())
    if not names:
        raise InputError(
            f"No case of {predictions} ({_some(predicted)}) has a namesake in {truths} ({_some(true)}). Name both "
            "alike: case_1/labels.nii.gz or case_1.nii.gz."
        )
    return tuple(
        Pair(
            name, predicted[name], true[name],
            probability=_beside(predicted[name], [n + e for n in PROBABILITY_NAMES for e in ENDINGS]),
            centrelines=_beside(true[name], CENTRELINE_NAMES),
        )
        for name in names
    )


def label_file(path: Path | str) -> Path:
    """The label map in a case folder, or the path itself when it is a file. Raises InputError when there is none."""
    path = Path(path)
    if not path.is_dir():
        return path
    found = _beside(path / "any", [n + e for n in LABEL_NAMES for e in ENDINGS])
    if found is None:
        raise InputError(f"{path} holds no label map. Expected is labels.nii.gz or truth.nii.gz in it.")
    return found


def _cases(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder. Give two files or two folders.")
    cases = {}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            found = _beside(entry / "any", [n + e for n in LABEL_NAMES for e in ENDINGS])
            if found is not None:
                cases[entry.name] = found
        else:
            for ending in ENDINGS:
                if entry.name.endswith(ending):
                    cases.setdefault(entry.name[: -len(ending)], entry)
                    break
    return cases


def _beside(path: Path, names) -> Path | None:
    return next((path.parent / name for name in names if (path.parent / name).is_file()), None)


def _some(cases: dict[str, Path]) -> str:
    names = list(cases)
    return "no cases" if not names else ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _branch(entry: dict) -> SimpleNamespace:
    points = np.asarray(entry["points_lps_mm"], float).reshape(-1, 3)
    radius = np.asarray(entry["radius_mm"], float).reshape(-1)
    if len(points) != len(radius):
        raise ValueError(f"{len(points)} points but {len(radius)} radii")
    side = str(entry.get("side", ""))
    return SimpleNamespace(side=side if side in SIDES else "", points_lps_mm=points, radius_mm=radius)


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
