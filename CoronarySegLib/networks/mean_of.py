"""Several networks that answer as one: the mean of their probabilities.

What one of them takes for a vessel by chance of its training the others mostly do not (Lakshminarayanan et al. 2017,
"Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles"). Being a network itself it is traced,
saved and run like any other, and the patches are cut and blended once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.functional import logsigmoid

from ..errors import ModelError
from .registry import build_network
from .tempered import fits_like

FIRST_MEMBER = "members.0."
"""How the names of the first network's weights begin."""


def joined_state(states: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The weights of a :class:`MeanOf` whose members have the weights ``states``."""
    return {f"members.{number}.{name}": value for number, state in enumerate(states) for name, value in state.items()}


class MeanOf(nn.Module):
    """``members`` times the network named ``network`` built with ``arguments``, each with weights of its own.

    Input (N, in_channels, z, y, x); output (N, out_channels, z, y, x) is the logit of the mean probability. Raises
    ModelError for an unknown network, for arguments it does not take and for less than one member.
    """

    def __init__(self, network: str = "ResUNet3D", arguments: Mapping[str, Any] | None = None, members: int = 2):
        super().__init__()
        if network == type(self).__name__ or not isinstance(members, int) or members < 1:
            raise ModelError(
                f"MeanOf joins one or more networks of another kind, not {members} of {network}. "
                "Correct the model card."
            )
        self.members = nn.ModuleList(build_network(network, arguments) for _ in range(members))
        fits_like(self, self.members[0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = torch.stack([member(x) for member in self.members])
        # The logit of a mean, without the probabilities themselves: those of half precision are soon 0 or 1.
        return torch.logsumexp(logsigmoid(logits), 0) - torch.logsumexp(logsigmoid(-logits), 0)
