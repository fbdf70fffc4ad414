"""Single equations of the papers, on cases whose answer is known."""

import warnings

import pytest
import torch

from CoronarySegLib.networks.mask_guided import MaskGuidedNet, MaskModulation, VesselAwareGate
from CoronarySegLib.networks.sfam import ChannelAttention, LowFrequencyFilter, SpatialAttention

torch.set_num_threads(1)


def test_modulation_multiplies_by_one_plus_alpha_mask():
    modulation = MaskModulation()
    modulation.alpha.data.fill_(2.0)
    features, mask = torch.full((1, 3, 2, 2, 2), 5.0), torch.zeros(1, 1, 2, 2, 2)
    mask[..., 0] = 0.5
    answer = modulation(features, mask)
    assert answer[..., 0].unique().tolist() == [10.0]
    assert answer[..., 1].unique().tolist() == [5.0]


def test_a_gate_of_zeros_halves_and_its_bias_opens_or_shuts_it():
    gate = VesselAwareGate(2, 3)
    for parameter in gate.parameters():
        parameter.data.zero_()
    features, decoder, mask = torch.ones(1, 2, 2, 2, 2), torch.ones(1, 3, 2, 2, 2), torch.zeros(1, 1, 2, 2, 2)
    assert gate(features, decoder, mask).unique().tolist() == [0.5]
    gate.of_mask.bias.data.fill_(-50.0)
    gate.of_mask.weight.data.fill_(100.0)  # shut, but for where the mask says vessel
    mask[..., 0] = 1.0
    answer = gate(features, decoder, mask)
    assert answer[..., 0].min() > 0.99
    assert answer[..., 1].max() < 0.01


def test_the_coarse_mask_learns_from_the_refined_answer():
    network = MaskGuidedNet(coarse_channels=(4, 8), channels=(4, 8))
    network.train()(torch.randn(1, 1, 8, 8, 8))[0].mean().backward()
    assert network.coarse.head.weight.grad.abs().sum() > 0


def test_training_shows_both_masks_and_inference_the_refined_one():
    network = MaskGuidedNet(coarse_channels=(4, 8), channels=(4, 8))
    x = torch.randn(1, 1, 8, 8, 8)
    assert len(network.train()(x)) == 2
    assert torch.equal(network.eval()(x), network.all_outputs(x)[0])


def test_the_fresh_frequency_filter_changes_nothing():
    x = torch.randn(2, 3, 16, 24)
    assert torch.allclose(LowFrequencyFilter(3, 4, 4, False)(x), x, atol=1e-5)


def test_a_filter_of_zero_removes_what_is_slow_and_keeps_what_is_fast():
    frequency_filter = LowFrequencyFilter(1, 8, 4, False)
    frequency_filter.filter.data.zero_()
    place = torch.arange(32) / 32 * 2 * torch.pi
    slow, fast = torch.cos(2 * place), torch.cos(12 * place)
    answer = frequency_filter((3.0 + slow + fast).expand(1, 1, 32, 32))
    assert torch.allclose(answer, fast.expand(1, 1, 32, 32), atol=1e-4)


def test_traced_for_an_engine_it_answers_as_its_fft_does():
    torch.manual_seed(0)
    frequency_filter = LowFrequencyFilter(2, 6, 4, True).requires_grad_(False)
    frequency_filter.filter += 0.5 * torch.randn(2, 6, 6, 2)
    x = torch.randn(1, 2, 24, 36) + 3.0  # a window of 6 x 9: the filter is interpolated
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(frequency_filter, x, check_trace=False)
    assert "fft" not in str(traced.inlined_graph)
    assert torch.allclose(traced(2 * x), frequency_filter(2 * x), atol=1e-4)


def test_a_filter_stored_for_one_size_serves_another():
    frequency_filter = LowFrequencyFilter(2, 8, 4, True)
    frequency_filter.filter.data[..., 0] = 0.0
    x = torch.full((1, 2, 48, 64), 7.0)
    assert frequency_filter(x).abs().max() < 1e-3


@pytest.mark.parametrize("attention", [ChannelAttention(8, 4), SpatialAttention()])
def test_attention_of_zeros_halves(attention):
    for parameter in attention.parameters():
        parameter.data.zero_()
    x = torch.randn(1, 8, 8, 8)
    assert torch.allclose(attention(x), x / 2)
