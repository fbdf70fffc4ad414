"""A fault of torch's 3D convolution in bfloat16 on a CPU, gone round.

On a grid of 2 or more slices that is shallower than the kernel, the gradient of the weights holds whatever was in
memory (seen in torch 2.15; the answer itself and the other gradients are right). Patches of 32 voxels end in such
grids. The few convolutions that meet one are computed in float32, where they are right and cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode


@contextmanager
def bfloat16_on_cpu() -> Iterator[None]:
    """Automatic bfloat16 on the CPU, but for convolutions on shallow grids."""
    with torch.autocast("cpu", dtype=torch.bfloat16), _ShallowInFloat32():
        yield


class _ShallowInFloat32(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is not torch.conv3d or not _is_shallow(*args[:2]):
            return function(*args, **(kwargs or {}))
        with torch.autocast("cpu", enabled=False):
            full = [value.float() if isinstance(value, torch.Tensor) else value for value in args]
            return function(*full, **(kwargs or {}))


def _is_shallow(image: torch.Tensor, weight: torch.Tensor) -> bool:
    return 1 < image.shape[2] < weight.shape[2]
