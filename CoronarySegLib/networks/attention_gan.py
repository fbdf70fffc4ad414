"""The 3D Attention-GAN of Khan and Liatsis, "Seg2RefineNet" (2025), section "Attention-GAN-based volumetric vessel
refinement": a generator that corrects a slice-wise mask in 3D, and the PatchGAN discriminator that judges it.

Read into the paper: four halvings and three doublings followed by an "output stride of 1" would answer at half the
resolution, so the output layer doubles once more; the two-class softmax is given as the difference of the two logits,
whose sigmoid is the vessel's softmax probability; the bottleneck's "output concatenated with its input" would widen
every block, so each block answers with the width of the bottleneck's input and that input is concatenated to it
(``bottleneck`` "fixed": 2C from the first block on; "growing" takes the sentence at its word). Gates are Oktay's
additive ones, MONAI's.
"""

from __future__ import annotations

import torch
from monai.networks.nets.attentionunet import AttentionBlock
from torch import nn

from .blocks import check_choice, check_input, check_numbers

PAPER = "in_channels=2, out_channels=1, base=64"
LEVELS = 4
BOTTLENECKS = ("fixed", "growing")
# What keeps the size under a kernel of 4: one voxel before, two behind.
_PAD = nn.ConstantPad3d((1, 2) * 3, 0.0)


class AttentionGANGenerator(nn.Module):
    """Input (N, 2, z, y, x): the CT and the mask to refine; output logits (N, 1, z, y, x) of the refined mask.

    ``base`` channels at the first level, doubled at each of the other three: 64 as in the paper, 16 or 32 for a
    processor. Sides must be multiples of 16 and at least 32; ModelError otherwise.
    """

    def __init__(
        self, in_channels: int = 2, out_channels: int = 1, base: int = 64, blocks: int = 4, bottleneck: str = "fixed"
    ):
        super().__init__()
        check_numbers("AttentionGANGenerator", PAPER, in_channels=in_channels, base=base, blocks=blocks)
        check_choice("AttentionGANGenerator", "number of outputs", out_channels, (1,))
        check_choice("AttentionGANGenerator", "bottleneck", bottleneck, BOTTLENECKS)
        self.in_channels, self.out_channels, self.size_factor = in_channels, out_channels, 2**LEVELS
        widths = [base * 2**level for level in range(LEVELS)]
        self.down = nn.ModuleList(
            _down(a, b) for a, b in zip((in_channels, *widths[:-1]), widths, strict=True)
        )
        self.growing = bottleneck == "growing"
        deep = widths[-1]
        self.bottleneck = nn.ModuleList()
        width = deep
        for _ in range(blocks):
            self.bottleneck.append(nn.Sequential(
                _PAD, nn.Conv3d(width, deep, 4, bias=False), nn.InstanceNorm3d(deep, affine=True),
                nn.LeakyReLU(0.2, inplace=True),
            ))
            width = width + deep if self.growing else 2 * deep
        self.up, self.gates = nn.ModuleList(), nn.ModuleList()
        for here in widths[-2::-1]:
            self.up.append(nn.Sequential(
                nn.ConvTranspose3d(width, here, 4, stride=2, padding=1, bias=False),
                nn.InstanceNorm3d(here, affine=True), nn.ReLU(inplace=True),
            ))
            self.gates.append(AttentionBlock(3, f_int=max(1, here // 2), f_g=here, f_l=here))
            width = 2 * here
        self.out = nn.ConvTranspose3d(width, 2, 4, stride=2, padding=1)

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """None: the answer is the difference of two logits, whose biases say nothing alone."""
        return ()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_input(x, self)
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
        first = x
        for block in self.bottleneck:
            x = torch.cat([block(x), x if self.growing else first], dim=1)
        for up, gate, skip in zip(self.up, self.gates, skips[-2::-1], strict=True):
            g = up(x)
            x = torch.cat([gate(g=g, x=skip), g], dim=1)
        background, vessel = self.out(x).split(1, dim=1)
        return vessel - background


class PatchDiscriminator(nn.Module):
    """Is this mask a true one for this input? (N, in_channels, z, y, x) -> logits (N, 1, z/16, y/16, x/16), one a
    local patch of the volume.

    The input is the mask (truth or generator's probability) concatenated with the generator's own input.
    """

    def __init__(self, in_channels: int = 3, base: int = 64):
        super().__init__()
        check_numbers("PatchDiscriminator", "in_channels=3, base=64", in_channels=in_channels, base=base)
        self.in_channels, self.out_channels, self.size_factor = in_channels, 1, 2**LEVELS
        widths = [base * 2**level for level in range(LEVELS)]
        self.down = nn.Sequential(*(_down(a, b) for a, b in zip((in_channels, *widths[:-1]), widths, strict=True)))
        self.head = nn.Sequential(_PAD, nn.Conv3d(widths[-1], 1, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_input(x, self)
        return self.head(self.down(x))


def _down(in_channels: int, out_channels: int) -> nn.Sequential:
    """Convolution 4x4x4 of stride 2, instance norm, LeakyReLU: half the grid."""
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, 4, stride=2, padding=1, bias=False),
        nn.InstanceNorm3d(out_channels, affine=True), nn.LeakyReLU(0.2, inplace=True),
    )
