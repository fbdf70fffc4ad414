"""The recipe's network and settings; training itself is tested with a smaller one."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from CoronarySegLib.angiogram.training.recipe import AngiogramRecipe, recipe_config
from CoronarySegLib.networks import build_network


def operations(name, arguments):
    with torch.device("meta"):
        network = build_network(name, arguments).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 1, 1, 512, 512, device="meta"))
    return counter.get_total_flops()


def test_the_small_network_takes_a_fifth_of_the_published_ones_operations():
    config = recipe_config(AngiogramRecipe())
    small, published = operations("TPRNet", config.built_arguments()), operations("TPRNet", {})
    assert small < 0.22 * published


@pytest.mark.parametrize("steps", [1, 12_000])
def test_a_run_of_any_length_is_validated(steps):
    assert recipe_config(AngiogramRecipe(steps=steps)).validate_every_steps <= steps
