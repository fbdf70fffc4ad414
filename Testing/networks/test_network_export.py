"""Networks as graphs: what an engine that is not torch takes has to answer as the network does."""

import pytest
import torch
from test_system_networks import first, small

from CoronarySegLib.networks import build_network
from CoronarySegLib.networks.tempered import Tempered

KEYS = ("mask-guided", "SFANet SFANet", "GAN", "Huang", "Shen", "Chen", "Zeng, patch")


def exported_alike(network, x):
    network = network.eval()
    with torch.no_grad():
        expected = first(network(x))
        program = torch.export.export(network, (x,), strict=False)
        return torch.allclose(first(program.module()(x)), expected, atol=1e-5)


@pytest.mark.parametrize("key", KEYS)
def test_every_system_exports_and_answers_alike(key):
    network, x, _ = small(key)
    assert exported_alike(network, x[:1])


@pytest.mark.parametrize("arguments", [
    {"channels": [2, 4, 4], "bottleneck": 4}, {"channels": [2, 4, 4], "bottleneck": 4, "fold": 2},
])
def test_the_shipped_network_exports_and_answers_alike(arguments):
    torch.manual_seed(0)
    assert exported_alike(build_network("ResUNet3D", arguments), torch.randn(1, 1, 16, 16, 16))


def test_an_imported_network_with_a_temperature_exports_and_answers_alike():
    torch.manual_seed(0)
    network = build_network("ImportedNetwork", {
        "library": "planned", "target": "PlainConvUNet", "outputs": [[1], [2]], "classes": 3, "scale": 2.0,
        "axes": [2, 0, 1], "flips": [1], "size_factor": [2, 2, 2],
        "arguments": {"in_channels": 1, "out_channels": 3, "channels": [2, 4], "kernels": [[3] * 3] * 2,
                      "strides": [[1] * 3, [2] * 3]},
    })
    assert exported_alike(Tempered(network, 1.5), torch.randn(1, 1, 8, 8, 8))
