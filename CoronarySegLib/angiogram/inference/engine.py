"""What runs a network on angiograms: the engines of the CT systems, one for each look where a network takes several."""

from __future__ import annotations

import numpy as np
import torch

from ...inference.engines import Engine, choose_engine
from ...inference.torch_engine import gpu_works
from ...networks.blocks import check_input
from ...networks.tempered import Tempered
from ..networks.tprnet import TPRNet

_SURE = 1e-4
WORTH_OPENING = 16
"""Images from which on OpenVINO is faster than torch: opening TPRNet takes it 12 s more, an image half the time."""


def device_for(images: int, device: str) -> str:
    """``device`` as in ``inference.engines.choose_engine``, for so many images: a few are done in torch before OpenVINO
    is ready. A GPU, and an engine that was asked for by name, stay."""
    if images >= WORTH_OPENING or device not in ("auto", "cpu"):
        return device
    if device == "auto" and any(gpu_works(gpu) for gpu in ("cuda", "mps")):
        return device
    return "torch"


def choose_image_engine(network: torch.nn.Module, patch_zyx: tuple[int, int, int], *, device: str = "auto") -> Engine:
    """As ``inference.engines.choose_engine``, also for a network whose looks depend on what it finds."""
    if isinstance(network, TPRNet):
        return TPRNetEngine(network, patch_zyx, device=device)
    if isinstance(network, Tempered) and isinstance(network.network, TPRNet):
        return TPRNetEngine(network.network, patch_zyx, device=device, temperature=network.temperature)
    return choose_engine(network, patch_zyx, device=device)


class TPRNetEngine:
    """TPRNet with an engine for each of its networks: a traced graph of the whole would keep the first image's places.

    ``temperature`` divides the logits of the joined answer; ``name`` and ``warnings`` as of every engine.
    """

    def __init__(self, network: TPRNet, patch_zyx: tuple[int, int, int], *, device: str = "auto",
                 temperature: float = 1.0):
        self._network, self._temperature = network, temperature
        sides = (patch_zyx[1], min(network.looks.local_size, *patch_zyx[1:]), network.looks.focal_size)
        shapes = (patch_zyx, *((1, side, side) for side in sides[1:]))
        self._engines = [
            None if net is None else choose_engine(_OfSlices(net, network.in_channels), shape, device=device)
            for net, shape in zip(network.networks, shapes, strict=True)
        ]

    @property
    def name(self) -> str:
        return self._engines[0].name

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for engine in self._engines if engine for text in engine.warnings))

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """(N, C, 1, y, x) float32 to (N, 1, 1, y, x) float32 probabilities."""
        images = torch.from_numpy(np.ascontiguousarray(batch[:, :, 0], np.float32))
        check_input(images[:, :, None], self._network)
        with torch.inference_mode():
            answer, _ = self._network.joined(images, *(None if e is None else _look(e) for e in self._engines))
        return torch.sigmoid(answer / self._temperature)[:, :, None].numpy()


class _OfSlices(torch.nn.Module):
    """A network of images as one of volumes of one slice, which is what engines run."""

    size_factor = (1, 1, 1)

    def __init__(self, network: torch.nn.Module, in_channels: int):
        super().__init__()
        self.network, self.in_channels = network, in_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x[:, :, 0])[:, :, None]


def _look(engine: Engine):
    def look(x: torch.Tensor) -> torch.Tensor:
        probability = torch.from_numpy(engine.predict(x[:, :, None].numpy()))[:, :, 0]
        return torch.logit(probability.clamp(_SURE, 1.0 - _SURE))

    return look
