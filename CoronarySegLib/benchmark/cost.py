"""What a model costs before it has computed anything: its weights, and the operations of one patch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..models import ModelCard, StageCard
from ..networks import build_network


@dataclass(frozen=True)
class Cost:
    """``weights`` of all stages together; ``gflops_by_patch`` by stage: 1e9 operations (a multiplication and an
    addition are two) for one patch of the stage's size."""

    weights: int
    gflops_by_patch: dict[str, float]


def cost_of(card: ModelCard) -> Cost:
    """Of every stage of a model, counted on tensors without memory. Raises ModelError for an unknown network."""
    weights, operations = 0, {}
    for stage in card.stages:
        with torch.device("meta"):
            network = build_network(stage.network, stage.arguments).eval()
        weights += sum(parameter.numel() for parameter in network.parameters())
        operations[stage.name] = _operations(network, stage) / 1e9
    return Cost(weights, operations)


def _operations(network: torch.nn.Module, stage: StageCard) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, len(stage.inputs), *stage.patch_zyx, device="meta"))
    return counter.get_total_flops()
