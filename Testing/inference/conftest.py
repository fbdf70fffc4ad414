import pytest
import torch

from CoronarySegLib.networks import build_network

# Networks this small run slower on many threads than on one, and very slowly when the machine is busy.
torch.set_num_threads(1)


@pytest.fixture
def a_network():
    """A small random network whose probabilities are not all alike."""
    torch.manual_seed(0)
    network = build_network("ResUNet3D", {"in_channels": 2, "out_channels": 2, "channels": [4, 8], "bottleneck": 8})
    network.head.weight.data *= 3
    return network.eval().requires_grad_(False)
