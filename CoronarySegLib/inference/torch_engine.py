"""A network run by torch: fp16 on CUDA, bf16 on a CPU that multiplies it natively, float32 on MPS and elsewhere.

MPS stays at float32 because older torch versions have no autocast there.
"""

from __future__ import annotations

import numpy as np
import torch

from ..networks.layout import placed


class TorchEngine:
    """Runs ``network`` (logits out) on ``device`` "cpu", "cuda" or "mps".

    ``half_precision`` None decides by the hardware. Weights stay float32 and only the arithmetic is cast (autocast),
    so the norms keep their precision. Raises torch's errors, out of memory among them: see ``fallback.py``.
    """

    def __init__(self, network: torch.nn.Module, device: str = "cpu", *, half_precision: bool | None = None):
        self.device = device
        self.warnings: tuple[str, ...] = ()
        if half_precision is None:
            half_precision = device == "cuda" or (device == "cpu" and cpu_has_bf16())
        self._dtype = None
        if half_precision:
            self._dtype = torch.bfloat16 if device == "cpu" else torch.float16
        # Channels last is what the CPU's and the GPU's half precision kernels want; MPS has no such layout in 3D.
        self._layout = torch.contiguous_format if device == "mps" else torch.channels_last_3d
        self._network = placed(network.eval(), device, self._layout)
        precision = {torch.bfloat16: "bf16", torch.float16: "fp16", None: "fp32"}[self._dtype]
        self.name = f"torch {precision} on {device.upper()}"

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """(N, C, z, y, x) float32 to (N, K, z, y, x) float32 probabilities."""
        inputs = torch.from_numpy(np.ascontiguousarray(batch, np.float32))
        with torch.inference_mode():
            inputs = inputs.to(self.device).contiguous(memory_format=self._layout)
            with torch.autocast(self.device, self._dtype or torch.bfloat16, enabled=self._dtype is not None):
                logits = self._network(inputs)
            # The sigmoid is taken in float32: near 1 half precision has steps as coarse as 0.004.
            return torch.sigmoid(logits.float()).cpu().contiguous().numpy()

    def release(self) -> None:
        """Give the device's memory back; the engine is not used afterwards."""
        self._network = self._network.to("cpu")
        if self.device == "cuda":
            torch.cuda.empty_cache()
        elif self.device == "mps":
            torch.mps.empty_cache()


def cpu_has_bf16() -> bool:
    """True when the CPU multiplies bf16 natively (AVX-512 BF16 or AMX). Elsewhere bf16 is emulated and slower."""
    try:
        capabilities = torch.cpu.get_capabilities()
    except (AttributeError, RuntimeError):
        old = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name, lambda: False)() for name in old)
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def gpu_works(device: str) -> bool:
    """True when torch can compute on "cuda" or "mps", not only when it lists one (old cards, wrong drivers)."""
    available = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}[device]
    try:
        return available() and float(torch.ones(2, device=device).sum()) == 2.0
    except (RuntimeError, NotImplementedError):
        return False
