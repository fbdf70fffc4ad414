"""Shapes, widths and parameter counts that the papers state, on tensors without memory."""

import pytest
import torch

from CoronarySegLib.errors import ModelError
from CoronarySegLib.networks import build_network
from CoronarySegLib.networks.attention_gan import PatchDiscriminator


def built(name, **arguments):
    with torch.device("meta"):
        return build_network(name, arguments)


def parameters_of(network):
    return sum(p.numel() for p in network.parameters())


def shapes_in(network, x_shape):
    """Output shape without the batch of every named part of ``network`` for an input of ``x_shape``."""
    seen = {}

    def note(name):
        def hook(module, inputs, output):
            if isinstance(output, torch.Tensor):
                seen[name] = tuple(output.shape[1:])
        return hook

    for name, module in network.named_modules():
        module.register_forward_hook(note(name))
    network(torch.empty(1, *x_shape, device="meta"))
    return seen


def test_the_coarse_network_has_the_papers_tensors_and_0_14_million_parameters():
    network = built("MaskGuidedNet", refine=False).eval()
    seen = shapes_in(network, (1, 64, 64, 64))
    assert seen["coarse.low"] == (32, 64, 64, 64)
    assert seen["coarse.mid"] == (64, 32, 32, 32)
    assert seen["coarse.merge"] == (32, 64, 64, 64)
    assert network.coarse.merge[0].in_channels == 96
    assert seen["coarse.head"] == (1, 64, 64, 64)
    assert parameters_of(network) == pytest.approx(0.14e6, rel=0.03)


@pytest.mark.parametrize("side", [64, 128])
def test_the_refined_mask_has_the_patch_size(side):
    network = built("MaskGuidedNet").eval()
    assert shapes_in(network, (1, side, side, side))[""] == (1, side, side, side)


def test_alpha_starts_at_one_for_each_level():
    assert [m.alpha.item() for m in build_network("MaskGuidedNet").modulation] == [1.0, 1.0, 1.0]


def test_sfanet_has_the_papers_widths_and_29_million_parameters():
    network = built("SFANet").eval()
    seen = shapes_in(network, (1, 1, 512, 512))
    assert [seen[f"encoder.{level}"] for level in range(5)] == [
        (64, 512, 512), (128, 256, 256), (256, 128, 128), (512, 64, 64), (1024, 32, 32)
    ]
    assert seen["head"] == (1, 512, 512)
    assert parameters_of(network) == pytest.approx(29e6, rel=0.03)


def test_the_low_frequency_window_is_a_quarter_of_each_level():
    sides = [skip[0].filter.shape[1] for skip in built("SFANet").skips]
    assert sides == [16, 32, 64, 128]


def test_the_four_rows_of_table_1_add_parts():
    counts = [parameters_of(built("SFANet", variant=v)) for v in ("UNet", "AG", "AG+Att", "SFANet")]
    assert counts == sorted(set(counts))


def test_the_generator_halves_four_times_and_answers_at_full_size():
    seen = shapes_in(built("AttentionGANGenerator"), (2, 128, 128, 128))
    assert [seen[f"down.{i}"] for i in range(4)] == [
        (64, 64, 64, 64), (128, 32, 32, 32), (256, 16, 16, 16), (512, 8, 8, 8)
    ]
    assert [seen[f"up.{i}"] for i in range(3)] == [(256, 16, 16, 16), (128, 32, 32, 32), (64, 64, 64, 64)]
    assert seen["out"] == (2, 128, 128, 128)


def test_the_bottleneck_keeps_its_width_or_grows():
    widths = {kind: [b[1].in_channels for b in built("AttentionGANGenerator", bottleneck=kind).bottleneck]
              for kind in ("fixed", "growing")}
    assert widths == {"fixed": [512, 1024, 1024, 1024], "growing": [512, 1024, 1536, 2048]}


def test_the_discriminator_judges_one_patch_in_sixteen_voxels_a_side():
    with torch.device("meta"):
        network = PatchDiscriminator()
    seen = shapes_in(network, (3, 128, 128, 128))
    assert [seen[f"down.{i}"][0] for i in range(4)] == [64, 128, 256, 512]
    assert seen[""] == (1, 8, 8, 8)


def test_huangs_table_layer_by_layer():
    network = built("PatchUNet").eval()
    seen = shapes_in(network, (1, 16, 64, 64))
    assert [seen[f"encoder.{i}"] for i in range(4)] == [
        (64, 16, 64, 64), (128, 8, 32, 32), (256, 4, 16, 16), (512, 2, 8, 8)
    ]
    assert [block[0][0].in_channels for block in network.decoder] == [768, 384, 192]
    assert [seen[f"decoder.{i}"] for i in range(3)] == [(256, 4, 16, 16), (128, 8, 32, 32), (64, 16, 64, 64)]


def test_huangs_parameters_are_those_of_its_table():
    pairs = [(1, 32), (32, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512),
             (768, 256), (256, 256), (384, 128), (128, 128), (192, 64), (64, 64)]
    convolutions = sum(27 * a * b for a, b in pairs) + 64
    norms_and_bias = sum(2 * b for _, b in pairs) + 1
    assert parameters_of(built("PatchUNet")) == convolutions + norms_and_bias


def test_the_patch_network_of_imagecas_takes_16_32_and_64_voxels():
    network = built("UNetPlusPlus3D").eval()
    assert [shapes_in(network, (1, s, s, s))[""] for s in (16, 32, 64)] == [(1, s, s, s) for s in (16, 32, 64)]


@pytest.mark.parametrize(("name", "arguments", "said"), [
    ("SFANet", {"variant": "AG-Net"}, "UNet, AG"),
    ("MaskGuidedNet", {"coarse_channels": [4]}, "number of coarse levels"),
    ("AttentionGANGenerator", {"bottleneck": "wide"}, "fixed, growing"),
    ("PatchUNet", {"channels": [0]}, "positive channel numbers"),
    ("UNet3D", {"channels": [4, 4]}, "number of widths"),
])
def test_impossible_arguments_are_refused_with_what_is_possible(name, arguments, said):
    with pytest.raises(ModelError, match=said):
        built(name, **arguments)

