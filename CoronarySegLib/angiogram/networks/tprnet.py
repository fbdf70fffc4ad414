"""TPRNet: topology-guided progressive refinement for coronary arteries on X-ray angiograms.

A first network looks at the whole image, a second at the square round what the first found, a third at small squares
along the centreline of what the second found; the refinement joins the three (Fig. 1, sections II.A-D).
All three are plain U-Nets with instance norm and LeakyReLU, MONAI's DynUNet; one logit stands for the two-class
softmax, of which only the difference counts. An empty first answer, or one without a centreline, is the final answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.nets import DynUNet
from torch import nn

from ...networks.blocks import check_choice, check_numbers
from ...networks.branch import Branch
from .images import ImageNetwork
from .progressive import MERGINGS, Look, Looks, look_closer

BRANCHES = ("global", "global+local", "global+local+focal")
PAPER = "channels_global=(32, 64, 128, 256, 512, 512, 512, 512), seven of them local, (32, 64, 128, 256) focal"
_WIDE = (32, 64, 128, 256, 512, 512, 512, 512)


class TPRNet(ImageNetwork):
    """Input (N, in_channels, z, y, x) in 0..1, output logits (N, out_channels, z, y, x).

    In training the outputs are the joined answer and one :class:`Branch` for each network that looked. ``branches``
    names the row of the ablation (Table II). ``local_size`` and ``focal_size`` are the sides a and b of the squares in
    pixels; ``pixels_per_point`` of the centreline make one small square. ``merging`` is "overlap" (section II.D:
    focal with local, then global; probabilities, each pixel of overlapping squares their mean) or "sequential"
    (logits: global and local, then one square after the other, half and half). The focal network joins after
    ``focal_after`` training passes: before that there is no centreline worth following.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        branches: str = BRANCHES[-1],
        channels_global: Sequence[int] = _WIDE,
        channels_local: Sequence[int] = _WIDE[:7],
        channels_focal: Sequence[int] = _WIDE[:4],
        local_size: int = 448,
        focal_size: int = 64,
        pixels_per_point: int = 64,
        merging: str = "overlap",
        focal_after: int = 0,
    ):
        super().__init__()
        check_numbers("TPRNet", PAPER, in_channels=in_channels, channels_global=channels_global,
                      channels_local=channels_local, channels_focal=channels_focal, local_size=local_size,
                      focal_size=focal_size, pixels_per_point=pixels_per_point)
        check_choice("TPRNet", "number of outputs", out_channels, (1,))
        check_choice("TPRNet", "branches", branches, BRANCHES)
        check_choice("TPRNet", "merging", merging, MERGINGS)
        self.in_channels, self.out_channels = in_channels, out_channels
        factor = 2 ** (len(channels_global) - 1)
        self.size_factor = (1, factor, factor)
        self.looks = Looks(local_size, focal_size, pixels_per_point, merging)
        self.global_net = _plain_unet(in_channels, channels_global)
        self.local_net = _plain_unet(in_channels, channels_local) if branches != BRANCHES[0] else None
        self.focal_net = _plain_unet(in_channels, channels_focal) if branches == BRANCHES[2] else None
        for side, widths in ((local_size, channels_local), (focal_size, channels_focal)):
            check_choice("TPRNet", f"rest of {side} pixels after {len(widths) - 1} halvings",
                         side % 2 ** (len(widths) - 1), (0,))
        self.focal_after = focal_after
        self.register_buffer("passes", torch.zeros((), dtype=torch.int64))

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last layers, whose bias decides what an untrained network answers."""
        return tuple(net.output_block.conv.conv for net in self.networks if net is not None)

    @property
    def networks(self) -> tuple[nn.Module, nn.Module | None, nn.Module | None]:
        """Global, local and focal network; None where the ablation leaves one out."""
        return self.global_net, self.local_net, self.focal_net

    def of_images(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor | Branch, ...]:
        """(M, C, y, x) -> (M, 1, y, x), in training the branches too."""
        focal: Look | None = self.focal_net
        if self.training:
            focal = None if int(self.passes) < self.focal_after else focal
            self.passes += 1
        answer, further = self.joined(x, self.global_net, self.local_net, focal)
        return (answer, *further) if self.training and further else answer

    def joined(self, x: torch.Tensor, first: Look, local: Look | None, focal: Look | None
               ) -> tuple[torch.Tensor, tuple[Branch, ...]]:
        """The answer and its branches, with the three looks taken by any callables of images (M, C, y, x) to logits:
        this network's own, or engines that run them elsewhere."""
        return look_closer(x, first, local, focal, self.looks)


def _plain_unet(in_channels: int, channels: Sequence[int]) -> DynUNet:
    levels = len(channels)
    return DynUNet(
        2, in_channels, 1, kernel_size=[3] * levels, strides=[1] + [2] * (levels - 1),
        upsample_kernel_size=[2] * (levels - 1), filters=list(channels), norm_name=("INSTANCE", {"affine": True}),
        act_name=("leakyrelu", {"inplace": True, "negative_slope": 0.01}),
    )
