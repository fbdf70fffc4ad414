"""What runs a network, and which one to take: CUDA, MPS, OpenVINO on the CPU, torch on the CPU, in this order.

On two CPU cores OpenVINO with bf16 is about five times as fast as plain torch, so the choice decides between seconds
and minutes. Whatever is taken, the caller sees the same thing: patches in, probabilities out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..errors import MissingPackageError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cuda", "mps", "cpu", "openvino", "torch")


class Engine(Protocol):
    """``name`` is for the report ("OpenVINO bf16 on CPU"); ``warnings`` grows when something had to be given up."""

    name: str
    warnings: tuple[str, ...]

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """(N, C, z, y, x) float32 inputs to (N, K, z, y, x) float32 probabilities, as a new array."""
        ...


def choose_engine(network: torch.nn.Module, patch_shape: tuple[int, int, int], *, device: str = "auto") -> Engine:
    """The best engine for a network in eval mode that outputs logits, for patches of ``patch_shape`` (z, y, x).

    ``device``: "auto" tries CUDA, MPS, OpenVINO and torch; "cuda" and "mps" insist on that GPU; "cpu" takes OpenVINO or
    torch; "openvino" and "torch" insist on that CPU engine. An engine on a GPU carries on on the CPU when the GPU's
    memory is full, and says so in its ``warnings``. The network may be moved to the device.
    Raises MissingPackageError for an unknown device and for one that was insisted on but is not there.
    """
    from .fallback import FallbackEngine
    from .torch_engine import TorchEngine, gpu_works

    if device not in DEVICES:
        raise MissingPackageError(f"There is no device {device!r}. Choose one of: {', '.join(DEVICES)}.")
    if device in ("cuda", "mps") and not gpu_works(device):
        raise MissingPackageError(
            f"The device {device!r} was asked for, but torch finds none that works here. "
            "Choose device auto or cpu, or install a torch and a driver that support the GPU."
        )
    gpus = {"auto": ("cuda", "mps"), "cuda": ("cuda",), "mps": ("mps",)}.get(device, ())
    for gpu in gpus:
        if gpu_works(gpu):
            return FallbackEngine(TorchEngine(network, gpu), lambda: _cpu_engine(network, patch_shape, "cpu"))
    return _cpu_engine(network, patch_shape, device)


def _cpu_engine(network: torch.nn.Module, patch_shape: tuple[int, int, int], device: str) -> Engine:
    from .torch_engine import TorchEngine

    if device == "torch":
        return TorchEngine(network, "cpu")
    from .openvino_engine import OpenVINOEngine

    try:
        return OpenVINOEngine(network, patch_shape)
    except Exception as error:
        # An engine for speed alone must never be the reason that there is no result; insisting on it is another matter.
        if device == "openvino":
            if isinstance(error, MissingPackageError):
                raise
            raise MissingPackageError(
                f"OpenVINO cannot run this network here ({_first_line(error)}). Choose device cpu or torch."
            ) from error
        reason = "it is not installed" if isinstance(error, MissingPackageError) else _first_line(error)
        engine = TorchEngine(network, "cpu")
        engine.warnings = (f"OpenVINO could not be used ({reason}); torch on the CPU is slower but gives the same.",)
        return engine


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
