"""Models of one kind joined to a model whose probability is the mean of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import ModelError
from ..networks.mean_of import MeanOf, joined_state
from .card import StageCard
from .folder import ModelFolder, load_stage, new_folder, save_model
from .tempering import last_stages

JOINED = MeanOf.__name__


def joined_model(models: Sequence[ModelFolder], folder: Path | str) -> ModelFolder:
    """Write the new folder ``folder`` with a model that answers with the mean probability of ``models``.

    The stages before the last are those of the first model; the last one holds the networks of all. Figures of the
    models are not those of the new one and are left out. Raises ModelError for less than two models, for models that
    differ in more than their weights and for a folder that is not empty, OutputError.
    """
    folder = new_folder(folder)
    if len(models) < 2:
        raise ModelError("Joining takes two or more models. Name another one.")
    first = models[0]
    card, last = first.card, last_stages(first)
    states = {stage.name: load_stage(first, stage.name).state_dict() for stage in card.stages if stage.name not in last}
    for name in last:
        stage = card.stage(name)
        for model in models:
            _check_alike(first, model, name)
        states[name] = joined_state([load_stage(model, name).state_dict() for model in models])
        arguments = {"network": stage.network, "arguments": stage.arguments, "members": len(models)}
        card = card.with_stage(replace(stage, network=JOINED, arguments=arguments))
    card = replace(
        card, name=folder.name, figures={},
        description=f"{card.description} The last networks of {len(models)} models, their probabilities averaged.",
        training_data=_each([model.card.training_data for model in models]),
        training_seeds=_each([model.card.training_seeds for model in models]),
    )
    return save_model(folder, card, states)


def _check_alike(first: ModelFolder, other: ModelFolder, name: str) -> None:
    names = [stage.name for stage in other.card.stages]
    if names != [stage.name for stage in first.card.stages] or _settings(other.card.stage(name)) != _settings(
        first.card.stage(name)
    ):
        raise ModelError(
            f"The models {first.card.name} and {other.card.name} differ in more than their weights and cannot be "
            "joined. Choose models of one kind, or ask how far they agree: coronaryseg uncertainty."
        )
    if other.card.stage(name).network == JOINED:
        raise ModelError(f"The model {other.card.name} is joined already. Name the models it was made of.")
    if other.card.stage(name).temperature != 1.0:
        raise ModelError(
            f"The model {other.card.name} has a temperature. Join the models as they were trained, and calibrate then."
        )


def _settings(stage: StageCard) -> StageCard:
    """All that must be the same for the networks of two models to answer the same question."""
    return replace(stage, weights="", sha256="")


def _each(texts: list[str]) -> str:
    """What the models say, each once."""
    different = list(dict.fromkeys(texts))
    return different[0] if len(different) == 1 else " ".join(f"({n}) {text}" for n, text in enumerate(different, 1))
