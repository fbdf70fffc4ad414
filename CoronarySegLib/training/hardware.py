"""Which device a run computes on and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from ..errors import MissingPackageError
from .config import TrainConfig
from .shallow_grids import bfloat16_on_cpu


@dataclass(frozen=True)
class Hardware:
    """Device, reduced precision of the forward pass (None = float32) and memory layout of 5D tensors."""

    device: torch.device
    reduced: torch.dtype | None
    memory_format: torch.memory_format

    def autocast(self) -> AbstractContextManager:
        """A fresh context for one forward pass."""
        if self.reduced is None:
            return nullcontext()
        if self.device.type == "cpu":
            return bfloat16_on_cpu()
        return torch.autocast(self.device.type, dtype=self.reduced)

    def gradient_scaler(self) -> torch.amp.GradScaler:
        """Scales gradients for fp16 on CUDA; passes everything through unchanged elsewhere."""
        return torch.amp.GradScaler(self.device.type, enabled=self.reduced is torch.float16)

    @property
    def name(self) -> str:
        return f"{self.device.type} {str(self.reduced or torch.float32).removeprefix('torch.')}"


def choose_hardware(config: TrainConfig, gpu: int = 0) -> Hardware:
    """The device and precision that ``config`` asks for; ``gpu`` is the one this process takes where it may choose.

    Raises MissingPackageError when the device is not in this machine.
    """
    kind = config.device
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind == "auto":
        kind = next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available.get(kind.split(":")[0], False):
        present = ", ".join(name for name, is_there in available.items() if is_there)
        raise MissingPackageError(f"The device {kind!r} is not available here. Use one of: auto, {present}.")
    device = torch.device("cuda", gpu) if kind == "cuda" and gpu else torch.device(kind)
    layout = torch.channels_last_3d if config.channels_last and device.type != "mps" else torch.contiguous_format
    return Hardware(device, _reduced(config.precision, device), layout)


def _reduced(precision: str, device: torch.device) -> torch.dtype | None:
    if precision == "auto":
        precision = {"cuda": "fp16", "cpu": "bf16" if cpu_has_bf16() else "off"}.get(device.type, "off")
    if precision == "fp16" and device.type == "cpu":
        precision = "bf16"  # torch trains in half precision on a CPU only without gradient scaling, which underflows
    return {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def cpu_has_bf16() -> bool:
    """True when the CPU multiplies bf16 natively; emulated bf16 is slower than float32."""
    if hasattr(torch.cpu, "get_capabilities"):
        found = torch.cpu.get_capabilities()
        return bool(found.get("amx_bf16") or found.get("avx512_bf16"))
    checks = (getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
    return any(check() for check in checks if check is not None)
