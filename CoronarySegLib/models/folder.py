"""A model on disk: ``model.json`` and one ``<stage>.safetensors`` per stage. Saving, verifying, loading.

Safetensors, not pickles: a model folder from somewhere else can hold wrong numbers but can run no code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError
from .card import ModelCard, StageCard

if TYPE_CHECKING:
    import torch

CARD_NAME = "model.json"
FOREIGN = ("plans.json", "configs/metadata.json")
"""What a folder of weights trained with nnU-Net or MONAI holds."""
PRECISIONS = ("float16", "float32")
COPIES, SMALLEST_COPY = "copies", 1000
"""Entry in a weights file's header: names of tensors that are copies of others there, and the size they are looked for
from."""
COPY_AGAIN = "Copy the model folder again from where it came, or choose another model."


@dataclass(frozen=True)
class ModelFolder:
    """A model folder whose card was read and whose weights match their checksums."""

    path: Path
    card: ModelCard

    def weights_path(self, stage_name: str) -> Path:
        return self.path / self.card.stage(stage_name).weights


def new_folder(path: Path | str) -> Path:
    """``path`` as the place of a new model. Raises ModelError when something is there already."""
    folder = Path(path).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError(f"{folder} exists and is not empty. Choose a new folder for the model.")
    return folder


def open_model(path: Path | str) -> ModelFolder:
    """Read the card of a model folder and verify every weights file against its SHA-256.

    Raises ModelError when the folder, card or a file is missing, or a file is not the one the card was written for.
    """
    path = Path(path)
    card_path = path / CARD_NAME
    if not card_path.is_file():
        foreign = any((path / name).is_file() for name in FOREIGN)
        do = f"Give the folder that holds {CARD_NAME}"
        if foreign:
            do = f"Import it first: coronaryseg models import {path}"
        raise ModelError(f"{path} is no model folder: it has no {CARD_NAME}. {do}.")
    try:
        text = card_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{card_path} cannot be read ({error}). {COPY_AGAIN}") from error
    card = ModelCard.of_json(text, str(card_path))
    for stage in card.stages:
        _verify(path, stage)
    return ModelFolder(path, card)


def load_stage(folder: ModelFolder, stage_name: str) -> torch.nn.Module:
    """The network of a stage with its weights, float32, on the CPU, in eval mode, without gradients.

    Its logits are those of the weights divided by the stage's temperature.
    Raises ModelError when the card and the weights do not fit each other.
    """
    import torch

    from ..networks import build_network

    stage = folder.card.stage(stage_name)
    path = folder.weights_path(stage_name)
    network = build_network(stage.network, stage.arguments)
    _check_channels(network, stage)
    try:
        state = read_tensors(path)
    except Exception as error:
        raise ModelError(f"{path} cannot be read as safetensors ({error}). {COPY_AGAIN}") from error
    state = {key: value.float() if torch.is_floating_point(value) else value for key, value in state.items()}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1:2] or [str(error)]
        raise ModelError(
            f"{path} does not fit the network {stage.network} of its card: {first[0].strip()} "
            "Correct the arguments in model.json or use the weights that belong to it."
        ) from error
    if stage.temperature != 1.0:
        from ..networks.tempered import Tempered

        network = Tempered(network, stage.temperature)
    return network.eval().requires_grad_(False)


def save_model(
    path: Path | str,
    card: ModelCard,
    states: Mapping[str, Mapping[str, torch.Tensor]],
    *,
    precision: str = "float16",
) -> ModelFolder:
    """Write a model folder; ``states`` holds one ``state_dict`` per stage of the card.

    ``precision`` "float16" halves the size of the convolution weights; norms, biases and statistics stay float32,
    because a running variance overflows half precision. A tensor that a network knows by two names (as MONAI's DynUNet
    does) is written once. File names and checksums of the card are filled in. The card is
    written last, so an interrupted save leaves no folder that opens. Raises ModelError when states and stages differ,
    a value is not finite, or the folder cannot be written.
    """
    from safetensors.torch import save

    if precision not in PRECISIONS:
        raise ModelError(f"Weights are saved as {' or '.join(PRECISIONS)}, not {precision!r}.")
    expected = {stage.name for stage in card.stages}
    if set(states) != expected:
        raise ModelError(
            f"The card has the stages {sorted(expected)} but weights were given for {sorted(states)}. "
            "Give the weights of every stage of the card and of no other."
        )
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / CARD_NAME).unlink(missing_ok=True)
        for stage in card.stages:
            stored, copies = _without_copies(_stored(states[stage.name], precision, stage.name))
            content = save(stored, {COPIES: json.dumps(copies)} if copies else None)
            name = f"{stage.name}.safetensors"
            (path / name).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            card = card.with_stage(replace(stage, weights=name, sha256=digest))
        (path / CARD_NAME).write_text(card.to_json(), encoding="utf-8")
    except OSError as error:
        raise ModelError(
            f"The model could not be saved to {path} ({error}). Choose a folder you can write to."
        ) from error
    return ModelFolder(path, card)


def _stored(state: Mapping[str, torch.Tensor], precision: str, stage_name: str) -> dict[str, torch.Tensor]:
    import torch

    stored = {}
    for key, value in state.items():
        value = value.detach().cpu()
        if torch.is_floating_point(value):
            half = precision == "float16" and value.ndim > 1
            value = value.to(torch.float16 if half else torch.float32)
            if not torch.isfinite(value).all():
                raise ModelError(
                    f"Stage {stage_name!r}: {key} holds values that are not finite as {value.dtype}. "
                    "Go back to an earlier checkpoint, or save with precision float32."
                )
        stored[key] = value.contiguous().clone()
    return stored


def _without_copies(stored: dict[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors without the large ones that equal an earlier one, and the earlier one's name by theirs."""
    import torch

    first: dict[tuple, list[str]] = {}
    copies = {}
    for key, value in stored.items():
        if value.numel() < SMALLEST_COPY:
            continue
        alike = first.setdefault((tuple(value.shape), value.dtype, float(value.float().sum())), [])
        same = next((other for other in alike if torch.equal(stored[other], value)), None)
        if same is None:
            alike.append(key)
        else:
            copies[key] = same
    return {key: value for key, value in stored.items() if key not in copies}, copies


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """All tensors of a weights file by all their names."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
        copies = json.loads((file.metadata() or {}).get(COPIES, "{}"))
    return {**state, **{key: state[same] for key, same in copies.items()}}


def _verify(path: Path, stage: StageCard) -> None:
    weights = path / stage.weights
    if not stage.weights or not weights.is_file():
        raise ModelError(f"{path} is incomplete: the weights of stage {stage.name!r} are missing. {COPY_AGAIN}")
    digest = hashlib.sha256()
    try:
        with weights.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise ModelError(f"{weights} cannot be read ({error}). {COPY_AGAIN}") from error
    if digest.hexdigest() != stage.sha256:
        raise ModelError(f"{weights} is damaged or not the file its card describes (checksum differs). {COPY_AGAIN}")


def _check_channels(network: torch.nn.Module, stage: StageCard) -> None:
    for what, names in (("in_channels", stage.inputs), ("out_channels", stage.outputs)):
        built = getattr(network, what, len(names))
        if built != len(names):
            raise ModelError(
                f"Stage {stage.name!r} names {len(names)} channels ({', '.join(names)}) but its network has "
                f"{what}={built}. Correct model.json."
            )
