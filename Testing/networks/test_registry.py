import subprocess
import sys

import pytest
import torch

from CoronarySegLib.errors import MissingPackageError, ModelError
from CoronarySegLib.networks import build_network, network_names


def test_a_network_is_built_from_name_and_json_arguments():
    network = build_network("ResUNet3D", {"in_channels": 3, "channels": [4, 8], "bottleneck": 8})
    assert (network.in_channels, network.size_factor) == (3, 4)


# A network from elsewhere has no defaults: what it is stands on its card.
@pytest.mark.parametrize("name", sorted({*network_names()} - {"ImportedNetwork"}))
def test_every_listed_network_can_be_built_with_its_defaults(name):
    try:
        with torch.device("meta"):
            network = build_network(name)
    except MissingPackageError as error:
        pytest.skip(str(error))
    assert sum(parameter.numel() for parameter in network.parameters()) > 0


def test_an_unknown_name_lists_the_known_networks():
    with pytest.raises(ModelError, match=r"Known networks: .*ResUNet3D"):
        build_network("VGG", {})


def test_an_unknown_argument_lists_the_known_arguments():
    with pytest.raises(ModelError, match=r"no argument depth.*bottleneck"):
        build_network("ResUNet3D", {"depth": 3})


def test_an_argument_of_the_wrong_kind_is_a_model_error():
    with pytest.raises(ModelError):
        build_network("ResUNet3D", {"channels": 32})


def test_importing_the_folder_loads_no_torch():
    code = "import sys, CoronarySegLib.networks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
