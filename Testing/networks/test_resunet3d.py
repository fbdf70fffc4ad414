import pytest
import torch

from CoronarySegLib.errors import ModelError
from CoronarySegLib.networks import ResUNet3D

SMALL = {"channels": (4, 8, 16), "bottleneck": 32}


def parameters_of(network):
    return sum(p.numel() for p in network.parameters())


def test_the_paper_widths_give_about_5_7_million_parameters():
    assert parameters_of(ResUNet3D()) == pytest.approx(5.7e6, rel=0.02)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (3, 3), (1, 3)])
@pytest.mark.parametrize("shape", [(16, 16, 16), (8, 24, 16)])
def test_logits_have_the_input_grid_and_the_asked_channels(inputs, outputs, shape):
    network = ResUNet3D(inputs, outputs, **SMALL)
    assert network(torch.zeros(2, inputs, *shape)).shape == (2, outputs, *shape)


def test_the_bottleneck_of_the_paper_input_is_16_16_8():
    network = ResUNet3D(channels=(1, 1, 1), bottleneck=2).eval()
    seen = []
    network.bottleneck.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape)))
    with torch.inference_mode():
        network(torch.zeros(1, 1, 64, 128, 128))
    assert seen == [(1, 2, 8, 16, 16)]


def test_output_is_logits_and_not_bound_to_0_1():
    torch.manual_seed(0)
    logits = ResUNet3D(**SMALL)(torch.randn(1, 1, 16, 16, 16))
    assert logits.min() < 0


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_gradient_reaches_every_parameter(norm):
    torch.manual_seed(0)
    network = ResUNet3D(2, 2, norm=norm, **SMALL)
    (network(torch.randn(2, 2, 16, 16, 16)) ** 2).mean().backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def test_it_can_learn_one_small_batch_by_heart():
    torch.manual_seed(0)
    image = torch.randn(1, 1, 16, 16, 16)
    truth = torch.zeros_like(image)
    truth[..., 5:9, 4:12, 6:10] = 1
    network = ResUNet3D(**SMALL)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(network(image), truth).backward()
        optimizer.step()
    found = network(image) > 0
    dice = 2 * (found & (truth > 0)).sum() / (found.sum() + truth.sum())
    assert dice > 0.95


def test_the_channels_and_depth_are_configurable():
    network = ResUNet3D(channels=(4, 8), bottleneck=8)
    assert network(torch.zeros(1, 1, 12, 4, 8)).shape == (1, 1, 12, 4, 8)


def test_a_side_not_divisible_by_8_says_what_to_pad():
    with pytest.raises(ModelError, match="multiple of 8"):
        ResUNet3D(**SMALL)(torch.zeros(1, 1, 16, 20, 16))


def test_wrong_input_channels_are_named():
    with pytest.raises(ModelError, match="input channels"):
        ResUNet3D(3, **SMALL)(torch.zeros(1, 1, 16, 16, 16))


def test_an_unknown_norm_lists_the_known_ones():
    with pytest.raises(ModelError, match="batch, instance"):
        ResUNet3D(norm="layer", **SMALL)


@pytest.mark.parametrize("wrong", [{"channels": ()}, {"bottleneck": 0}, {"in_channels": 1.5}])
def test_impossible_channel_numbers_are_refused(wrong):
    with pytest.raises(ModelError, match="positive channel numbers"):
        ResUNet3D(**wrong)
