"""A model that needs no training, for trying the speed benchmark: the real networks with weights set by hand.

Its answer depends on the HU of a voxel alone, and :func:`painted` gives a phantom HU that answer to. The cost per patch
is that of the paper's widths, because the convolutions run as always; what they say is not passed on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from CoronarySegLib.models import ModelCard, ModelFolder, StageCard, save_model
from CoronarySegLib.networks import build_network
from CoronarySegLib.phantom import Phantom
from CoronarySegLib.volume import Volume

WIDTHS = {"channels": [32, 64, 128], "bottleneck": 256}
CORONARY_HU = 1400
EVERYTHING_ELSE_HU = 600
HIGH, NEVER = 9000.0, 8000.0
BANDS = {
    "locator": {"heart": (-200.0, HIGH), "left": (680.0, HIGH), "right": (680.0, HIGH)},
    "vessels": {"lumen": (800.0, HIGH), "calcium": (NEVER, HIGH), "vein": (NEVER, HIGH)},
}
HU_WINDOW = (-500.0, 1500.0)
STEEPNESS = 60.0


def save_stand_in(folder: Path) -> ModelFolder:
    """Write the stand-in as a model folder of the recommended profile."""
    stages, states = [], {}
    for name, inputs, spacing_mm in (("locator", ("ct",), 2.0), ("vessels", ("ct", "left_prior", "right_prior"), 0.5)):
        bands = BANDS[name]
        arguments = {"in_channels": len(inputs), "out_channels": len(bands), **WIDTHS}
        states[name] = _by_hand(arguments, tuple(bands.values())).state_dict()
        stages.append(
            StageCard(name, "ResUNet3D", arguments, inputs, tuple(bands), spacing_mm, (96, 96, 96), HU_WINDOW)
        )
    card = ModelCard(
        "stand-in", "recommended", "0", "Thresholds on HU, for measuring speed only.", tuple(stages), "none", "none"
    )
    return save_model(folder, card, states)


def painted(phantom: Phantom) -> Volume:
    """The phantom's CT with the coronaries brighter than anything else."""
    array = np.minimum(phantom.ct.array, EVERYTHING_ELSE_HU)
    array[phantom.labels.array > 0] = CORONARY_HU
    return phantom.ct.with_array(array)


def _by_hand(arguments: dict, bands: tuple[tuple[float, float], ...]) -> torch.nn.Module:
    """Only the shortcuts of the finest level reach the head; the deeper levels compute and are then ignored."""
    torch.manual_seed(0)
    network = build_network("ResUNet3D", arguments)
    first, last = network.encoder[0], network.decoder[-1]
    with torch.no_grad():
        for module in (first, last, network.head):
            for parameter in module.parameters():
                parameter.zero_()
        first.shortcut.weight[:, 0] = 1.0
        width = first.shortcut.out_channels
        for k, (low, high) in enumerate(bands):
            first.shortcut.bias[1 + k] = -_windowed(high)
            network.head.weight[k, 0] = STEEPNESS
            network.head.weight[k, 1 + k] = -20 * STEEPNESS
            network.head.bias[k] = -STEEPNESS * _windowed(low)
        for k in range(1 + len(bands)):
            last.shortcut.weight[k, width + k] = 1.0
    return network.eval()


def _windowed(hu: float) -> float:
    return (hu - HU_WINDOW[0]) / (HU_WINDOW[1] - HU_WINDOW[0])
