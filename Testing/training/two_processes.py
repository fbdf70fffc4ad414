"""Started twice by torchrun: trains the run described by argv[1] in argv[2]."""

import sys
from pathlib import Path

from training_samples import Balls

from CoronarySegLib.training.config import read_config
from CoronarySegLib.training.loop import train
from CoronarySegLib.training.sources import fixed_patches

if __name__ == "__main__":
    balls = Balls()
    train(read_config(sys.argv[1]), balls, fixed_patches(balls, 1), Path(sys.argv[2]))
