import pytest
import torch

from CoronarySegLib.models import ModelCard, StageCard, save_model
from CoronarySegLib.networks import build_network

ARGUMENTS = {"in_channels": 1, "out_channels": 1, "channels": [2, 4], "bottleneck": 4}


@pytest.fixture
def a_card():
    stage = StageCard("whole", "ResUNet3D", ARGUMENTS, ("ct",), ("lumen",), None, (64, 128, 128))
    return ModelCard(
        name="tiny", profile="paper", version="1", description="a test model", stages=(stage,),
        training_data="nothing", training_seeds="0", figures={"dice": 0.5},
    )


@pytest.fixture
def a_network():
    torch.manual_seed(0)
    return build_network("ResUNet3D", ARGUMENTS).eval()


@pytest.fixture
def a_folder(tmp_path, a_card, a_network):
    return save_model(tmp_path / "tiny", a_card, {"whole": a_network.state_dict()})
