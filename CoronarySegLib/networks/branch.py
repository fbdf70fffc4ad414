"""What a network gives that looked at a part of its input only."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Branch:
    """Logits (N, K, z, y, x) of one branch and ``region`` (N, 1, z, y, x), 1 where the branch looked and 0 elsewhere:
    a loss judges a branch only there."""

    logits: torch.Tensor
    region: torch.Tensor
