"""Shapes and weights of the networks on angiograms, on tensors without memory, and where their gradients go."""

import pytest
import torch
from safetensors.torch import save_file

from CoronarySegLib.angiogram.networks.inception_resnet_v2 import InceptionResNetV2, load_published
from CoronarySegLib.errors import MissingPackageError, ModelError
from CoronarySegLib.networks import build_network
from CoronarySegLib.training.config import TrainConfig
from CoronarySegLib.training.objective import Objective

BASELINES = {"UNet": 62.0, "UNetPlusPlus": 71.1, "DeepLabV3": 66.6, "DeepLabV3Plus": 56.8, "PSPNet": 54.7}


def on_meta(name, **arguments):
    with torch.device("meta"):
        return build_network(name, arguments)


def answer_of(network, size=512):
    return network.eval()(torch.empty(1, 1, 1, size, size, device="meta"))


def millions(network):
    return sum(p.numel() for p in network.parameters()) / 1e6


def test_the_encoder_has_the_published_taps_at_512():
    with torch.device("meta"):
        encoder = InceptionResNetV2().eval()
        taps = encoder(torch.empty(1, 3, 512, 512))
    assert [(tap.shape[1], tap.shape[2]) for tap in taps] == [
        (64, 256), (192, 128), (320, 64), (1088, 32), (1536, 16)
    ]
    assert millions(encoder) == pytest.approx(54.306464)


@pytest.mark.parametrize(("stride", "sizes"), [(16, (256, 128, 64, 32, 32)), (8, (256, 128, 64, 64, 64))])
def test_a_dilated_encoder_keeps_its_last_levels_large(stride, sizes):
    with torch.device("meta"):
        taps = InceptionResNetV2(stride).eval()(torch.empty(1, 3, 512, 512))
    assert tuple(tap.shape[-1] for tap in taps) == sizes


@pytest.mark.parametrize(("name", "count"), [("UNet3Plus", 64.14), ("CGNet", 0.488), ("TPRNet", 81.7)])
def test_a_network_answers_in_the_size_of_its_image(name, count):
    network = on_meta(name)
    assert answer_of(network).shape == (1, 1, 1, 512, 512)
    assert millions(network) == pytest.approx(count, rel=0.01)


def test_unet3plus_has_no_side_outputs_without_deep_supervision():
    full, ablation = on_meta("UNet3Plus"), on_meta("UNet3Plus", deep_supervision=False)
    assert len(full.heads) == 5
    assert len(ablation.heads) == 1
    assert millions(full) > millions(ablation)


def test_convolving_before_enlarging_gives_the_same_shape():
    network = on_meta("UNet3Plus", order="convolve_first")
    assert answer_of(network).shape == (1, 1, 1, 512, 512)


def test_deep_supervision_reaches_every_output():
    torch.manual_seed(0)
    network = build_network("UNet3Plus", {"channels": 4}).train()
    objective = Objective(TrainConfig(stage="angiogram", focal_gamma=2.0, auxiliary_weight=0.25))
    target = (torch.rand(2, 1, 1, 32, 32) > 0.8).float()
    outputs = network(torch.rand(2, 1, 1, 32, 32))
    assert [output.shape for output in outputs] == [target.shape] * 5
    values = objective(outputs, target, torch.ones(2, 1, 1, 1, 1))
    sides = sum(objective.further(output, target, torch.ones(2, 1, 1, 1, 1))[0] for output in outputs[1:])
    assert values.parts["auxiliary"].item() == pytest.approx(sides.item(), rel=1e-5)
    values.total.backward()
    assert all(head.weight.grad.abs().sum() > 0 for head in network.heads)
    assert network.encoder.conv2d_1a.conv.weight.grad.abs().sum() > 0


def test_an_image_that_cannot_be_halved_is_refused():
    with pytest.raises(ModelError, match="multiple"):
        answer_of(on_meta("UNet3Plus"), size=500)


def test_published_weights_go_into_the_encoder_and_others_are_refused(tmp_path):
    torch.manual_seed(1)
    other = InceptionResNetV2()
    weights = {name: tensor.clone() for name, tensor in other.state_dict().items()
               if not name.endswith("num_batches_tracked")}
    save_file({**weights, "last_linear.weight": torch.zeros(2, 2)}, tmp_path / "imagenet.safetensors")
    torch.manual_seed(2)
    encoder = InceptionResNetV2()
    load_published(encoder, tmp_path / "imagenet.safetensors")
    assert torch.equal(encoder.repeat_1[3].conv2d.weight, other.repeat_1[3].conv2d.weight)

    save_file({"layer.weight": torch.zeros(2)}, tmp_path / "wrong.safetensors")
    with pytest.raises(ModelError, match="does not hold the weights of InceptionResNetV2"):
        load_published(encoder, tmp_path / "wrong.safetensors")


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_of_the_package_answers_in_the_size_of_its_image(name):
    try:
        network = on_meta(name)
    except MissingPackageError as error:
        pytest.skip(str(error))
    assert answer_of(network, 256).shape == (1, 1, 1, 256, 256)
    assert millions(network) == pytest.approx(BASELINES[name], rel=0.01)
