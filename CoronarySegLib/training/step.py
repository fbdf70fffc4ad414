"""One optimiser step: batches in, weights moved or left alone, and what the log wants to know about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from .config import TrainConfig
from .distributed import Workers
from .hardware import Hardware
from .loading import Batch
from .objective import Objective
from .state import TrainState


@dataclass(frozen=True)
class StepValues:
    """``loss`` and its ``parts`` are means over the batches of the step, not a number when the step was left out.

    ``moved`` is False when nothing was learned, but True when a gradient scaler had only to find its scale.
    """

    loss: float
    gradient_norm: float
    moved: bool
    parts: dict[str, float] = field(default_factory=dict)


def take_step(state: TrainState, batches: Sequence[Batch], objective: Objective, config: TrainConfig,
              hardware: Hardware, workers: Workers, rate: float) -> StepValues:
    """Forward, backward and one step of the optimiser over ``batches`` together, a discriminator's step before it."""
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    state.optimiser.zero_grad(set_to_none=True)
    buffers = list(state.network.buffers())
    kept = [buffer.clone() for buffer in buffers]
    loss, parts = 0.0, {}
    for batch in batches:
        total, of_batch = _loss(state, batch, objective, hardware, workers, rate)
        value = float(total.detach())
        loss += value / len(batches)
        for name, part in of_batch.items():
            parts[name] = parts.get(name, 0.0) + float(part) / len(batches)
        if workers.any(not math.isfinite(value), total.device):
            # One NaN in the running statistics of a normalisation would stay there for good.
            torch._foreach_copy_(buffers, kept)
            return StepValues(math.nan, math.nan, False, parts)
        state.scaler.scale(total / len(batches)).backward()
    workers.average(state.network.parameters())
    norm = _descend(state, config)
    return StepValues(loss, norm, math.isfinite(norm) or state.scaler.is_enabled(), parts)


def _loss(state: TrainState, batch: Batch, objective: Objective, hardware: Hardware, workers: Workers,
          rate: float) -> tuple[torch.Tensor, dict]:
    with hardware.autocast():
        outputs = state.network(batch.image)
    values = objective(outputs, batch.target, batch.weight)
    if state.critic is None:
        return values.total, {name: part.detach() for name, part in values.parts.items()}
    first = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
    answer = torch.sigmoid(first.float())
    learned = state.critic.learn(batch.image, batch.target, answer, rate, workers)
    adversarial = state.critic.cost(batch.image, answer)
    parts = {**values.parts, "adversarial": adversarial}
    return values.total + adversarial, {**{k: v.detach() for k, v in parts.items()}, "critic_loss": learned}


def _descend(state: TrainState, config: TrainConfig) -> float:
    """Clip, one optimiser step; returns the gradient norm. Nothing moves when it is not finite."""
    state.scaler.unscale_(state.optimiser)
    norm = float(torch.nn.utils.clip_grad_norm_(
        state.network.parameters(), config.gradient_clip or math.inf, foreach=True
    ))
    if state.scaler.is_enabled() or math.isfinite(norm):
        state.scaler.step(state.optimiser)
        state.scaler.update()
        if math.isfinite(norm):
            state.update_mean()
    return norm
