"""Trains the run described by argv[1] in argv[2], slowly enough to be killed on the way."""

import sys
import time
from pathlib import Path

from training_samples import Balls

from CoronarySegLib.training.config import read_config
from CoronarySegLib.training.loop import train
from CoronarySegLib.training.sources import fixed_patches


class SlowBalls(Balls):
    def sample(self, rng):
        time.sleep(0.1)
        return super().sample(rng)


if __name__ == "__main__":
    train(read_config(sys.argv[1]), SlowBalls(), fixed_patches(Balls(), 2, seed=7), Path(sys.argv[2]))
