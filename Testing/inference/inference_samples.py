"""Networks whose answer is known in advance, and a volume that looks like a heart to them.

A ResUNet3D with all 3x3x3 convolutions at zero passes its input through the shortcuts untouched. With the shortcut and
the head set by hand it is a function of the voxel value alone: a real network of the library, with a known answer.
"""

import numpy as np
import torch

from CoronarySegLib.models import ModelCard, StageCard, save_model
from CoronarySegLib.networks import build_network
from CoronarySegLib.volume import Geometry, Volume

STEEPNESS = 60.0
HEART_HU, LEFT_HU, RIGHT_HU = 150.0, 500.0, 800.0
HEART_RADIUS_MM = 50.0


def windowed(hu):
    return (hu + 500.0) / 1500.0


def voxelwise_network(inputs, bands, channel=0):
    """One output per (low, high) HU band of an input; a band's probability is above 0.5 inside, below outside."""
    # As wide as the input the block would have no shortcut to set by hand: then one feature stays unused.
    width = 1 + len(bands) + (inputs == 1 + len(bands))
    network = build_network(
        "ResUNet3D", {"in_channels": inputs, "out_channels": len(bands), "channels": [width], "bottleneck": 1}
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        # Features: the value itself, and for each band what exceeds its upper end.
        encoder, decoder = network.encoder[0], network.decoder[0]
        encoder.shortcut.weight[:, channel] = 1.0
        for k in range(width):
            decoder.shortcut.weight[k, width + k] = 1.0
        for k, (low, high) in enumerate(bands):
            encoder.shortcut.bias[1 + k] = -windowed(high)
            network.head.weight[k, 0] = STEEPNESS
            network.head.weight[k, 1 + k] = -20 * STEEPNESS
            network.head.bias[k] = -STEEPNESS * windowed(low)
    return network.eval()


def save_two_stage_model(path, *, patch=64, heart_band=(50, 3000), mirror_axes=()):
    networks = {
        "locator": voxelwise_network(1, [heart_band, (400, 650), (700, 3000)]),
        "vessels": voxelwise_network(3, [(350, 3000), (1200, 3000), (2000, 3000)]),
    }
    stages = tuple(
        StageCard(
            name, "ResUNet3D",
            {"in_channels": len(sees), "out_channels": len(says), "channels": [networks[name].head.in_channels],
             "bottleneck": 1},
            sees, says, spacing, (side,) * 3, mirror_axes=mirror_axes,
        )
        for name, sees, says, spacing, side in (
            ("locator", ("ct",), ("heart", "left", "right"), 2.0, 64),
            ("vessels", ("ct", "left_prior", "right_prior"), ("lumen", "calcium", "vein"), 1.0, patch),
        )
    )
    card = ModelCard("by hand", "recommended", "0", "answers by HU", stages, "none", "none")
    return save_model(path, card, {name: network.state_dict() for name, network in networks.items()})


def save_whole_model(path, *, patch_zyx=(16, 32, 32)):
    network = voxelwise_network(1, [(350, 3000)])
    stage = StageCard(
        "whole", "ResUNet3D", {"in_channels": 1, "out_channels": 1, "channels": [2], "bottleneck": 1},
        ("ct",), ("lumen",), None, patch_zyx,
    )
    card = ModelCard("by hand", "paper", "0", "answers by HU", (stage,), "none", "none")
    return save_model(path, card, {"whole": network.state_dict()})


def heart_volume(*, left=True, right=True, radius_mm=HEART_RADIUS_MM, spacing_mm=2.0, heart=True):
    """A ball of 150 HU in air with a bright bar of 8 mm on its left (500 HU) and one on its right (800 HU)."""
    side = int(140 / spacing_mm)
    geometry = Geometry((side,) * 3, (spacing_mm,) * 3, (-70.0,) * 3)
    z, y, x = np.meshgrid(*[np.arange(side) * spacing_mm - 70.0] * 3, indexing="ij")
    array = np.full((side,) * 3, -1000.0, np.float32)
    if heart:
        array[x**2 + y**2 + z**2 < radius_mm**2] = HEART_HU
    bar = (np.abs(y) < 5) & (np.abs(z) < 25)
    if left:
        array[bar & (np.abs(x - 25) < 5)] = LEFT_HU
    if right:
        array[bar & (np.abs(x + 25) < 5)] = RIGHT_HU
    return Volume(array, geometry, source="ball")
