"""Everything that decides a training run, as one frozen value that is written beside the result."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import TrainingError
from ..in_place import write_text
from .stages import StageSpec, stage_spec

SCHEDULES = ("constant", "cosine", "poly")
PRECISIONS = ("auto", "off", "bf16", "fp16")
TOPOLOGIES = ("none", "cldice", "skeleton_recall")
BETTI0_MODES = ("none", "literal", "weight")
OPTIMISERS = ("adam", "rmsprop", "sgd")
# What may differ between an interrupted run and its continuation without making it another run.
MAY_CHANGE_ON_RESUME = frozenset({
    "steps", "validate_every_steps", "checkpoint_every_minutes", "checkpoint_every_steps", "log_every_steps",
    "workers", "threads", "device", "tensorboard", "patience",
})


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run on one stage.

    Attributes
    ----------
    stage: name in :data:`~CoronarySegLib.training.stages.STAGES`.
    published: name in ``training.published`` of the system the settings were taken from; "" for our own.
    stage_changes: what the run sets otherwise than the stage does, e.g. {"spacing_mm": 0.7}; see ``stages.CHANGEABLE``.
    network, network_arguments: what ``networks.build_network`` receives; channel counts are filled in by the stage.
    patch_zyx: training patch in voxels (z, y, x); None takes the stage's own. Inference may use a larger one.
    accumulate: batches whose gradients make one step.
    steps: optimiser steps; the paper's 200 epochs are ``epochs * samples / batch`` of them (see :func:`paper_config`).
    schedule: "constant", "cosine" (down to 1 % of the rate) or "poly" (power 0.9); after ``warmup_steps`` of ramp.
    dice_weight, bce_weight: the two halves of the loss, 1:1 in the ResUNet3D paper.
    channel_weights: factor of each output channel in both halves; None means all 1.
    positive_weights: factor of the voxels inside a structure in the cross-entropy, by output channel; None means all 1.
        A structure of a few voxels a patch, such as plaque, is otherwise best left out altogether.
    vessel_share: share of vessel voxels in the data, from which the weighted cross-entropy of Seg2RefineNet (Eq. 8)
        takes its two weights; None weighs both alike.
    focal_gamma: makes the cross-entropy focal (2 is usual); 0 leaves it plain.
    topology, topology_weight: "cldice" or "skeleton_recall" on the first output, and its factor (mu of the mask-guided
        paper's Eq. 14).
    betti0: Seg2RefineNet's difference in the number of pieces, "literal" (added, without gradient) or "weight" (the
        Dice loss times one plus it).
    auxiliary_weight: factor of Dice + BCE on each of a network's further outputs (coarse mask, side outputs, branches);
        0 leaves them alone.
    critic_base: channels of the discriminator's first level; None trains without one. With it the run alternates
        between discriminator and network as in Seg2RefineNet's Algorithm 1.
    dice_smooth: added above and below in the Dice quotient; keeps patches without any vessel from dominating.
    precision: "auto" is fp16 with gradient scaling on CUDA, bf16 on a CPU that computes it natively, else float32.
    output_bias: start value of the last layer's bias. At -4 every voxel starts as background with 2 %, about the share
        of vessel; from 0 the first thousand steps are spent learning that. None leaves the network's own.
    ema_decay: weights that are validated and exported are this running mean of the trained ones; 0 switches it off.
    optimiser: "adam", "rmsprop" or "sgd" (Nesterov), of the network; a discriminator has Adam.
    adam_beta1, momentum, weight_decay: of Adam, of SGD, of all.
    encoder_weights: safetensors file of published ImageNet weights for a network's encoder; None starts from chance.
    patience: validations without a better one after which the run ends; None never ends it early.
    gradient_clip: largest gradient norm; None switches clipping off.
    augment: vary the patches (:mod:`~CoronarySegLib.training.augment`). For real images; a source that renders every
        patch anew has varied them already.
    workers: processes that make patches; 0 makes them in this one. The patches do not depend on it.
    threads: computing threads of torch; None leaves torch's choice.
    """

    stage: str = "vessels"
    published: str = ""
    stage_changes: dict[str, Any] = field(default_factory=dict)
    network: str = "ResUNet3D"
    network_arguments: dict[str, Any] = field(default_factory=dict)
    patch_zyx: tuple[int, int, int] | None = None
    batch: int = 2
    accumulate: int = 1
    steps: int = 20_000
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup_steps: int = 100
    dice_weight: float = 1.0
    bce_weight: float = 1.0
    channel_weights: tuple[float, ...] | None = None
    positive_weights: tuple[float, ...] | None = None
    dice_smooth: float = 1.0
    vessel_share: float | None = None
    focal_gamma: float = 0.0
    topology: str = "none"
    topology_weight: float = 0.5
    betti0: str = "none"
    auxiliary_weight: float = 0.5
    critic_base: int | None = None
    output_bias: float | None = -4.0
    encoder_weights: str | None = None
    precision: str = "auto"
    optimiser: str = "adam"
    adam_beta1: float = 0.9
    momentum: float = 0.99
    weight_decay: float = 0.0
    ema_decay: float = 0.999
    gradient_clip: float | None = 1.0
    channels_last: bool = True
    seed: int = 0
    augment: bool = False
    patience: int | None = None
    validate_every_steps: int = 500
    checkpoint_every_minutes: float = 5.0
    checkpoint_every_steps: int | None = None
    log_every_steps: int = 20
    workers: int = 1
    threads: int | None = None
    device: str = "auto"
    tensorboard: bool = True

    def __post_init__(self) -> None:
        spec = self.spec
        for name in ("patch_zyx", "channel_weights", "positive_weights"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else tuple(value))
        rules = [
            (self.schedule in SCHEDULES, f"schedule must be one of {', '.join(SCHEDULES)}"),
            (self.precision in PRECISIONS, f"precision must be one of {', '.join(PRECISIONS)}"),
            (min(self.batch, self.steps, self.accumulate) >= 1, "batch, steps and accumulate must be at least 1"),
            (self.topology in TOPOLOGIES, f"topology must be one of {', '.join(TOPOLOGIES)}"),
            (self.betti0 in BETTI0_MODES, f"betti0 must be one of {', '.join(BETTI0_MODES)}"),
            (self.vessel_share is None or 0 < self.vessel_share < 1, "vessel_share must lie between 0 and 1"),
            (min(self.focal_gamma, self.topology_weight, self.auxiliary_weight, self.weight_decay) >= 0,
             "focal_gamma, topology_weight, auxiliary_weight and weight_decay must be at least 0"),
            (self.optimiser in OPTIMISERS, f"optimiser must be one of {', '.join(OPTIMISERS)}"),
            (0 <= self.adam_beta1 < 1 and 0 < self.momentum < 1,
             "adam_beta1 must be at least 0, momentum above 0, and both below 1"),
            (self.critic_base is None or self.critic_base >= 1, "critic_base must be at least 1"),
            (self.patience is None or self.patience >= 1, "patience must be at least 1"),
            (self.learning_rate > 0, "learning_rate must be above 0"),
            (0 <= self.ema_decay < 1, "ema_decay must be at least 0 and below 1"),
            (self.workers >= 0, "workers must be at least 0"),
            (min(self.validate_every_steps, self.log_every_steps) >= 1, "the every_steps settings must be at least 1"),
            (self.patch_zyx is None or (len(self.patch_zyx) == 3 and min(self.patch_zyx[1:]) >= 8 and (
                self.patch_zyx[0] >= 8 or (self.patch_zyx[0] == 1 and spec.patch_zyx[0] == 1))),
             "patch_zyx must be three sizes of at least 8 voxels (one slice for a stage of slices)"),
            *((value is None or len(value) == len(spec.outputs),
               f"{name} must be {len(spec.outputs)} numbers ({', '.join(spec.outputs)})")
              for name, value in (("channel_weights", self.channel_weights),
                                  ("positive_weights", self.positive_weights))),
        ]
        broken = [text for holds, text in rules if not holds]
        if broken:
            raise TrainingError(f"The training settings do not work: {'; '.join(broken)}.")

    @property
    def spec(self) -> StageSpec:
        """The stage as this run changes it."""
        return stage_spec(self.stage, self.stage_changes)

    @property
    def patch(self) -> tuple[int, int, int]:
        """Patch in voxels (z, y, x) that is trained on."""
        return self.patch_zyx or self.spec.patch_zyx

    def built_arguments(self) -> dict[str, Any]:
        """Arguments of the network with the stage's channel counts."""
        spec = self.spec
        return {"in_channels": len(spec.inputs), "out_channels": len(spec.outputs), **self.network_arguments}

    def with_changes(self, **changes: Any) -> TrainConfig:
        return from_dict({**self.to_dict(), **changes})

    def to_dict(self) -> dict[str, Any]:
        """Plain values (lists instead of tuples), as JSON and the checkpoint hold them."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def write(self, path: str | Path) -> None:
        write_text(Path(path), json.dumps(self.to_dict(), indent=2) + "\n")


def from_dict(values: dict[str, Any]) -> TrainConfig:
    """A TrainConfig from plain values; an unknown or mistyped setting is a TrainingError that names it."""
    known = {f.name for f in dataclasses.fields(TrainConfig)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise TrainingError(f"Unknown training settings: {', '.join(unknown)}. Known ones: {', '.join(sorted(known))}.")
    try:
        return TrainConfig(**values)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"A training setting has the wrong kind of value: {error}.") from error


def read_config(path: str | Path) -> TrainConfig:
    """A TrainConfig from a JSON file; raises TrainingError when it is missing or no settings file."""
    return from_dict(read_values(path))


def read_values(path: str | Path) -> dict[str, Any]:
    """The settings that a JSON file names, unchecked, to lay over others. Raises TrainingError for no such file."""
    path = Path(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"The settings file {path} cannot be read: {error.strerror}. Check the path.") from error
    except ValueError as error:
        raise TrainingError(f"The settings file {path} is no valid JSON: {error}. Correct it.") from error
    if not isinstance(values, dict):
        raise TrainingError(f"The settings file {path} must hold one JSON object of settings.")
    return values


def paper_config(*, samples: int, epochs: int = 200, batch: int = 2, **changes: Any) -> TrainConfig:
    """The ResUNet3D paper's reading: whole volumes, Adam 1e-4 constant, Dice + BCE 1:1, 200 epochs of ``samples``.

    The paper names no running mean of the weights, no gradient clipping and no output bias, so these are off.
    """
    steps = max(1, epochs * samples // batch)
    values = {"stage": "whole", "batch": batch, "steps": steps, "learning_rate": 1e-4, "schedule": "constant",
              "warmup_steps": 0, "output_bias": None, "ema_decay": 0.0, "gradient_clip": None}
    return from_dict({**values, **changes})


def recommended_config(stage: str = "vessels", **changes: Any) -> TrainConfig:
    """Our setting for the two-step profile: a 16-wide network on 64^3 patches, cosine rate, running mean.

    Made for short runs on few cores: half the paper's width (1.4 M weights) costs a quarter of its time a step. The
    locator needs the whole heart in view and works on 144^3 voxels of 1 mm, folded by two.
    """
    values: dict[str, Any] = {
        "stage": stage, "network_arguments": {"channels": [16, 32, 64], "bottleneck": 128}, "patch_zyx": [64, 64, 64],
    }
    if stage == "whole":
        values["patch_zyx"] = None
    if stage == "locator":
        values["network_arguments"]["fold"] = 2
        values["patch_zyx"] = [144, 144, 144]
    return from_dict({**values, **changes})
