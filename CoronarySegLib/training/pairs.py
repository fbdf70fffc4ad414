"""Finds image/label pairs in a folder, in any of the ways such folders are usually laid out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import TrainingError

_ASOCA = ("Normal", "Diseased")
_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")
_LAYOUTS = (
    "images/ and labels/ with the same file names, imagesTr/ and labelsTr/ with <id>_0000 and <id> (nnU-Net), "
    "<id>.img.nii.gz beside <id>.label.nii.gz, there or one folder further down (ImageCAS), or CTCA/ and Annotations/ "
    "in Normal/ and Diseased/ (ASOCA)"
)


@dataclass(frozen=True)
class Pair:
    """One case: its name, its CT and its labels."""

    name: str
    image: Path
    label: Path


def find_pairs(folder: str | Path) -> tuple[Pair, ...]:
    """The pairs of a folder, by name. Raises TrainingError for none, or naming every file without partner."""
    folder = Path(folder)
    if not folder.is_dir():
        raise TrainingError(f"The data folder {folder} does not exist. Check the path.")
    for images, labels in (("images", "labels"), ("imagesTr", "labelsTr")):
        if (folder / images).is_dir() and (folder / labels).is_dir():
            return _matched(folder, _by_name(folder / images, "_0000"), _by_name(folder / labels, ""))
    if any((folder / group / "CTCA").is_dir() for group in _ASOCA):
        return _matched(folder, _of_asoca(folder, "CTCA"), _of_asoca(folder, "Annotations"))
    return _matched(folder, _of_imagecas(folder, ".img"), _of_imagecas(folder, ".label"))


def _of_asoca(folder: Path, kind: str) -> dict[str, Path]:
    """Files by name, which begins with the group where it does not say it already."""
    found: dict[str, Path] = {}
    for group in _ASOCA:
        if (folder / group / kind).is_dir():
            for name, path in _by_name(folder / group / kind, "").items():
                found[name if name.startswith(group) else f"{group}_{name}"] = path
    return found


def _of_imagecas(folder: Path, suffix: str) -> dict[str, Path]:
    """Files ``<id><suffix>.nii.gz`` of the folder and of those in it (ImageCAS comes as 1-200, 201-400, ...)."""
    found = _by_name(folder, suffix, only=True)
    for inner in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        for name, path in _by_name(inner, suffix, only=True).items():
            if name in found:
                raise TrainingError(f"The case {name} is in {folder} twice: {found[name]} and {path}. Remove one.")
            found[name] = path
    return found


def _by_name(folder: Path, suffix: str, *, only: bool = False) -> dict[str, Path]:
    found = {}
    for path in sorted(folder.iterdir()):
        ending = next((e for e in _ENDINGS if path.name.lower().endswith(e)), None)
        if ending is None or not path.is_file() or path.name.startswith("."):
            continue
        name = path.name[: -len(ending)]
        if suffix and name.endswith(suffix):
            found[name.removesuffix(suffix)] = path
        elif not only:
            found[name] = path
    return found


def _matched(folder: Path, images: dict[str, Path], labels: dict[str, Path]) -> tuple[Pair, ...]:
    alone = [f"{images[n].name} has no label" for n in sorted(images.keys() - labels.keys())]
    alone += [f"{labels[n].name} has no image" for n in sorted(labels.keys() - images.keys())]
    if alone:
        raise TrainingError(f"Some files in {folder} have no partner: {'; '.join(alone)}. Add or remove them.")
    if not images:
        raise TrainingError(f"There are no image/label pairs in {folder}. Lay them out as {_LAYOUTS}.")
    return tuple(Pair(name, images[name], labels[name]) for name in sorted(images))
