"""Flow models made by the real worker: a straight vessel in, files out, nothing left behind."""

import sys

import numpy as np
import pytest
from waiting import wait_for

from CoronarySegLib.centreline.tree import CentrelineBranch, CentrelineTree
from CoronarySegLib.errors import EmptyResultError
from CoronarySegLib.volume import Geometry, Volume
from CoronarySegLib.worker import CfdJob, WorkerProcess

RADIUS_MM, LENGTH_MM = 1.6, 16.0
GEOMETRY = Geometry((24, 24, 60), (0.4, 0.4, 0.4), (-12.0, -4.8, -4.8))


@pytest.fixture(scope="module")
def a_tube() -> Volume:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in GEOMETRY.size_xyz), indexing="ij"), axis=-1)
    x, y, z = np.moveaxis(GEOMETRY.points_lps(index), -1, 0)
    inside = (y**2 + z**2 < RADIUS_MM**2) & (np.abs(x) < LENGTH_MM / 2)
    return Volume(inside.transpose(2, 1, 0).astype(np.uint8), GEOMETRY, "tube")


def its_centreline() -> CentrelineTree:
    points = np.linspace([-LENGTH_MM / 2, 0, 0], [LENGTH_MM / 2, 0, 0], 33)
    radius = np.full(33, RADIUS_MM)
    return CentrelineTree("left", (CentrelineBranch(-1, points, radius, np.pi * radius**2, "LAD", 1.0),))


def outcome_of(job, folder, look):
    with WorkerProcess(job, python=sys.executable, temporary=folder) as process:
        wait_for(lambda: not process.running, seconds=120)
        return look(process.outcome())


def test_a_vessel_becomes_a_model_with_named_ends_and_leaves_nothing_behind(a_tube, tmp_path):
    job = CfdJob(a_tube, None, {"left": its_centreline()}, "cm", ("left",), ("stl",), 0.0)
    names, summary = outcome_of(
        job, tmp_path, lambda made: ({path.name for path in made.folder.rglob("*") if path.is_file()}, made.summary)
    )
    assert "cfd.json" in names
    assert any("outlet_LAD" in name for name in names)
    assert summary[0].startswith("left: ")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_mask_is_refused_in_the_librarys_words(a_tube, tmp_path):
    job = CfdJob(a_tube.with_array(np.zeros_like(a_tube.array)), sides=("left",), formats=("stl",))
    with pytest.raises(EmptyResultError):
        outcome_of(job, tmp_path, lambda made: made)
