"""What the importers share: the description they come to, reading numbers without running code, choosing outputs."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ModelError

if TYPE_CHECKING:
    import torch

OUTPUTS = ("lumen", "calcium", "vein")
_NO_CORONARY = re.compile(r"aort|pulmon|atri|ventric|background", re.IGNORECASE)
_NAMED = {
    "calcium": re.compile(r"calc|plaque", re.IGNORECASE),
    "vein": re.compile(r"vein|venous|sinus", re.IGNORECASE),
    "lumen": re.compile(r"coronar|arter|lumen|vessel|\b(lm|lca|lad|lcx|rca|left|right)\b", re.IGNORECASE),
}


@dataclass(frozen=True)
class Foreign:
    """A model of another program in our words. ``arguments`` are those of ``networks.imported.ImportedNetwork``,
    ``state`` the weights of the network in it. ``spacing_zyx_mm`` None leaves the scanner's voxels. ``remarks`` say in
    what a run here differs from one there."""

    source: Path
    arguments: dict[str, Any]
    state: Mapping[str, torch.Tensor]
    outputs: tuple[str, ...]
    patch_zyx: tuple[int, int, int]
    spacing_zyx_mm: tuple[float, float, float] | None
    hu_window: tuple[float, float]
    description: str
    training_data: str
    normalisation: str = "window"
    mirror_axes: tuple[int, ...] = ()
    version: str = "imported"
    licence: str = "as its makers say"
    remarks: tuple[str, ...] = ()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ModelError naming the file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}. Copy the folder again.") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} holds no JSON object. Copy the folder again.")
    return values


def read_numbers(path: Path) -> dict[str, Any]:
    """A torch checkpoint without pickled objects but plain values, tensors and numpy scalars: nothing in it can run.

    Raises ModelError for a missing or damaged file and for one that holds anything else.
    """
    import pickle

    import torch

    if not path.is_file():
        raise ModelError(f"{path} is not there. Copy the folder again, or name another file.")
    try:
        with torch.serialization.safe_globals(_harmless()):
            values = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} holds more than numbers, and reading it could run somebody else's code: it is refused. Ask for "
            "the weights alone (the state dict), or save them so where you trust the file."
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as a torch file ({error}). Copy it again.") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} holds no dictionary of weights. Give a checkpoint or a state dict.")
    return values


def choose_outputs(
    classes: Mapping[str, int], wanted: Mapping[str, Sequence[str]] | None
) -> tuple[tuple[str, ...], list[list[int]], tuple[str, ...]]:
    """Our outputs, the classes (numbers) each joins, and the labels left out; ``classes`` are without the background.

    Raises ModelError when nothing is a coronary lumen, or ``wanted`` names what is not there.
    """
    known = ", ".join(classes) or "none"
    if wanted and wanted.get("lumen"):
        groups = {ours: list(theirs) for ours, theirs in wanted.items() if theirs}
        unknown = [name for names in groups.values() for name in names if name not in classes]
        if unknown or set(groups) - set(OUTPUTS):
            raise ModelError(f"The model has no label {', '.join(unknown)}. Its labels are: {known}.")
    elif len(classes) == 1:
        groups = {"lumen": list(classes)}
    else:
        groups = {}
        for name in classes:
            ours = next((o for o, rule in _NAMED.items() if rule.search(name)), None)
            if ours is not None and not _NO_CORONARY.search(name):
                groups.setdefault(ours, []).append(name)
        if "lumen" not in groups:
            raise ModelError(
                f"None of the model's labels ({known}) is called like a coronary artery. Say which it is: --lumen NAME."
            )
    ordered = [name for name in OUTPUTS if name in groups]
    used = {name for names in groups.values() for name in names}
    left_out = tuple(name for name in classes if name not in used)
    return tuple(ordered), [[classes[name] for name in groups[ours]] for ours in ordered], left_out


def three(values: Any, what: str) -> tuple:
    """Three numbers. Raises ModelError naming ``what``."""
    if not isinstance(values, (list, tuple)) or len(values) != 3 or not all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 for value in values
    ):
        raise ModelError(f"{what} should be three positive numbers, not {values!r}. Only 3D models can be imported.")
    return tuple(values)


def along_ours(values: Sequence[Any], axes: Sequence[int]) -> tuple[Any, ...]:
    """What a network has along its axes, along ours (z, y, x): ``axes`` are ours in the network's order."""
    return tuple(values[list(axes).index(axis)] for axis in range(3))


def _harmless() -> list:
    """Numbers that trainers log beside the weights come as numpy scalars."""
    core = getattr(np, "_core", None) or np.core
    scalar = core.multiarray.scalar
    kinds = {type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "u1", "?")}
    return [
        np.dtype, *kinds, codecs.encode, (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
    ]
