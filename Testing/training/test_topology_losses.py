"""Losses of a vessel's course, on straight tubes whose answer can be counted."""

import pytest
import torch

from CoronarySegLib.training.topology_losses import betti0_difference, skeleton_recall_loss, soft_cldice_loss

torch.set_num_threads(1)


def a_tube(length=24):
    """A rod of 3x3 voxels along x."""
    tube = torch.zeros(1, 1, 9, 9, 24)
    tube[:, :, 3:6, 3:6, :length] = 1
    return tube


@pytest.mark.parametrize("loss", [soft_cldice_loss, skeleton_recall_loss])
def test_the_truth_itself_costs_nothing(loss):
    assert float(loss(a_tube(), a_tube())) == pytest.approx(0.0, abs=1e-3)


def test_half_of_the_course_missing_costs_half_of_the_recall():
    assert float(skeleton_recall_loss(a_tube(12), a_tube())) == pytest.approx(0.5, abs=0.05)


def test_half_of_the_course_missing_costs_a_third_of_the_cldice():
    # precision 1, recall 1/2, so clDice is 2/3
    assert float(soft_cldice_loss(a_tube(12), a_tube())) == pytest.approx(1 / 3, abs=0.05)


def test_a_thicker_answer_costs_recall_nothing_and_less_cldice_than_dice():
    thick = torch.nn.functional.max_pool3d(a_tube(), 3, 1, 1)
    assert float(skeleton_recall_loss(thick, a_tube())) == pytest.approx(0.0, abs=1e-3)
    dice = 1 - 2 * float((thick * a_tube()).sum() / (thick.sum() + a_tube().sum()))
    assert float(soft_cldice_loss(thick, a_tube())) < 0.5 * dice


@pytest.mark.parametrize("loss", [soft_cldice_loss, skeleton_recall_loss])
def test_the_gradient_is_finite_and_asks_for_what_is_missing(loss):
    logits = (4 * a_tube(12) - 2).requires_grad_()
    loss(torch.sigmoid(logits), a_tube()).backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 0, 4, 4, 13:22].max() < 0


def test_a_patch_without_vessel_costs_no_recall_and_has_a_finite_gradient():
    logits = torch.zeros(1, 1, 9, 9, 24, requires_grad=True)
    loss = skeleton_recall_loss(torch.sigmoid(logits), torch.zeros(1, 1, 9, 9, 24))
    loss.backward()
    assert float(loss.detach()) == 0
    assert torch.isfinite(logits.grad).all()


def test_one_slice_has_a_skeleton_as_well():
    slice_ = a_tube()[:, :, 4:5]
    assert float(skeleton_recall_loss(slice_ * 0, slice_)) > 0.9


def broken(pieces):
    tube = a_tube()
    for gap in range(1, pieces):
        tube[..., 6 * gap] = 0
    return tube


@pytest.mark.parametrize(("pieces", "expected"), [(1, 0.0), (2, 0.5), (4, 0.75)])
def test_the_piece_count_differs_by_eq_11(pieces, expected):
    assert float(betti0_difference(broken(pieces), a_tube())) == pytest.approx(expected)


def test_nothing_found_divides_by_one():
    assert float(betti0_difference(a_tube() * 0, broken(3))) == 3.0


def test_pieces_that_touch_by_a_corner_are_one():
    corner = torch.zeros(1, 1, 4, 4, 4)
    corner[0, 0, 1, 1, 1] = corner[0, 0, 2, 2, 2] = 1
    assert float(betti0_difference(corner, corner)) == 0
    assert float(betti0_difference(a_tube(), corner)) == 0
