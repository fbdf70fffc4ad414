"""Every published system, chosen by name for a CT node of a real scene, with networks whose answer is known."""

import shutil
import sys
import tempfile
from pathlib import Path

import CoronarySegModule.run
import desktop
import numpy as np
import pytest
import slicer
import torch
from CoronarySegModule.conversion import RAS_TO_LPS
from slicer_samples import linear_transform, rigid_matrix, volume_node

from CoronarySegLib.errors import CoronarySegError
from CoronarySegLib.models import FOLDERS_VARIABLE
from CoronarySegLib.progress import as_progress
from CoronarySegLib.worker import __main__ as worker
from CoronarySegLib.worker.jobs import read_job, write_job
from CoronarySegLib.worker.outcomes import read_outcome, write_error

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "inference"), str(TESTS / "helpers")]

from chest import make_chest  # noqa: E402
from system_models import SYSTEMS, models  # noqa: E402

torch.set_num_threads(1)
VESSEL_HU, BAND = 1000, (800, 3000)


class HereWorker:
    """Does the job of a worker in this process: one start of Python with torch is dear, one a system too dear."""

    running = False

    def __init__(self, job, **_):
        self.folder = Path(tempfile.mkdtemp())
        write_job(job, self.folder)
        try:
            worker._do(read_job(self.folder), self.folder, as_progress(None))
        except CoronarySegError as error:
            write_error(self.folder, error)

    def said(self):
        return []

    def outcome(self):
        return read_outcome(self.folder)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def chest():
    """A contrast chest with a bright vessel on each side of the heart; where these are, (z, y, x) bool."""
    ct = make_chest(spacing_mm=2.0)
    z, y, x = np.moveaxis(ct.geometry.points_lps(np.moveaxis(np.indices(ct.array.shape)[::-1], 0, -1)), -1, 0)[::-1]
    vessels = {
        side: (np.hypot(x - centre, y + 8) < 5) & (np.abs(z) < 30) for side, centre in (("left", 46), ("right", -46))
    }
    array = ct.array.copy()
    array[vessels["left"] | vessels["right"]] = VESSEL_HU
    return ct.with_array(array), vessels


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("systems")
    models(folder, BAND)
    return folder


@pytest.fixture
def node(scene, chest, model_folder, monkeypatch):
    """The chest on a node under a transform; the models are found by name."""
    monkeypatch.setenv(FOLDERS_VARIABLE, str(model_folder))
    transform = linear_transform(rigid_matrix())
    in_world = RAS_TO_LPS @ chest[0].geometry.index_to_lps
    ct = volume_node("patient", chest[0].array, np.linalg.inv(rigid_matrix()) @ in_world)
    ct.SetAndObserveTransformNodeID(transform.GetID())
    return ct


def dice(node, written, side, truth):
    found = slicer.util.arrayFromSegmentBinaryLabelmap(written.segmentation, side, node) > 0
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_chosen_by_name_finds_the_vessels_of_a_node(node, chest, system, tmp_path, monkeypatch):
    monkeypatch.setattr(CoronarySegModule.run, "WorkerProcess", HereWorker)
    logic = desktop.start(tmp_path).load(TESTS.parent / "CoronarySeg" / "CoronarySeg.py").CoronarySegLogic()
    written = logic.segment(node, model=system, device="torch")
    for side, truth in chest[1].items():
        assert dice(node, written, side, truth) > 0.8, side
    assert written.segmentation.GetAttribute("CoronarySeg.Model").startswith("by hand")


def test_the_worker_process_finds_a_system_by_name_too(node, chest, tmp_path):
    logic = desktop.start(tmp_path).load(TESTS.parent / "CoronarySeg" / "CoronarySeg.py").CoronarySegLogic()
    written = logic.segment(node, model="slices_refined", device="torch")
    assert dice(node, written, "left", chest[1]["left"]) > 0.8
