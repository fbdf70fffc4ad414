"""Gradients in bfloat16 on the CPU are those of float32, on grids shallower than the kernel too."""

from __future__ import annotations

import pytest
import torch

from CoronarySegLib.training.shallow_grids import bfloat16_on_cpu

GRIDS = [((2, 2, 2), 3), ((2, 5, 5), 3), ((4, 4, 4), 5), ((1, 4, 4), 3), ((6, 6, 6), 3)]


def weight_gradient(convolution, image, factor, autocast: bool) -> torch.Tensor:
    convolution.zero_grad()
    if autocast:
        with bfloat16_on_cpu():
            answer = convolution(image)
    else:
        answer = convolution(image)
    # What the fault reads: memory that was used before.
    del_me = [torch.full((count,), float("nan")) for count in (100, 1000, 4000, 16000, 65536, 300_000)]
    del del_me
    (answer.float() * factor).sum().backward()
    return convolution.weight.grad.clone()


@pytest.mark.parametrize(("grid", "kernel"), GRIDS)
def test_the_gradient_of_the_weights_is_right(grid, kernel):
    torch.manual_seed(0)
    convolution = torch.nn.Conv3d(16, 8, kernel, padding=kernel // 2)
    for _ in range(5):
        image = torch.randn(2, 16, *grid, requires_grad=True)
        factor = torch.randn(2, 8, *grid)
        found = weight_gradient(convolution, image, factor, autocast=True)
        expected = weight_gradient(convolution, image, factor, autocast=False)
        torch.testing.assert_close(found, expected, rtol=0.0, atol=0.05 * float(expected.abs().max()))


def test_other_operations_stay_in_bfloat16():
    with bfloat16_on_cpu():
        assert torch.nn.Conv3d(1, 1, 3, padding=1)(torch.ones(1, 1, 6, 6, 6)).dtype is torch.bfloat16
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype is torch.bfloat16
        assert torch.nn.Conv3d(1, 1, 3, padding=1)(torch.ones(1, 1, 2, 2, 2)).dtype is torch.float32
