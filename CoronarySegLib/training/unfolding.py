"""A network's weights as the start of one that folds voxels or sees more, and at first answers as it did; and those of
one of several networks that answer as one."""

from __future__ import annotations

import torch

from ..networks import ResUNet3D
from ..networks.mean_of import FIRST_MEMBER, MeanOf

_READS_THE_IMAGE = ("encoder.0.conv1.weight", "encoder.0.shortcut.weight")


def folded_start(weights: dict[str, torch.Tensor], network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """``weights`` as ``network`` takes them.

    Those of a plain ResUNet3D at n times the spacing become those of one with ``fold`` n, which then answers with its
    logits on block means, the same for every voxel of a block. Outputs the plain one does not have keep the network's
    own values. Where they are of a network with fewer inputs, the others are not listened to at first (weight 0). All
    other weights come back as they are.
    """
    own = network.state_dict()
    if not isinstance(network, ResUNet3D) or "folded.weight" not in own or "folded.weight" in weights:
        return _with_deaf_inputs(weights, own)
    folding, head = own["folded.weight"], own["head.weight"].clone()
    copies = folding.shape[0] // network.in_channels
    fitted = dict(weights)
    # One folded channel for each voxel of a block, channel by channel of the image.
    ordered = torch.eye(copies).reshape(copies, 1, *folding.shape[2:])
    fitted["folded.weight"] = torch.zeros_like(folding)
    for channel in range(network.in_channels):
        fitted["folded.weight"][channel * copies : (channel + 1) * copies, channel : channel + 1] = ordered
    for name in _READS_THE_IMAGE:
        fitted[name] = weights[name].repeat_interleave(copies, dim=1) / copies
    known = weights["head.weight"].shape[0]
    head[:, :known] = weights["head.weight"].transpose(0, 1).expand(-1, -1, *head.shape[2:])
    bias = own["head.bias"].clone()
    bias[:known] = weights["head.bias"]
    return {**fitted, "head.weight": head, "head.bias": bias}


def first_member(weights: dict[str, torch.Tensor], network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """``weights``; where they are of several networks that answer as one and ``network`` is none of that kind, those of
    the first."""
    if isinstance(network, MeanOf) or not any(name.startswith(FIRST_MEMBER) for name in weights):
        return weights
    return {name.removeprefix(FIRST_MEMBER): w for name, w in weights.items() if name.startswith(FIRST_MEMBER)}


def _with_deaf_inputs(weights: dict[str, torch.Tensor], own: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    fitted = {}
    for name in _READS_THE_IMAGE:
        if name not in weights or name not in own:
            continue
        given, wanted = weights[name], own[name]
        if given.shape[1] < wanted.shape[1] and given.shape[0] == wanted.shape[0]:
            fitted[name] = torch.zeros_like(wanted)
            fitted[name][:, : given.shape[1]] = given
    return {**weights, **fitted} if fitted else weights
