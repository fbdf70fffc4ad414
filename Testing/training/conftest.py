"""Small runs and small cases for the tests of the training."""

from __future__ import annotations

import pytest
from training_samples import Balls

from CoronarySegLib.training.config import TrainConfig
from CoronarySegLib.training.sources import fixed_patches


@pytest.fixture
def balls() -> Balls:
    return Balls()


@pytest.fixture
def held_out(balls):
    return fixed_patches(balls, 2, seed=7)


@pytest.fixture
def small_config() -> TrainConfig:
    """Six steps of a network of a few thousand weights, in this process, on one thread.

    In float32: of so few channels torch's bf16 on a CPU now and then gives gradients that are not finite.
    """
    return TrainConfig(
        stage="whole", network_arguments={"channels": [4, 4, 8], "bottleneck": 8}, patch_zyx=(16, 16, 16), steps=6,
        workers=0, threads=1, warmup_steps=2, validate_every_steps=3, log_every_steps=1, tensorboard=False,
        device="cpu", precision="off",
    )
