"""Several networks as one: the mean of the probabilities, whatever the precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from CoronarySegLib.errors import ModelError
from CoronarySegLib.inference.torch_engine import TorchEngine
from CoronarySegLib.networks import build_network

SMALL = {"in_channels": 2, "out_channels": 3, "channels": [4, 8], "bottleneck": 8}


def three_members():
    torch.manual_seed(4)
    return build_network("MeanOf", {"network": "ResUNet3D", "arguments": SMALL, "members": 3}).eval()


def a_patch() -> torch.Tensor:
    return torch.rand((1, 2, 8, 8, 8), generator=torch.Generator().manual_seed(1))


def test_the_answer_is_the_mean_probability_of_members_that_differ():
    joined = three_members()
    with torch.no_grad():
        alone = torch.stack([torch.sigmoid(member(a_patch())) for member in joined.members])
        together = torch.sigmoid(joined(a_patch()))
    assert alone.std(0).max() > 1e-3
    assert torch.allclose(together, alone.mean(0), atol=1e-6)


def test_it_tells_what_its_members_take():
    joined = three_members()
    assert (joined.in_channels, joined.out_channels, joined.size_factor) == (2, 3, 4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_members_that_are_quite_sure_of_the_opposite_give_one_half(dtype):
    joined = build_network("MeanOf", {"arguments": SMALL, "members": 2})
    joined.members = torch.nn.ModuleList(_Always(value) for value in (200.0, -200.0))
    answer = joined(a_patch().to(dtype))
    assert torch.isfinite(answer).all()
    assert torch.allclose(torch.sigmoid(answer.float()), torch.tensor(0.5))


def test_every_weight_learns():
    joined = three_members().train()
    joined(a_patch().repeat(2, 1, 1, 1, 1)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in joined.parameters())


def test_openvino_runs_it():
    openvino_engine = pytest.importorskip("CoronarySegLib.inference.openvino_engine")
    pytest.importorskip("openvino")
    joined = three_members()
    patch = np.random.default_rng(2).random((1, 2, 16, 16, 16), dtype=np.float32)
    fast = openvino_engine.OpenVINOEngine(joined, (16, 16, 16), half_precision=False).predict(patch)
    assert np.allclose(fast, TorchEngine(joined, "cpu").predict(patch), atol=2e-2)


@pytest.mark.parametrize("arguments", [
    {"members": 0}, {"members": 1.5}, {"network": "MeanOf"}, {"network": "VGG"}, {"arguments": {"depth": 3}},
])
def test_what_cannot_be_joined_is_a_model_error(arguments):
    with pytest.raises(ModelError):
        build_network("MeanOf", arguments)


class _Always(torch.nn.Module):
    def __init__(self, logit: float):
        super().__init__()
        self.logit = logit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.full_like(x, self.logit)
