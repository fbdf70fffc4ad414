"""A source of bright balls in noise, small enough that a run of several steps takes a second."""

from __future__ import annotations

import numpy as np
import pytest

from CoronarySegLib.training.config import TrainConfig
from CoronarySegLib.training.sources import Patch, fixed_patches


class Balls:
    """Patches of the stage "whole": one ball of radius 3-5 in noise."""

    def __init__(self, size: int = 16, channels: tuple[int, int] = (1, 1)):
        self.size, self.channels = size, channels

    def sample(self, rng: np.random.Generator) -> Patch:
        grid = np.indices((self.size,) * 3)
        target = np.zeros((self.channels[1],) + (self.size,) * 3, np.float32)
        for channel in target:
            centre = rng.integers(4, self.size - 4, 3)[:, None, None, None]
            channel[((grid - centre) ** 2).sum(axis=0) < rng.integers(3, 6) ** 2] = 1
        image = rng.normal(0.2, 0.05, (self.channels[0],) + (self.size,) * 3).astype(np.float32)
        image[0] += 0.6 * target.max(axis=0)
        return Patch(image.clip(0, 1), target)


@pytest.fixture
def balls() -> Balls:
    return Balls()


@pytest.fixture
def held_out(balls):
    return fixed_patches(balls, 2, seed=7)


@pytest.fixture
def small_config() -> TrainConfig:
    """Six steps of a network of a few thousand weights, in this process, on one thread."""
    return TrainConfig(
        stage="whole", network_arguments={"channels": [4, 4, 8], "bottleneck": 8}, patch_zyx=(16, 16, 16), steps=6,
        workers=0, threads=1, warmup_steps=2, validate_every_steps=3, log_every_steps=1, tensorboard=False,
        device="cpu",
    )
