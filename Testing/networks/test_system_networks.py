"""What every network of the systems and baselines must do, on tiny tensors."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from CoronarySegLib.errors import ModelError
from CoronarySegLib.networks import build_network

torch.set_num_threads(1)

SIX = [4, 4, 4, 8, 8, 4]
# name, arguments, a shape (C, z, y, x) that suits it
SMALL = {
    "mask-guided": ("MaskGuidedNet", {"coarse_channels": [4, 8], "channels": [4, 8, 8]}, (1, 8, 16, 8)),
    "mask-guided, shared encoder":
        ("MaskGuidedNet", {"coarse_channels": [4, 8], "share_encoder": True}, (1, 8, 16, 8)),
    "mask-guided, coarse only": ("MaskGuidedNet", {"coarse_channels": [4, 8], "refine": False}, (1, 8, 16, 8)),
    "mask-guided, without modulation":
        ("MaskGuidedNet", {"coarse_channels": [4, 8], "channels": [4, 8, 8], "modulation": False}, (1, 8, 16, 8)),
    "mask-guided, without gates":
        ("MaskGuidedNet", {"coarse_channels": [4, 8], "channels": [4, 8, 8], "gates": False}, (1, 8, 16, 8)),
    **{f"SFANet {variant}": ("SFANet", {"channels": [4, 8, 8], "image_size": 32, "variant": variant}, (1, 3, 32, 48))
       for variant in ("UNet", "AG", "AG+Att", "SFANet")},
    "GAN": ("AttentionGANGenerator", {"base": 2}, (2, 32, 32, 32)),
    "GAN, growing bottleneck": ("AttentionGANGenerator", {"base": 2, "bottleneck": "growing"}, (2, 32, 32, 32)),
    "Huang": ("PatchUNet", {"channels": [4, 8, 8, 8]}, (1, 8, 16, 16)),
    "Shen": ("AttentionUNet3D", {"channels": [4, 4, 8]}, (1, 8, 16, 8)),
    "Chen": ("UNet3D", {"in_channels": 2, "channels": SIX}, (2, 32, 32, 32)),
    "Zeng, patch": ("UNetPlusPlus3D", {"channels": SIX}, (1, 16, 16, 16)),
}


@pytest.fixture(params=SMALL)
def a_case(request):
    return small(request.param)


def small(key):
    """A network, a batch of two that suits it, and what it was built from."""
    name, arguments, shape = SMALL[key]
    made = name, {"in_channels": shape[0], **arguments}
    torch.manual_seed(0)
    return build_network(*made), torch.randn(2, *shape), made


def first(answer):
    return answer[0] if isinstance(answer, tuple) else answer


def test_one_logit_comes_out_for_every_voxel(a_case):
    network, x, _ = a_case
    answer = first(network(x))
    assert answer.shape == (2, 1, *x.shape[2:])
    assert answer.min() < 0 or answer.max() > 1


def test_gradient_reaches_every_parameter(a_case):
    network, x, _ = a_case
    answer = network(x)
    sum((part**2).mean() for part in (answer if isinstance(answer, tuple) else (answer,))).backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # A norm right behind a convolution takes its bias away again.
    assert [name for name in silent if not name.endswith("conv.bias")] == []


@pytest.mark.parametrize("key", ["mask-guided", "SFANet SFANet", "GAN", "Huang", "Shen", "Chen", "Zeng, patch"])
def test_it_can_learn_one_small_batch_by_heart(key):
    network, x, made = small(key)
    x = x[:1] if key == "Chen" else x  # the costliest; the others' batch norms want two
    truth = (x[:, :1] > 0.5) & (torch.arange(x.shape[-1]) < x.shape[-1] // 2)
    truth = torch.nn.functional.max_pool3d(truth[..., ::4, ::4].float(), 1)  # blocks of 4, coarse enough for the GAN
    truth = truth.repeat_interleave(4, -1).repeat_interleave(4, -2)
    x = x.clone()
    x[:, :1] = truth + 0.1 * x[:, :1]
    optimizer = torch.optim.Adam(network.parameters(), 3e-2 if made[0].startswith("AttentionGAN") else 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(first(network(x)), truth).backward()
        optimizer.step()
    found = first(network(x)) > 0
    assert 2 * (found & (truth > 0)).sum() / (found.sum() + truth.sum()) > 0.9


def test_a_size_that_cannot_be_halved_says_what_to_pad(a_case):
    network, x, _ = a_case
    with pytest.raises(ModelError, match="multiple of"):
        network(x[..., :-1])


def test_wrong_input_channels_are_named(a_case):
    network, x, _ = a_case
    with pytest.raises(ModelError, match="input channels"):
        network(torch.cat([x, x, x], dim=1))


def test_weights_survive_the_way_to_a_file_and_back(a_case, tmp_path):
    network, x, made = a_case
    network.eval()
    save_file({k: v.contiguous().clone() for k, v in network.state_dict().items()}, tmp_path / "w.safetensors")
    again = build_network(*made)
    again.load_state_dict(load_file(tmp_path / "w.safetensors"))
    with torch.inference_mode():
        np.testing.assert_array_equal(again.eval()(x), network(x))
