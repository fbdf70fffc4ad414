"""Everything that changes while training, and its way to disk and back without losing a bit."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch.optim.swa_utils import AveragedModel

from ..errors import TrainingError
from ..in_place import file_in_place
from ..models.folder import read_tensors
from ..networks import build_network
from ..networks.layout import placed
from .config import MAY_CHANGE_ON_RESUME, TrainConfig, from_dict
from .critic import Critic
from .hardware import Hardware
from .unfolding import first_member, folded_start

CHECKPOINT = "checkpoint.pt"
BEST = "best.safetensors"
LAST = "last.safetensors"
_VERSION = 1


@dataclass
class TrainState:
    """Network, running mean, optimiser, scaler, discriminator (None without one) and counters.

    ``step`` is the next step to take.
    """

    network: torch.nn.Module
    mean: AveragedModel | None
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    step: int = 0
    skipped: int = 0
    skipped_in_a_row: int = 0
    seconds: float = 0.0
    best_dice: float = -1.0
    validations_since_best: int = 0
    scores: dict[str, Any] = field(default_factory=dict)
    critic: Critic | None = None

    @property
    def exported(self) -> torch.nn.Module:
        """The network whose weights count: the running mean if there is one."""
        return self.network if self.mean is None else self.mean.module

    def update_mean(self) -> None:
        if self.mean is not None:
            self.mean.update_parameters(self.network)


def new_state(config: TrainConfig, hardware: Hardware, initial_weights: Path | None = None) -> TrainState:
    """A network initialised from ``config.seed`` (or from a safetensors file), with optimiser and running mean."""
    torch.manual_seed(config.seed)
    network = build_network(config.network, config.built_arguments())
    if config.output_bias is not None:
        _set_output_bias(network, config.output_bias)
    if initial_weights is not None:
        _load_initial(network, initial_weights)
    elif config.encoder_weights is not None:
        _load_encoder(network, config)
    network = placed(network, hardware.device, hardware.memory_format)
    mean = None
    if config.ema_decay > 0:
        # Buffers too: the normalisation's running statistics must belong to the averaged weights, not to the latest.
        mean = AveragedModel(network, multi_avg_fn=_mean_with_warm_up(config.ema_decay), use_buffers=True)
    critic = None if config.critic_base is None else Critic(config, hardware)
    return TrainState(network.train(), mean, _optimiser(network, config), hardware.gradient_scaler(), critic=critic)


def _optimiser(network: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    values = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if config.optimiser == "rmsprop":
        return torch.optim.RMSprop(network.parameters(), **values)
    if config.optimiser == "sgd":
        return torch.optim.SGD(network.parameters(), momentum=config.momentum, nesterov=True, **values)
    return torch.optim.Adam(network.parameters(), betas=(config.adam_beta1, 0.999), **values)


def _load_encoder(network: torch.nn.Module, config: TrainConfig) -> None:
    from ..angiogram.networks.inception_resnet_v2 import load_published

    encoder = getattr(network, "encoder", None)
    if not hasattr(encoder, "conv2d_7b"):
        raise TrainingError(f"{config.network} has no encoder with published weights. Leave encoder_weights out.")
    load_published(encoder, config.encoder_weights)


def _mean_with_warm_up(decay: float):
    @torch.no_grad()
    def update(means, values, count) -> None:
        # A fixed 0.999 would hold the random start for thousands of steps; early on the mean follows faster.
        now = min(decay, (1.0 + float(count)) / (10.0 + float(count)))
        if means[0].is_floating_point():
            torch._foreach_lerp_(list(means), list(values), 1.0 - now)
        else:
            torch._foreach_copy_(list(means), list(values))

    return update


def _set_output_bias(network: torch.nn.Module, value: float) -> None:
    for layer in network.heads:
        if layer.bias is not None:
            torch.nn.init.constant_(layer.bias, value)


def _load_initial(network: torch.nn.Module, path: Path) -> None:
    try:
        network.load_state_dict(folded_start(first_member(read_tensors(path), network), network))
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"The start weights {path} cannot be read: {error}. Give a .safetensors file.") from error
    except RuntimeError as error:
        raise TrainingError(
            f"The start weights {path} do not fit the network of this run. Use the same network and arguments. "
            f"({error})"
        ) from error


def save_checkpoint(state: TrainState, config: TrainConfig, folder: Path) -> None:
    """Write the checkpoint and the weights of this step, each whole or not at all. Raises OutputError."""
    values = {
        "version": _VERSION, "config": config.to_dict(), "step": state.step, "skipped": state.skipped,
        "skipped_in_a_row": state.skipped_in_a_row, "seconds": state.seconds, "best_dice": state.best_dice,
        "scores": state.scores, "network": state.network.state_dict(),
        "mean": None if state.mean is None else state.mean.state_dict(),
        "optimiser": state.optimiser.state_dict(), "scaler": state.scaler.state_dict(),
        "critic": None if state.critic is None else state.critic.state_dict(),
        "validations_since_best": state.validations_since_best,
        "torch_rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    with file_in_place(folder / CHECKPOINT) as partial:
        torch.save(values, partial)
    save_weights(state, config, folder / LAST)


def save_weights(state: TrainState, config: TrainConfig, path: Path) -> None:
    """The weights that count as safetensors; settings, step and scores travel in its header."""
    notes = {"config": config.to_dict(), "step": state.step, "scores": state.scores, "seconds": state.seconds}
    weights = {
        name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.exported.state_dict().items()
    }
    with file_in_place(path) as partial:
        save_file(weights, partial, metadata={"training": json.dumps(notes)})


@dataclass(frozen=True)
class TrainedWeights:
    """Weights of one stage with the settings and scores they were reached with."""

    state_dict: dict[str, torch.Tensor]
    config: TrainConfig
    step: int
    scores: dict[str, Any]
    seconds: float


def read_weights(run_folder: str | Path, which: str = "best") -> TrainedWeights:
    """The ``"best"`` (by validation) or ``"last"`` weights of a run; raises TrainingError when they are not there."""
    path = Path(run_folder) / {"best": BEST, "last": LAST}[which]
    if not path.is_file():
        raise TrainingError(f"{run_folder} holds no {path.name}. Train until the first validation or checkpoint.")
    try:
        with safe_open(path, framework="pt") as handle:
            notes = json.loads((handle.metadata() or {})["training"])
        weights = load_file(path)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise TrainingError(f"{path} is damaged or was not written by a training run: {error}.") from error
    return TrainedWeights(weights, from_dict(notes["config"]), notes["step"], notes["scores"], notes["seconds"])


def read_checkpoint(folder: Path) -> dict[str, Any]:
    """The raw checkpoint of a run folder; raises TrainingError when there is none or it cannot be read."""
    path = folder / CHECKPOINT
    if not path.is_file():
        raise TrainingError(f"There is no checkpoint in {folder} to resume from. Start without resuming.")
    try:
        # weights_only: a checkpoint from elsewhere must not be able to run code.
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen unrelated kinds for damaged files
        raise TrainingError(
            f"The checkpoint {path} is damaged ({type(error).__name__}). Start a new run; {BEST} beside it still holds "
            "the best weights to start from."
        ) from error
    if not isinstance(values, dict) or values.get("version") != _VERSION:
        raise TrainingError(f"{path} was written by another version of the training. Start a new run.")
    return values


def restore(state: TrainState, values: dict[str, Any], config: TrainConfig) -> None:
    """Put a checkpoint into a fresh ``state``; raises TrainingError when ``config`` describes another run."""
    before, now = values["config"], config.to_dict()
    changed = sorted(k for k in now if k not in MAY_CHANGE_ON_RESUME and before.get(k, now[k]) != now[k])
    if changed:
        raise TrainingError(
            f"The run to resume was started with other settings ({', '.join(changed)}). Resume with the same ones, or "
            "start a new run in another folder."
        )
    state.network.load_state_dict(values["network"])
    if state.mean is not None and values["mean"] is not None:
        state.mean.load_state_dict(values["mean"])
    state.optimiser.load_state_dict(values["optimiser"])
    state.scaler.load_state_dict(values["scaler"])
    if state.critic is not None:
        state.critic.load_state_dict(values["critic"])
    # Missing in checkpoints from before runs could end early.
    state.validations_since_best = values.get("validations_since_best", 0)
    for name in ("step", "skipped", "skipped_in_a_row", "seconds", "best_dice", "scores"):
        setattr(state, name, values[name])
    torch.set_rng_state(values["torch_rng"])
    if values["cuda_rng"] and torch.cuda.is_available() and len(values["cuda_rng"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(values["cuda_rng"])
