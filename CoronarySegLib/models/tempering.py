"""A copy of a model whose probabilities are softened or sharpened by a temperature, written on its card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import ModelError
from ..in_place import folder_in_place
from .folder import CARD_NAME, ModelFolder, new_folder, open_model

LAST_STAGES = {
    "two_step": ("vessels",), "whole": ("whole",), "patches": ("patches",), "vesselness": ("vesselness",),
    "slices": ("slices",), "slices_refined": ("refine",),
    # The middle one of three is the middle one after the same monotone change of all.
    "coarse_vote": ("fine16", "fine32", "fine64"),
}
"""By system, the stages whose probability is the result."""


def last_stages(model: ModelFolder) -> tuple[str, ...]:
    """Stages that a temperature belongs to. Raises ModelError for a system whose result is no network's logit."""
    system = model.card.system
    if system not in LAST_STAGES:
        raise ModelError(
            f"The probability of the system {system!r} is not the last network's own, so a temperature cannot mend it. "
            "Choose a model of another system."
        )
    return LAST_STAGES[system]


def tempered_copy(
    model: ModelFolder, temperature: float, folder: Path | str, *, figures: Mapping[str, float] | None = None
) -> ModelFolder:
    """Write ``model`` with ``temperature`` (on top of one it has) as the new folder ``folder``; ``figures`` join its
    card. Raises ModelError for a folder that is not empty, OutputError."""
    folder = new_folder(folder)
    card = model.card
    for name in last_stages(model):
        stage = card.stage(name)
        card = card.with_stage(replace(stage, temperature=round(stage.temperature * temperature, 4)))
    card = replace(card, figures={**card.figures, **(figures or {})})
    with folder_in_place(folder, "The model") as partial:
        for stage in card.stages:
            shutil.copyfile(model.path / stage.weights, partial / stage.weights)
        (partial / CARD_NAME).write_text(card.to_json(), encoding="utf-8")
    return open_model(folder)
