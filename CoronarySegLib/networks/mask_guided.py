"""The network of Zafar, Hussain and Rauf, "Mask-Guided Coarse-to-Refined Patch-Wise 3D CNN for Coronary Artery
Segmentation" (2025), section "Proposed Methodology", Eq. 1-13: a coarse mask guides a refined segmentation.

Stage I (Eq. 1-9) is a small U-Net of one pooling that answers with the coarse mask M. Stage II multiplies the features
of an encoder by 1 + alpha M (Eq. 10), weighs them by gates that see the features, the decoder and M (Eq. 11-12), and
decodes them by residual blocks (Eq. 13). Both stages learn together.

Read into the paper: Eq. 3 and 5 add tensors of different width, so the shortcut is a 1x1x1 projection; F, which the
paper calls "encoder features", comes from a residual encoder of its own with 32, 64 and 128 channels
(``share_encoder`` takes the coarse stage's instead); M is max-pooled to each level, because a vessel one voxel wide
would vanish in a mean; alpha starts at 1, one a level; the gates have the level's width and no ReLU inside; g is the
upsampled decoder feature, and the lowest level, which has no decoder feature yet, is modulated but not gated.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from .blocks import NORMS, ConvNormReLU, ResidualBlock, check_choice, check_input, check_numbers

PAPER = "in_channels=1, out_channels=1, coarse_channels=(32, 64), channels=(32, 64, 128)"


class CoarseNetwork(nn.Module):
    """Stage I. (N, C, z, y, x) -> logits of M (N, K, z, y, x), R1 at full and R2 at half resolution."""

    def __init__(self, in_channels: int, out_channels: int, channels: tuple[int, int], norm: str):
        super().__init__()
        fine, deep = channels
        self.low = ConvNormReLU(in_channels, fine, norm)
        self.low_shortcut = nn.Conv3d(in_channels, fine, 1)
        self.mid = ConvNormReLU(fine, deep, norm)
        self.mid_shortcut = nn.Conv3d(fine, deep, 1)
        self.merge = ConvNormReLU(fine + deep, fine, norm)
        self.head = nn.Conv3d(fine, out_channels, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        r1 = self.low(x) + self.low_shortcut(x)
        pooled = functional.max_pool3d(r1, 2)
        r2 = self.mid(pooled) + self.mid_shortcut(pooled)
        merged = self.merge(torch.cat([_doubled(r2), r1], dim=1))
        return self.head(merged), r1, r2


class MaskModulation(nn.Module):
    """F' = F (1 + alpha M), Eq. 10, with a learnable alpha. Shapes: F (N, C, ...), M (N, 1, ...)."""

    def __init__(self):
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(()))

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return features * (1.0 + self.alpha * mask)


class VesselAwareGate(nn.Module):
    """F'' = beta F' with beta = sigmoid(W_f F' + W_g g + W_m M + b), Eq. 11-12; one coefficient a channel and voxel."""

    def __init__(self, channels: int, decoder_channels: int):
        super().__init__()
        self.of_features = nn.Conv3d(channels, channels, 1, bias=False)
        self.of_decoder = nn.Conv3d(decoder_channels, channels, 1, bias=False)
        self.of_mask = nn.Conv3d(1, channels, 1)

    def forward(self, features: torch.Tensor, decoder: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        beta = torch.sigmoid(self.of_features(features) + self.of_decoder(decoder) + self.of_mask(mask))
        return beta * features


class MaskGuidedNet(nn.Module):
    """Input (N, in_channels, z, y, x), output logits (N, out_channels, z, y, x) of the refined mask.

    In training ``forward`` gives (refined, coarse), so that the loss can see both; :meth:`all_outputs` gives both at
    any time. Ablations: ``refine`` False answers with the coarse mask alone, ``modulation`` and ``gates`` switch Eq. 10
    and Eq. 11-12 off. With several ``out_channels`` M is the most probable of them at each voxel.
    Sides must be multiples of ``size_factor`` (4 for three levels). Raises ModelError for what does not fit.
    """

    output_names = ("", "coarse")

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        coarse_channels: Sequence[int] = (32, 64),
        channels: Sequence[int] = (32, 64, 128),
        refine: bool = True,
        modulation: bool = True,
        gates: bool = True,
        share_encoder: bool = False,
        norm: str = "batch",
    ):
        super().__init__()
        check_numbers("MaskGuidedNet", PAPER, in_channels=in_channels, out_channels=out_channels,
                      coarse_channels=coarse_channels, channels=channels)
        check_choice("MaskGuidedNet", "number of coarse levels", len(coarse_channels), (2,))
        check_choice("MaskGuidedNet", "norm", norm, NORMS)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.coarse = CoarseNetwork(in_channels, out_channels, tuple(coarse_channels), norm)
        self.refine, self.share_encoder = refine, share_encoder
        widths = tuple(coarse_channels) if share_encoder else tuple(channels)
        self.size_factor = 2 ** (len(widths) - 1) if refine else 2
        if not refine:
            return
        before = (in_channels, *widths[:-1])
        self.encoder = nn.ModuleList(
            () if share_encoder else (ResidualBlock(a, b, norm) for a, b in zip(before, widths, strict=True))
        )
        self.modulation = nn.ModuleList(MaskModulation() for _ in widths) if modulation else None
        # From the lowest level up, as the decoder goes.
        steps = list(zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.gates = nn.ModuleList(VesselAwareGate(here, below) for here, below in steps) if gates else None
        self.decoder = nn.ModuleList(ResidualBlock(here + below, here, norm) for here, below in steps)
        self.head = nn.Conv3d(widths[0], out_channels, 1)

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last layers, whose bias decides what an untrained network answers."""
        return (self.head, self.coarse.head) if self.refine else (self.coarse.head,)

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        outputs = self.all_outputs(x)
        return outputs if self.training and len(outputs) > 1 else outputs[0]

    def all_outputs(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits of the refined and of the coarse mask; of the coarse one alone without refinement."""
        check_input(x, self)
        coarse, r1, r2 = self.coarse(x)
        if not self.refine:
            return (coarse,)
        features = self._features(x, (r1, r2))
        mask = torch.sigmoid(coarse).amax(dim=1, keepdim=True)
        masks = [mask]
        for _ in features[1:]:
            masks.append(functional.max_pool3d(masks[-1], 2))
        if self.modulation is not None:
            features = [m(f, mask) for m, f, mask in zip(self.modulation, features, masks, strict=True)]
        return self._decoded(features, masks), coarse

    def _features(self, x: torch.Tensor, shared: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
        """F of every level, fine to coarse."""
        if self.share_encoder:
            return list(shared)
        features = []
        for level, block in enumerate(self.encoder):
            x = block(functional.max_pool3d(x, 2) if level else x)
            features.append(x)
        return features

    def _decoded(self, features: list[torch.Tensor], masks: list[torch.Tensor]) -> torch.Tensor:
        y = features[-1]
        for step, block in enumerate(self.decoder):
            level = len(features) - 2 - step
            g, here = _doubled(y), features[level]
            if self.gates is not None:
                here = self.gates[step](here, g, masks[level])
            y = block(torch.cat([here, g], dim=1))
        return self.head(y)


def _doubled(x: torch.Tensor) -> torch.Tensor:
    """Nearest-neighbour upsampling by two, the paper's UpSampling3D."""
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
