"""Where TPRNet looks, and how it joins what it saw."""

import numpy as np
import pytest
import torch

from CoronarySegLib.angiogram.networks.crops import corners, farthest_points, points_along, square_round
from CoronarySegLib.angiogram.networks.progressive import Looks, look_closer
from CoronarySegLib.errors import ModelError
from CoronarySegLib.networks import build_network

TINY = {"channels_global": [2, 4, 4], "channels_local": [2, 4, 4], "channels_focal": [2, 4, 4], "local_size": 32,
        "focal_size": 16, "pixels_per_point": 8}
LOOKS = Looks(local_size=32, focal_size=16, pixels_per_point=8)


def a_vessel(shape=(64, 64)):
    mask = np.zeros(shape, bool)
    mask[10:50, 28:32] = True
    return mask


def logits(mask, value=4.0):
    return torch.from_numpy(np.where(mask, value, -value).astype(np.float32))[None, None]


def of_squares(value):
    """A look that says ``value`` (a logit) everywhere."""
    return lambda x: torch.full((len(x), 1, *x.shape[2:]), value)


def joined(first, local=None, focal=None, looks=LOOKS):
    return look_closer(torch.zeros(1, 1, 64, 64), lambda x: first, local, focal, looks)


def test_the_local_square_lies_round_the_middle_of_the_bounding_box():
    assert square_round(a_vessel(), 32) == (30 - 16, 30 - 16)


def test_the_local_square_stays_inside_the_image():
    mask = np.zeros((64, 64), bool)
    mask[0, 60] = True
    assert square_round(mask, 32) == (0, 32)


def test_an_empty_mask_has_no_square_and_no_points():
    empty = np.zeros((64, 64), bool)
    assert square_round(empty, 32) is None
    assert len(points_along(empty, 8)) == 0


def test_farthest_points_spread_from_the_first():
    line = np.stack([np.zeros(101, int), np.arange(101)], axis=1)
    assert farthest_points(line, 4).tolist() == [0, 100, 50, 25]
    assert farthest_points(line[:2], 10).tolist() == [0, 1]


def test_points_are_one_for_so_many_pixels_of_centreline_and_at_least_one():
    assert len(points_along(a_vessel(), 8)) in (4, 5)
    speck = np.zeros((64, 64), bool)
    speck[5, 5] = True
    assert points_along(speck, 64).tolist() == [[5, 5]]


def test_focal_squares_at_the_rim_are_moved_inside():
    assert corners(np.array([[0, 63], [32, 32]]), 16, (64, 64)).tolist() == [[0, 48], [24, 24]]


def test_where_the_first_look_finds_nothing_its_answer_stands():
    first = logits(np.zeros((64, 64), bool))
    answer, _ = joined(first, of_squares(9.0), of_squares(9.0))
    assert torch.equal(answer, first)


def test_without_a_centreline_global_and_local_are_joined_alone():
    answer, branches = joined(logits(a_vessel()), of_squares(-4.0), of_squares(9.0))
    assert len(branches) == 2
    inside = torch.sigmoid(answer)[0, 0, 30, 30].item()
    assert inside == pytest.approx(0.5, abs=1e-3)
    assert answer[0, 0, 0, 0].item() == pytest.approx(-4.0, abs=1e-2)


def test_closest_is_joined_with_local_and_then_with_global():
    answer, branches = joined(logits(a_vessel()), of_squares(2.0), of_squares(-1.0))
    wide, near, close = (torch.sigmoid(torch.tensor(value)).item() for value in (4.0, 2.0, -1.0))
    assert len(branches) == 3
    assert torch.sigmoid(answer)[0, 0, 30, 30].item() == pytest.approx(((close + near) / 2 + wide) / 2, abs=1e-4)
    assert branches[1].region.sum() == 32 * 32


def test_what_squares_see_is_put_back_where_it_was_also_where_they_overlap():
    torch.manual_seed(0)
    image = torch.randn(1, 1, 64, 64)
    nearer = logits(a_vessel()[14:46, 14:46])
    _, branches = look_closer(image, lambda x: logits(a_vessel()), lambda x: nearer, lambda x: x, LOOKS)
    region = branches[2].region > 0
    assert 256 < int(region.sum()) < 4 * 256  # four squares, and they overlap
    assert torch.allclose(branches[2].logits[region], image[region], atol=1e-4)
    assert branches[2].logits[~region].abs().sum() == 0


def test_sequential_merging_takes_logits_half_and_half():
    looks = Looks(32, 16, 10_000, "sequential")  # a single small square
    answer, branches = joined(logits(a_vessel()), of_squares(2.0), of_squares(-1.0), looks)
    y, x = np.argwhere((branches[2].region * branches[1].region)[0, 0].numpy() * a_vessel())[0]
    assert answer[0, 0, y, x].item() == pytest.approx(0.5 * (0.5 * (4.0 + 2.0) - 1.0))


def test_in_training_every_network_that_looked_learns():
    torch.manual_seed(3)
    network = build_network("TPRNet", TINY).train()
    for head in network.heads[:2]:  # something is found
        torch.nn.init.constant_(head.bias, 1.0)
    outputs = network(torch.rand(2, 1, 1, 64, 64))
    assert len(outputs) == 4
    outputs[0].square().mean().backward()
    for net in network.networks:
        assert sum(p.grad.abs().sum() for p in net.parameters() if p.grad is not None) > 0


def test_the_focal_network_joins_after_its_passes():
    torch.manual_seed(3)
    network = build_network("TPRNet", {**TINY, "focal_after": 1}).train()
    for head in network.heads[:2]:
        torch.nn.init.constant_(head.bias, 1.0)
    image = torch.rand(1, 1, 1, 64, 64)
    assert [len(network(image)) for _ in range(2)] == [3, 4]


@pytest.mark.parametrize(("branches", "count"), [("global", 1), ("global+local", 2), ("global+local+focal", 3)])
def test_the_ablations_have_the_networks_they_name(branches, count):
    network = build_network("TPRNet", {**TINY, "branches": branches})
    assert sum(net is not None for net in network.networks) == count
    assert network.eval()(torch.rand(1, 1, 1, 64, 64)).shape == (1, 1, 1, 64, 64)


def test_a_square_that_cannot_be_halved_is_refused():
    with pytest.raises(ModelError, match="rest of 30 pixels"):
        build_network("TPRNet", {**TINY, "local_size": 30})
