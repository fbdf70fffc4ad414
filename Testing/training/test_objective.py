"""The terms of a run's loss and how its settings join them."""

import pytest
import torch

from CoronarySegLib.errors import TrainingError
from CoronarySegLib.training.config import TrainConfig
from CoronarySegLib.training.losses import DiceBCELoss, balanced_weights
from CoronarySegLib.training.objective import Objective

torch.set_num_threads(1)
EVERYWHERE = torch.ones(1, 1, 1, 1, 1)


def a_target():
    target = torch.zeros(1, 1, 8, 8, 8)
    target[..., 2:5, 2:5, 2:5] = 1
    return target


def some_logits(seed=0):
    return torch.randn(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(seed))


def values_of(outputs, **settings):
    return Objective(TrainConfig(stage="whole", **settings))(outputs, a_target(), EVERYWHERE)


def test_the_hybrid_loss_is_bce_plus_dice_plus_half_the_topology():
    values = values_of(some_logits(), topology="cldice", topology_weight=0.5)
    parts = values.parts
    assert float(values.total) == pytest.approx(
        float(parts["bce"] + parts["dice_loss"] + 0.5 * parts["topology"]), rel=1e-5
    )


def test_a_coarse_mask_is_judged_by_half_its_dice_and_bce():
    refined, coarse = some_logits(), some_logits(1)
    alone = values_of(refined).total
    coarse_alone = values_of(coarse).total
    assert float(values_of((refined, coarse)).total) == pytest.approx(float(alone + 0.5 * coarse_alone), rel=1e-5)


def test_an_auxiliary_weight_of_0_leaves_the_coarse_mask_alone():
    values = values_of((some_logits(), some_logits(1)), auxiliary_weight=0.0)
    assert float(values.total) == pytest.approx(float(values_of(some_logits()).total))
    assert "auxiliary" not in values.parts


def test_weighted_cross_entropy_is_eq_7():
    share = float(a_target().mean())
    positive, negative = balanced_weights(share)
    p, y = torch.sigmoid(some_logits()), a_target()
    expected = -(positive * y * p.log() + negative * (1 - y) * (1 - p).log()).mean()
    assert float(values_of(some_logits(), vessel_share=share).parts["bce"]) == pytest.approx(float(expected), rel=1e-4)


def test_balanced_weights_give_both_classes_the_same_say():
    share = float(a_target().mean())
    positive, negative = balanced_weights(share)
    assert positive * share == pytest.approx(negative * (1 - share)) == 0.5


def test_sfanets_loss_is_the_mean_of_both_halves():
    values = values_of(some_logits(), dice_weight=0.5, bce_weight=0.5)
    assert float(values.total) == pytest.approx(float((values.parts["dice_loss"] + values.parts["bce"]) / 2), rel=1e-5)


def test_focal_leaves_out_what_is_easy():
    sure = 6 * (a_target() - 0.5)
    loss = {gamma: DiceBCELoss(channels=1, focal_gamma=gamma)(sure, a_target(), EVERYWHERE)[2] for gamma in (0.0, 2.0)}
    p = torch.sigmoid(torch.tensor(3.0))
    assert float(loss[0.0]) == pytest.approx(float(-p.log()), rel=1e-4)
    assert float(loss[2.0]) == pytest.approx(float(-((1 - p) ** 2) * p.log()), rel=1e-4)


def test_the_piece_count_is_added_or_weighs_the_dice_loss():
    broken = a_target()
    broken[..., 3] = 0  # two pieces where the truth has one
    logits = 20 * (broken - 0.5)
    plain = values_of(logits)
    assert float(values_of(logits, betti0="literal").total - plain.total) == pytest.approx(0.5, abs=1e-5)
    added = float(values_of(logits, betti0="weight").total - plain.total)
    assert added == pytest.approx(0.5 * float(plain.parts["dice_loss"]), rel=1e-4)


def test_literally_added_the_piece_count_changes_no_gradient():
    gradients = []
    for betti0 in ("none", "literal"):
        logits = some_logits().requires_grad_()
        values_of(logits, betti0=betti0).total.backward()
        gradients.append(logits.grad)
    assert torch.equal(*gradients)


@pytest.mark.parametrize("settings", [
    {"topology": "cldice"}, {"topology": "skeleton_recall"}, {"focal_gamma": 2.0}, {"vessel_share": 0.01},
    {"betti0": "weight"},
])
def test_every_form_has_a_finite_gradient_for_wild_logits(settings):
    logits = (100 * some_logits()).requires_grad_()
    values_of(logits, **settings).total.backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad.abs().max() > 0


@pytest.mark.parametrize(("setting", "said"), [
    ({"topology": "betti"}, "cldice, skeleton_recall"), ({"betti0": "x"}, "literal, weight"),
    ({"vessel_share": 0.0}, "between 0 and 1"), ({"accumulate": 0}, "accumulate"), ({"patience": 0}, "patience"),
    ({"stage_changes": {"inputs": ["ct"]}}, "cannot be changed"), ({"critic_base": 0}, "critic_base"),
])
def test_settings_that_do_not_work_are_named(setting, said):
    with pytest.raises(TrainingError, match=said):
        TrainConfig(stage="whole", **setting)
