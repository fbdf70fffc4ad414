"""The networks a model card can name, and how one is built from the card."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import ModelError

if TYPE_CHECKING:
    import torch

# name in model.json -> (module of this package, class); those on angiograms are in a package of their own.
# The name is a contract: shipped cards carry it.
NETWORKS = {
    "ResUNet3D": ("resunet3d", "ResUNet3D"),
    "MaskGuidedNet": ("mask_guided", "MaskGuidedNet"),
    "SFANet": ("sfanet", "SFANet"),
    "AttentionGANGenerator": ("attention_gan", "AttentionGANGenerator"),
    "PatchUNet": ("patch_unet", "PatchUNet"),
    "AttentionUNet3D": ("monai_networks", "AttentionUNet3D"),
    "UNet3D": ("monai_networks", "UNet3D"),
    "UNetPlusPlus3D": ("monai_networks", "UNetPlusPlus3D"),
    "ImportedNetwork": ("imported", "ImportedNetwork"),
    "MeanOf": ("mean_of", "MeanOf"),
    **{name: (f".angiogram.networks.{module}", name) for module, names in (
        ("unet3plus", ("UNet3Plus",)), ("tprnet", ("TPRNet",)), ("cgnet", ("CGNet",)),
        ("published_baselines", ("UNet", "UNetPlusPlus", "DeepLabV3", "DeepLabV3Plus", "PSPNet")),
    ) for name in names},
}


def network_names() -> tuple[str, ...]:
    """The names that :func:`build_network` accepts."""
    return tuple(sorted(NETWORKS))


def build_network(name: str, arguments: Mapping[str, Any] | None = None) -> torch.nn.Module:
    """A freshly initialised network ``name`` with keyword ``arguments`` (JSON values: lists serve as tuples).

    Raises ModelError for an unknown name or an argument that the network does not take.
    """
    if name not in NETWORKS:
        raise ModelError(f"There is no network {name!r}. Known networks: {', '.join(network_names())}.")
    module_name, class_name = NETWORKS[name]
    network_class = getattr(import_module(f".{module_name}", __package__), class_name)
    known = [parameter for parameter in inspect.signature(network_class).parameters if parameter != "self"]
    arguments = dict(arguments or {})
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        raise ModelError(f"{name} takes no argument {', '.join(unknown)}. Its arguments are: {', '.join(known)}.")
    for key, value in arguments.items():
        if isinstance(value, list):
            arguments[key] = tuple(value)
    try:
        return network_class(**arguments)
    except TypeError as error:
        raise ModelError(f"{name} cannot be built from {arguments}: {error}. Correct the model card.") from error
