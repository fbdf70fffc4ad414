"""Dice + BCE over sigmoid channels, with weights per channel and per voxel."""

from __future__ import annotations

import pytest
import torch

from CoronarySegLib.training.losses import DiceBCELoss

EVERYWHERE = torch.ones(1, 2, 1, 1, 1)


def a_target() -> torch.Tensor:
    target = torch.zeros(1, 2, 8, 8, 8)
    target[:, :, 2:5, 2:5, 2:5] = 1
    return target


def total(logits, target, weight=EVERYWHERE, **options) -> float:
    return float(DiceBCELoss(channels=2, **options)(logits, target, weight)[0])


def test_a_sure_and_right_answer_costs_nothing():
    assert total(40 * (a_target() - 0.5), a_target()) == pytest.approx(0.0, abs=1e-3)


def test_a_sure_and_wrong_answer_costs_a_full_dice_and_more():
    assert total(-40 * (a_target() - 0.5), a_target()) > 2.0


def test_the_total_is_dice_plus_bce_one_to_one():
    logits = torch.randn(1, 2, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    whole, dice, bce = DiceBCELoss(channels=2)(logits, a_target(), EVERYWHERE)
    assert float(whole) == pytest.approx(float(dice) + float(bce))


def test_bce_is_torchs_own_where_nothing_is_weighted():
    logits = torch.randn(1, 2, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, a_target())
    assert float(DiceBCELoss(channels=2)(logits, a_target(), EVERYWHERE)[2]) == pytest.approx(float(expected))


def test_dice_is_the_plain_quotient_for_one_channel():
    answer = torch.zeros(1, 1, 8, 8, 8)
    answer[:, :, 2:5, 2:5, 2:8] = 1  # 54 voxels, 27 of them right
    loss = DiceBCELoss(channels=1, dice_smooth=1e-6)
    assert float(loss(100 * (answer - 0.5), a_target()[:, :1], EVERYWHERE[:, :1])[1]) == pytest.approx(1 - 54 / 81)


@pytest.mark.parametrize("weight", [
    torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1, 1),
    torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1, 1).expand(1, 2, 8, 8, 8),
])
def test_an_unknown_channel_does_not_matter(weight):
    right = 40 * (a_target() - 0.5)
    wrong_second = torch.cat([right[:, :1], -right[:, 1:]], dim=1)
    assert total(wrong_second, a_target(), weight) == pytest.approx(total(right, a_target(), weight), abs=1e-6)


def test_unknown_voxels_get_no_gradient():
    logits = torch.randn(1, 2, 8, 8, 8, requires_grad=True)
    weight = torch.ones(1, 1, 8, 8, 8)
    weight[..., :4] = 0
    DiceBCELoss(channels=2)(logits, a_target(), weight)[0].backward()
    assert logits.grad[..., :4].abs().max() == 0
    assert logits.grad[..., 4:].abs().max() > 0


def test_channel_weights_shift_the_mean():
    right = 40 * (a_target() - 0.5)
    wrong_second = torch.cat([right[:, :1], -right[:, 1:]], dim=1)
    light, even = (total(wrong_second, a_target(), channel_weights=w) for w in ((1.0, 0.1), (1.0, 1.0)))
    assert light < 0.3 * even


def test_positive_weights_make_a_missed_structure_dearer_and_a_false_one_not():
    nothing, everything = -8.0 * torch.ones(a_target().shape), 8.0 * torch.ones(a_target().shape)
    for logits, dearer in ((nothing, True), (everything, False)):
        plain, heavy = (total(logits, a_target(), positive_weights=w, dice_weight=0.0) for w in (None, (20.0, 20.0)))
        assert (heavy > 5 * plain) == dearer


def test_a_patch_with_nothing_known_costs_nothing_and_has_a_gradient_of_zero():
    logits = torch.randn(1, 2, 8, 8, 8, requires_grad=True)
    loss = DiceBCELoss(channels=2)(logits, a_target(), EVERYWHERE * 0)[0]
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad.abs().max() == 0
