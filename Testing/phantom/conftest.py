"""One set of anatomies and one phantom, shared by all tests of the folder: making them is what takes time."""

import pytest

from CoronarySegLib.phantom import PhantomSettings, centred_grid, make_phantom
from CoronarySegLib.phantom.anatomy import make_anatomy

SEEDS = range(40, 46)


@pytest.fixture(scope="session")
def anatomies():
    return [make_anatomy(seed, dominance="right") for seed in SEEDS]


@pytest.fixture(scope="session")
def phantom():
    grid = centred_grid((200, 240, 240), (0.75, 0.75, 0.8))
    return make_phantom(PhantomSettings(seed=5, geometry=grid, artefacts=False))
