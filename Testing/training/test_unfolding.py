"""Weights of a network as the start of one that folds voxels or has more inputs."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import avg_pool3d

from CoronarySegLib.errors import TrainingError
from CoronarySegLib.networks import build_network
from CoronarySegLib.training.config import TrainConfig
from CoronarySegLib.training.hardware import choose_hardware
from CoronarySegLib.training.state import new_state
from CoronarySegLib.training.unfolding import first_member, folded_start

SMALL = {"channels": [4, 8], "bottleneck": 8}


def networks(in_channels: int, outputs: tuple[int, int]):
    torch.manual_seed(0)
    plain = build_network("ResUNet3D", {"in_channels": in_channels, "out_channels": outputs[0], **SMALL}).eval()
    folded = build_network(
        "ResUNet3D", {"in_channels": in_channels, "out_channels": outputs[1], "fold": 2, **SMALL}
    ).eval()
    return plain, folded


@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("outputs", [(3, 3), (3, 4)])
def test_the_folded_network_answers_as_the_plain_one_on_block_means(in_channels, outputs):
    plain, folded = networks(in_channels, outputs)
    folded.load_state_dict(folded_start(plain.state_dict(), folded))
    image = torch.rand(1, in_channels, 16, 16, 16)
    with torch.no_grad():
        answer, expected = folded(image)[:, : outputs[0]], plain(avg_pool3d(image, 2))
    assert torch.allclose(answer, expected.repeat_interleave(2, 2).repeat_interleave(2, 3).repeat_interleave(2, 4),
                          atol=1e-4)


def test_weights_that_fit_already_come_back_as_they_are():
    plain, folded = networks(1, (3, 3))
    for network in (plain, folded):
        weights = network.state_dict()
        assert folded_start(weights, network) is weights


def test_a_run_of_the_locator_starts_from_a_plain_one(tmp_path):
    plain, _ = networks(1, (3, 4))
    save_file(plain.state_dict(), tmp_path / "plain.safetensors")
    config = TrainConfig(stage="locator", network_arguments={**SMALL, "fold": 2}, device="cpu", precision="off")
    state = new_state(config, choose_hardware(config), tmp_path / "plain.safetensors")
    weight = state.network.state_dict()["encoder.1.conv1.weight"]
    assert torch.equal(weight, plain.state_dict()["encoder.1.conv1.weight"])


def test_weights_of_another_width_are_refused_by_name(tmp_path):
    other = build_network("ResUNet3D", {"in_channels": 1, "out_channels": 3, "channels": [6, 8], "bottleneck": 8})
    save_file(other.state_dict(), tmp_path / "other.safetensors")
    config = TrainConfig(stage="locator", network_arguments={**SMALL, "fold": 2}, device="cpu", precision="off")
    with pytest.raises(TrainingError, match="do not fit the network"):
        new_state(config, choose_hardware(config), tmp_path / "other.safetensors")


def test_a_network_with_more_inputs_starts_deaf_to_them():
    narrow, _ = networks(2, (3, 3))
    wide, _ = networks(3, (3, 3))
    wide.load_state_dict(folded_start(narrow.state_dict(), wide))
    image = torch.rand(1, 3, 16, 16, 16)
    with torch.no_grad():
        assert torch.allclose(wide(image), narrow(image[:, :2]), atol=1e-5)


def test_a_run_starts_from_the_first_of_several_networks_that_answer_as_one():
    torch.manual_seed(2)
    joined = build_network("MeanOf", {"arguments": {"in_channels": 2, **SMALL}})
    first = joined.members[0].state_dict()
    network = build_network("ResUNet3D", {"in_channels": 2, **SMALL})
    network.load_state_dict(first_member(joined.state_dict(), network))
    assert all(torch.equal(value, first[name]) for name, value in network.state_dict().items())
    assert first_member(joined.state_dict(), joined).keys() == joined.state_dict().keys()
    assert first_member(first, network) is first
