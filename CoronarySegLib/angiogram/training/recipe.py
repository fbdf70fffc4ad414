"""The recipe of a small model for angiograms: TPRNet of a quarter of the paper's widths, on synthetic angiograms alone.

At 512² it takes 51 GFLOP, a fifth of the published network. ``Testing/tools/train_angiogram_model.py`` follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...models import ModelFolder
from ...progress import Progress, ProgressCallback, as_progress
from ...training.config import TrainConfig, from_dict
from ...training.export import export_model
from ...training.loop import TrainResult, train
from ...training.opening import DataChoice, open_choice, read_choice
from ...training.state import CHECKPOINT, read_weights

NAME = "angiogram"
NETWORK_ARGUMENTS = {
    "channels_global": [16, 32, 64, 128, 128, 128], "channels_local": [16, 32, 64, 128, 128, 128],
    "channels_focal": [16, 32, 64, 128], "focal_after": 300,
}
DESCRIPTION = (
    "Vessels on X-ray coronary angiograms: TPRNet (global, local and focal look) of a quarter of its published widths."
)


@dataclass(frozen=True)
class AngiogramRecipe:
    """How many synthetic angiograms (twelve of a heart), how many steps, and the side of the pieces a step sees."""

    angiograms: int = 480
    steps: int = 12_000
    piece_px: int = 256


def recipe_config(recipe: AngiogramRecipe) -> TrainConfig:
    """Four pieces a step; cosine rate, running mean, every look judged by itself and all together."""
    return from_dict({
        "stage": "angiogram", "network": "TPRNet", "network_arguments": NETWORK_ARGUMENTS,
        "patch_zyx": [1, recipe.piece_px, recipe.piece_px], "batch": 4, "steps": recipe.steps, "learning_rate": 1e-3,
        "ema_decay": 0.998, "auxiliary_weight": 0.5, "augment": True, "seed": 4, "tensorboard": False,
        "stage_changes": {"profile": "recommended"}, "gradient_clip": 5.0,
        "validate_every_steps": max(1, min(500, recipe.steps // 4)), "checkpoint_every_minutes": 3,
    })


def train_angiogram_model(recipe: AngiogramRecipe, work: Path, *, data: Path | None = None,
                          initial_weights: Path | None = None,
                          progress: Progress | ProgressCallback | None = None) -> TrainResult:
    """Make the angiograms, train in ``work``, or go on there. ``data`` is a folder of images and masks to take instead.

    Raises TrainingError, OutputError, Cancelled.
    """
    report = as_progress(progress)
    run = work / "run"
    choice = DataChoice(data=str(data)) if data else DataChoice(phantoms=recipe.angiograms, cache=str(work / "cases"))
    config = recipe_config(recipe)
    source, validation = open_choice(choice, config, validation_patches=24, progress=report.part(0.0, 0.5))
    run.mkdir(parents=True, exist_ok=True)
    choice.write(run)
    return train(config, source, validation, run, progress=report.part(0.5, 1.0), resume=(run / CHECKPOINT).exists(),
                 initial_weights=initial_weights)


def export_angiogram_model(work: Path, folder: Path) -> ModelFolder:
    """The best weights of the run in ``work`` as a model folder."""
    return export_model([work / "run"], folder, name=NAME, description=DESCRIPTION, training_data=_learned_from(work))


def _learned_from(work: Path) -> str | None:
    choice, weights = read_choice(work / "run"), read_weights(work / "run", "best")
    if choice is None or choice.phantoms is None:
        return None
    size = weights.config.patch[1]
    return (f"{choice.phantoms} synthetic X-ray angiograms of generated hearts, {weights.step} steps of "
            f"{weights.config.batch} pieces of {size} x {size} pixels")
