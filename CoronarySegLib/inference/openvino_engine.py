"""A network run by OpenVINO on the CPU: the fastest way without a GPU.

Converted in memory from the torch module: no file is written and no second set of weights is shipped.
"""

from __future__ import annotations

import copy
import warnings

import numpy as np
import torch

from ..errors import MissingPackageError

TRACE_SIDE = 16


class _Probability(torch.nn.Module):
    """The network with its sigmoid, so that the graph holds both."""

    def __init__(self, network: torch.nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.network(x))


class OpenVINOEngine:
    """Runs ``network`` (logits out) for patches of exactly ``patch_shape`` (z, y, x).

    A fixed shape lets OpenVINO plan all memory once. ``half_precision`` None takes bf16 where the CPU has it.
    Raises MissingPackageError when OpenVINO is not installed, and its RuntimeError when it cannot convert the network.
    """

    def __init__(
        self, network: torch.nn.Module, patch_shape: tuple[int, int, int], *, half_precision: bool | None = None
    ):
        try:
            import openvino
        except ImportError as error:
            raise MissingPackageError("OpenVINO is not installed. Run: pip install openvino") from error

        self.warnings: tuple[str, ...] = ()
        shape = [1, getattr(network, "in_channels", 1), *patch_shape]
        core = openvino.Core()
        if half_precision is None:
            half_precision = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        traced = _traced(network, shape[1], patch_shape)
        model = openvino.convert_model(traced, input=[openvino.PartialShape(shape)])
        self._compiled = core.compile_model(
            model,
            "CPU",
            {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "bf16" if half_precision else "f32"},
        )
        self._request = self._compiled.create_infer_request()
        self.name = f"OpenVINO {'bf16' if half_precision else 'fp32'} on CPU"

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """(N, C, z, y, x) float32 to (N, K, z, y, x) float32 probabilities."""
        outputs = []
        for patch in batch:
            inputs = np.ascontiguousarray(patch[None], np.float32)
            # The request owns its output and overwrites it with the next patch: hence the copy.
            outputs.append(np.array(self._request.infer([inputs], share_inputs=True)[0][0], np.float32))
        return np.stack(outputs)


def _traced(network: torch.nn.Module, channels: int, patch_shape: tuple[int, int, int]) -> torch.jit.ScriptModule:
    """The network's graph. Traced on a small cube: at the patch's own size that would cost a whole forward pass.

    A network of slices has their size in its graph and is traced on one.
    """
    factor = getattr(network, "size_factor", 1)
    shape = (max(TRACE_SIDE, 2 * factor),) * 3 if isinstance(factor, int) else patch_shape
    module = _Probability(copy.deepcopy(network).to("cpu", memory_format=torch.contiguous_format)).eval()
    with warnings.catch_warnings(), torch.no_grad():
        # torch announces the end of tracing, but it is what OpenVINO's converter reads.
        for announced in (DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", announced)
        # Sizes become constants of the graph: right, as the shape is fixed.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        return torch.jit.trace(module, torch.zeros(1, channels, *shape), check_trace=False)
