"""A network trained elsewhere behind the contract of ours: values 0..1 in, a logit for every named output.

What another program does between image and network and after it is put round the network here, so that the rest of the
library runs it like its own: another scale of the values, another order of the axes, classes that exclude each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ..errors import MissingPackageError, ModelError

ACTIVATIONS = ("softmax", "sigmoid")
MONAI_NETWORKS = (
    "AttentionUnet", "BasicUNet", "BasicUNetPlusPlus", "BasicUnet", "DynUNet", "FlexibleUNet", "HighResNet", "MedNeXt",
    "SegResNet", "SegResNetDS", "SwinUNETR", "UNETR", "UNet", "Unet", "VNet",
)
"""Those that map a volume to logits of its size. A name from a file is looked up here and nowhere else."""
PLANNED_NETWORKS = ("PlainConvUNet", "ResidualEncoderUNet")
USUAL: dict[str, Any] = {
    "in_channels": 1, "out_channels": 2, "channels": (32, 64, 128, 256, 320, 320), "kernels": ((3, 3, 3),) * 6,
    "strides": ((1, 1, 1), *((2, 2, 2),) * 5),
}
"""What nnU-Net plans for most CTs."""
_CLASSES = {"conv_op": nn.Conv3d, "norm_op": nn.InstanceNorm3d, "nonlin": nn.LeakyReLU, "dropout_op": None}


class ImportedNetwork(nn.Module):
    """``library`` "planned" (:class:`~.planned_unet.PlannedUNet`), "monai" or "dynamic_network_architectures" has the
    network ``target``, built with ``arguments``.

    ``outputs`` lists for every output of ours the classes of the network that it joins. With "softmax" the classes
    exclude each other and all of them are needed; "sigmoid" leaves one logit a class. The network sees
    ``scale * value + shift``. ``axes`` are our axes (of z, y, x) in the network's order, ``flips`` those of the
    network's that run against ours. ``size_factor`` by our axes: the sides of a patch are multiples of it. The defaults
    are nnU-Net's usual network for two classes.
    """

    def __init__(
        self, library: str = "planned", target: str = "PlainConvUNet", arguments: Mapping[str, Any] = USUAL,
        outputs: Sequence[Sequence[int]] = ((1,),), classes: int = 2, activation: str = "softmax", scale: float = 1.0,
        shift: float = 0.0, axes: Sequence[int] = (0, 1, 2), flips: Sequence[int] = (),
        size_factor: Sequence[int] = (32, 32, 32), in_channels: int = 1,
    ):
        super().__init__()
        _check(outputs, classes, activation, axes, flips)
        self.in_channels, self.out_channels = in_channels, len(outputs)
        self.size_factor = tuple(size_factor)
        self.outputs, self.classes, self.activation = [list(group) for group in outputs], classes, activation
        self.scale, self.shift = float(scale), float(shift)
        self._there = (0, 1, *(2 + axis for axis in axes))
        self._back = (0, 1, *(2 + tuple(axes).index(axis) for axis in range(3)))
        self._flips = [2 + axis for axis in flips]
        self.network = _built(library, target, dict(arguments))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, z, y, x), 0..1, to logits (N, K, z, y, x)."""
        x = (x * self.scale + self.shift).permute(self._there)
        answer = self.network(torch.flip(x, self._flips) if self._flips else x)
        if isinstance(answer, (list, tuple)):  # deep supervision: the last or only one has the full size
            answer = answer[-1]
        answer = torch.flip(answer, self._flips) if self._flips else answer
        return torch.cat([self._logit(answer, group) for group in self.outputs], dim=1).permute(self._back)

    def _logit(self, answer: torch.Tensor, group: list[int]) -> torch.Tensor:
        """The logit of "one of these classes"."""
        if self.activation == "sigmoid":
            return answer[:, group].amax(dim=1, keepdim=True)
        others = [number for number in range(self.classes) if number not in group]
        ours, rest = (torch.logsumexp(answer[:, part], dim=1, keepdim=True) for part in (group, others))
        return ours - rest

    def weights(self) -> dict[str, torch.Tensor]:
        """``state_dict`` without the second names of shared tensors."""
        seen: set[int] = set()
        found = {}
        for name, value in self.state_dict(keep_vars=True).items():
            if id(value) not in seen:
                seen.add(id(value))
                found[name] = value.detach()
        return found

    def load_state_dict(self, state_dict: Mapping[str, torch.Tensor], strict: bool = True, assign: bool = False):
        """As usual; the second names of shared tensors may be missing."""
        state = dict(state_dict)
        by_tensor: dict[int, torch.Tensor] = {}
        own = self.state_dict(keep_vars=True)
        for name, value in own.items():
            if name in state:
                by_tensor.setdefault(id(value), state[name])
        for name, value in own.items():
            if name not in state and id(value) in by_tensor:
                state[name] = by_tensor[id(value)]
        return super().load_state_dict(state, strict, assign)


def _built(library: str, target: str, arguments: dict[str, Any]) -> nn.Module:
    try:
        if library == "planned":
            from .planned_unet import PlannedUNet

            return PlannedUNet(**arguments)
        if library == "monai" and target in MONAI_NETWORKS:
            from monai.networks import nets

            return getattr(nets, target)(**arguments)
        if library == "dynamic_network_architectures" and target in PLANNED_NETWORKS:
            return _of_nnunet(target, arguments)
    except (TypeError, ValueError, NotImplementedError, AssertionError, KeyError) as error:
        raise ModelError(f"{target} cannot be built from {arguments}: {error}. Correct the model card.") from error
    raise ModelError(
        f"A network {target!r} of {library!r} cannot be run. Known are {', '.join(MONAI_NETWORKS)} of MONAI and "
        f"{', '.join(PLANNED_NETWORKS)} of nnU-Net."
    )


def _of_nnunet(target: str, arguments: dict[str, Any]) -> nn.Module:
    try:
        from dynamic_network_architectures.architectures import unet
    except ImportError as error:
        raise MissingPackageError(
            f"The nnU-Net architecture {target} needs dynamic-network-architectures. Run: pip install "
            "dynamic-network-architectures"
        ) from error
    known = {name: _CLASSES[name] for name in _CLASSES if arguments.get(name, name) is not None}
    return getattr(unet, target)(**{**arguments, **known, "deep_supervision": False})


def _check(
    outputs: Sequence[Sequence[int]], classes: int, activation: str, axes: Sequence[int], flips: Sequence[int]
) -> None:
    wrong = [group for group in outputs if not group or not all(0 <= number < classes for number in group)]
    if wrong or not outputs:
        raise ModelError(f"outputs {outputs!r} do not name classes of the network, which has {classes}.")
    if activation not in ACTIVATIONS or (activation == "softmax" and any(len(g) >= classes for g in outputs)):
        raise ModelError(
            f"activation is {activation!r}: known are {', '.join(ACTIVATIONS)}, and softmax needs at least one class "
            "outside of every output."
        )
    if sorted(axes) != [0, 1, 2] or not set(flips) <= {0, 1, 2}:
        raise ModelError(f"axes {tuple(axes)} and flips {tuple(flips)} must be 0, 1 and 2 (z, y, x).")
