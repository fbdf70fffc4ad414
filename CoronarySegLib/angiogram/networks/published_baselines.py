"""The baselines of the paper on U-Net 3+ (Table 2) that segmentation_models_pytorch has: U-Net, U-Net++, DeepLabV3,
DeepLabV3+ and PSPNet, with InceptionResNetV2 as encoder.

The package is an extra (``pip install CoronarySegLib[angiography]``). Its own InceptionResNetV2 cannot be dilated, so
its two DeepLab decoders stand here on ours, which has the same layers and the same weights by name.
"""

from __future__ import annotations

import torch
from torch import nn

from ...errors import MissingPackageError
from ...networks.blocks import check_choice, check_numbers
from .images import ImageNetwork, inception_range, upsampled
from .inception_resnet_v2 import WIDTHS, InceptionResNetV2

ENCODER = "inceptionresnetv2"
ATROUS_RATES = (12, 24, 36)


class _Baseline(ImageNetwork):
    """Input (N, in_channels, z, y, x) in 0..1, output logits (N, out_channels, z, y, x); y and x multiples of 32."""

    def __init__(self, in_channels: int = 1, out_channels: int = 1):
        super().__init__()
        check_numbers(type(self).__name__, "in_channels=1, out_channels=1", out_channels=out_channels)
        check_choice(type(self).__name__, "number of input channels", in_channels, (1, 3))
        self.in_channels, self.out_channels, self.size_factor = in_channels, out_channels, (1, 32, 32)
        self._build(_package())

    def _build(self, package) -> None:
        raise NotImplementedError


class _WholeModel(_Baseline):
    """A model of the package as it is. ``self.network.encoder`` takes the published ImageNet weights."""

    model: str

    def _build(self, package) -> None:
        self.network = getattr(package, self.model)(
            ENCODER, encoder_weights=None, in_channels=3, classes=self.out_channels
        )

    @property
    def encoder(self) -> nn.Module:
        """What ImageNet weights go into."""
        return self.network.encoder

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last layers, whose bias decides what an untrained network answers."""
        return tuple(m for m in self.network.segmentation_head.modules() if isinstance(m, nn.Conv2d))

    def of_images(self, x: torch.Tensor) -> torch.Tensor:
        """(M, C, y, x) -> (M, K, y, x)."""
        return self.network(inception_range(x))


class UNet(_WholeModel):
    model = "Unet"


class UNetPlusPlus(_WholeModel):
    model = "UnetPlusPlus"


class PSPNet(_WholeModel):
    """Three levels of the encoder, as the package has it."""

    model = "PSPNet"


class DeepLabV3(_Baseline):
    """Atrous pyramid on the encoder at an eighth of the size."""

    def _build(self, package) -> None:
        from segmentation_models_pytorch.decoders.deeplabv3.decoder import DeepLabV3Decoder

        self.encoder = InceptionResNetV2(output_stride=8)
        self.decoder = DeepLabV3Decoder(WIDTHS[-1], 256, ATROUS_RATES, aspp_separable=False, aspp_dropout=0.5)
        self.head = nn.Conv2d(256, self.out_channels, 1)
        self._enlarged = 8

    @property
    def heads(self) -> tuple[nn.Module, ...]:
        """The last layers, whose bias decides what an untrained network answers."""
        return (self.head,)

    def of_images(self, x: torch.Tensor) -> torch.Tensor:
        """(M, C, y, x) -> (M, K, y, x)."""
        # The package counts the image as the first of an encoder's maps.
        features = [x, *self.encoder(inception_range(x))]
        return upsampled(self.head(self.decoder(features)), self._enlarged)


class DeepLabV3Plus(DeepLabV3):
    """Atrous pyramid at a sixteenth of the size, joined with the map at a quarter."""

    def _build(self, package) -> None:
        from segmentation_models_pytorch.decoders.deeplabv3.decoder import DeepLabV3PlusDecoder

        self.encoder = InceptionResNetV2(output_stride=16)
        self.decoder = DeepLabV3PlusDecoder(
            (3, *WIDTHS), encoder_depth=5, out_channels=256, atrous_rates=ATROUS_RATES, output_stride=16,
            aspp_separable=True, aspp_dropout=0.5,
        )
        self.head = nn.Conv2d(256, self.out_channels, 1)
        self._enlarged = 4


def _package():
    try:
        import segmentation_models_pytorch
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision that does not fit the torch beside it
        raise MissingPackageError(
            "This baseline needs the package segmentation-models-pytorch and a torchvision that fits the installed "
            f"torch ({str(error).splitlines()[0]}). Run: pip install segmentation-models-pytorch"
        ) from error
    return segmentation_models_pytorch
