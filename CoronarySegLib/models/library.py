"""Finding models by name: those shipped with the library, and those in folders named by CORONARYSEG_MODELS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from .card import ModelCard
from .folder import CARD_NAME, ModelFolder, open_model

DEFAULT_MODEL = "resunet3d"
SHIPPED = Path(__file__).parent / "shipped"
# One or more folders, separated as in PATH; each is a model folder or holds model folders.
FOLDERS_VARIABLE = "CORONARYSEG_MODELS"


@dataclass(frozen=True)
class ListedModel:
    """A model folder that was found. ``card`` is None and ``problem`` says why when it cannot be used."""

    name: str
    path: Path
    shipped: bool
    card: ModelCard | None
    problem: str = ""


def list_models(*more: Path | str) -> tuple[ListedModel, ...]:
    """Every model folder that :func:`find_model` can find by name, the shipped ones first, damaged ones included; then
    those of ``more`` folders, each a model folder or a folder of such. A folder that is given twice is listed once."""
    found = dict(_candidates())
    for path, shipped in _models_in([(Path(folder).expanduser(), False) for folder in more]):
        found.setdefault(path, shipped)
    return tuple(_listed(path, shipped) for path, shipped in found.items())


def find_model(name_or_path: str | Path | None = None) -> ModelFolder:
    """A verified model by name, by folder, or the default one (None).

    A name is that of the folder or the one in the card. A text that is no known name is taken as a folder, so a folder
    in the working directory that is called like a model needs "./". Raises ModelError that lists the known names.
    """
    wanted = DEFAULT_MODEL if name_or_path is None else name_or_path
    if isinstance(wanted, str):
        by_folder = [path for path, _ in _candidates() if path.name == wanted]
        by_card = [model.path for model in list_models() if model.card is not None and model.card.name == wanted] \
            if not by_folder else []
        for path in by_folder + by_card:
            return open_model(path)
    path = Path(wanted).expanduser()
    if name_or_path is not None and path.is_file() and path.name == CARD_NAME:
        path = path.parent
    if name_or_path is not None and path.is_dir():
        return open_model(path)
    known = ", ".join(dict.fromkeys(path.name for path, _ in _candidates())) or "none"
    if name_or_path is None:
        raise ModelError(
            f"The model {DEFAULT_MODEL!r} that ships with CoronarySeg is missing (found: {known}). "
            "Install CoronarySeg again, or give a model folder."
        )
    raise ModelError(f"There is no model {str(wanted)!r}, neither by name (known: {known}) nor as a folder. "
                     f"Give one of the names, a folder with {CARD_NAME}, or set {FOLDERS_VARIABLE}.")


def _candidates() -> Iterator[tuple[Path, bool]]:
    own = [Path(folder) for folder in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if folder]
    yield from _models_in([(SHIPPED, True), *((folder, False) for folder in own)])


def _models_in(roots: list[tuple[Path, bool]]) -> Iterator[tuple[Path, bool]]:
    for root, shipped in roots:
        if (root / CARD_NAME).is_file():
            yield root, shipped
        elif root.is_dir():
            for path in sorted(root.iterdir()):
                if (path / CARD_NAME).is_file():
                    yield path, shipped


def _listed(path: Path, shipped: bool) -> ListedModel:
    try:
        return ListedModel(path.name, path, shipped, open_model(path).card)
    except ModelError as error:
        return ListedModel(path.name, path, shipped, None, str(error))
