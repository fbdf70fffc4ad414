"""A CT in a file's worth of values, and processes that stand in for the worker."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from CoronarySegLib.volume import Geometry, Volume


@pytest.fixture
def a_ct() -> Volume:
    array = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    direction = (0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
    return Volume(array, Geometry((3, 4, 5), (0.5, 0.6, 0.7), (1.0, 2.0, 3.0), direction), "scan", ("odd",))


@pytest.fixture
def start(tmp_path):
    """Starts a process that runs a line of Python as a worker would; all are ended after the test."""
    from CoronarySegLib.worker import WorkerProcess

    started = []

    def start(code: str) -> WorkerProcess:
        started.append(WorkerProcess(None, temporary=tmp_path, command=[sys.executable, "-c", code]))
        return started[-1]

    yield start
    for process in started:
        process.close()
