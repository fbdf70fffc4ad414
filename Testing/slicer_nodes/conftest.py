"""A real MRML scene for every test here, and the volumes and results the tests put into it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# The module's folder: what Slicer does with a module path.
sys.path[:0] = [str(HERE), str(HERE.parent / "slicer_desktop"), str(ROOT / "CoronarySeg")]


@pytest.fixture(scope="session")
def slicer_core(tmp_path_factory):
    import desktop

    return desktop.start(tmp_path_factory.mktemp("slicer")).core


@pytest.fixture
def scene(slicer_core):
    """The scene, empty but for what every Slicer scene holds from the start."""
    slicer_core.scene.Clear(0)
    yield slicer_core.scene
    slicer_core.scene.Clear(0)


@pytest.fixture
def oblique_volume(scene):
    """A CT node whose axes are turned about all three directions, with unequal spacing and an origin far off."""
    from slicer_samples import oblique_matrix, volume_node

    return volume_node("patient", np.full((30, 40, 50), 60, np.int16), oblique_matrix())


@pytest.fixture(scope="session")
def a_model_folder(tmp_path_factory) -> Path:
    """A model that opens and runs but has learned nothing: for all that happens before and after the network."""
    import torch
    from slicer_samples import CARD

    from CoronarySegLib.models import save_model
    from CoronarySegLib.networks import build_network

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "untrained"
    save_model(folder, CARD, {"whole": build_network("ResUNet3D", CARD.stage("whole").arguments).state_dict()})
    return folder
