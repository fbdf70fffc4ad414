"""The recipe of the shipped model: phantoms, locator, its priors, vessels, model folder. Every part can be resumed.

``Testing/tools/train_shipped_model.py`` follows it. A run that was interrupted goes on where it was when the same
command is given again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ..models import ModelFolder
from ..networks import build_network
from ..progress import Progress, ProgressCallback, as_progress
from .config import TrainConfig, recommended_config
from .loop import TrainResult, train
from .phantom_cases import prepare_case
from .phantom_opening import prepared
from .phantom_source import LocatorSource, VesselSource
from .priors import store_priors
from .sources import fixed_patches
from .state import CHECKPOINT, read_weights

FIRST_SEED = 10_000
HELD_BACK = 2
"""The first so many cases validate and are never trained on."""


@dataclass(frozen=True)
class Recipe:
    """How long each part runs. Steps are optimiser steps; see :func:`locator_config` and :func:`vessels_config`."""

    phantoms: int = 60
    locator_steps: int = 900
    vessels_steps: int = 8000


def locator_config(steps: int) -> TrainConfig:
    """Two views of 144 mm at 1 mm a step; heart and veins count less than the trees, which are the aim."""
    return recommended_config(
        "locator", batch=2, steps=steps, learning_rate=2e-3, ema_decay=0.99, warmup_steps=30,
        channel_weights=[0.3, 1.0, 1.0, 0.4], validate_every_steps=100, checkpoint_every_minutes=2, threads=2, seed=1,
    )


def vessels_config(steps: int) -> TrainConfig:
    """Four patches of 32 mm at 0.5 mm a step; lumen counts most, calcium and veins are there to be told from it."""
    return recommended_config(
        "vessels", batch=4, steps=steps, learning_rate=1.5e-3, ema_decay=0.998, channel_weights=[1.0, 0.4, 0.3],
        positive_weights=[1.0, 20.0, 1.0],
        validate_every_steps=250, checkpoint_every_minutes=4, threads=2, seed=2,
    )


def train_stage(
    source: type[LocatorSource] | type[VesselSource],
    config: TrainConfig,
    cases: Sequence[Path],
    run: Path,
    progress: Progress | ProgressCallback | None = None,
    *,
    validation_patches: int,
    initial_weights: Path | None = None,
) -> TrainResult:
    """Train a stage in ``run``, or go on there; the vessels' cases need their priors.

    A run that is new starts from ``initial_weights`` (safetensors) where they are given.
    """
    validation = fixed_patches(source(cases[:HELD_BACK], config.patch), validation_patches)
    return train(
        config, source(cases[HELD_BACK:], config.patch), validation, run, progress=progress,
        resume=(run / CHECKPOINT).exists(), initial_weights=initial_weights,
    )


def trained_network(run: Path, which: str = "best") -> torch.nn.Module:
    """The network of a run folder with its weights, in eval mode."""
    weights = read_weights(run, which)
    network = build_network(weights.config.network, weights.config.built_arguments())
    network.load_state_dict(weights.state_dict)
    return network.eval()


def follow(
    recipe: Recipe,
    work: Path,
    progress: Progress | ProgressCallback | None = None,
    *,
    start_from: ModelFolder | None = None,
) -> tuple[Path, Path]:
    """All parts in order below ``work``; returns the two run folders. ``start_from``: whose weights both begin with."""
    report = as_progress(progress)
    cases_folder, locator_run, vessels_run = work / "cases", work / "locator", work / "vessels"
    seeds = range(FIRST_SEED, FIRST_SEED + recipe.phantoms)
    cases = prepared(prepare_case, seeds, cases_folder, report.part(0.0, 0.1))
    train_stage(
        LocatorSource, locator_config(recipe.locator_steps), cases, locator_run, report.part(0.1, 0.25),
        validation_patches=8, initial_weights=_weights_of(start_from, "locator"),
    )
    store_priors(cases, trained_network(locator_run), progress=report.part(0.25, 0.3))
    train_stage(
        VesselSource, vessels_config(recipe.vessels_steps), cases, vessels_run, report.part(0.3, 1.0),
        validation_patches=24, initial_weights=_weights_of(start_from, "vessels"),
    )
    return locator_run, vessels_run


def _weights_of(folder: ModelFolder | None, stage: str) -> Path | None:
    return None if folder is None else folder.path / folder.card.stage(stage).weights
