"""A running desktop with the module loaded, CTs made by hand, and workers that do as they are told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "slicer_nodes"), str(ROOT / "CoronarySeg")]

MODULE = ROOT / "CoronarySeg" / "CoronarySeg.py"


@pytest.fixture(scope="session")
def started(tmp_path_factory):
    import desktop

    return desktop.start(tmp_path_factory.mktemp("desktop"))


@pytest.fixture
def a_desktop(started):
    """The desktop with an empty scene; errors in functions that Qt calls fail the test."""
    started.scene.Clear(0)
    started.application._settings.clear()
    started.raise_errors()
    yield started
    started.scene.Clear(0)
    started.turn()
    started.raise_errors()


@pytest.fixture
def panel(a_desktop):
    """The module's widget, entered as by a click in the module selector; left and unloaded afterwards."""
    a_desktop.load(MODULE)
    yield a_desktop.enter("CoronarySeg")
    if slicer_still_runs():
        a_desktop.exit("CoronarySeg")
        a_desktop.quit("CoronarySeg")


def slicer_still_runs() -> bool:
    import slicer

    return slicer.modules.coronaryseg._qobject._widget is not None


@pytest.fixture
def a_ct(a_desktop):
    """An oblique CT with a left vessel, a right vessel and calcium, each of an HU of its own."""
    from made_by_hand import ct_by_hand

    return ct_by_hand("patient")


@pytest.fixture
def worker_mode(monkeypatch):
    """Sets what the next workers do: a mode of ``hand_worker``. They do well until told otherwise."""
    import CoronarySegModule.run as run

    from CoronarySegLib.worker import WorkerProcess

    mode = {"now": "ok"}

    class HandWorker(WorkerProcess):
        def _start(self, _command):
            super()._start([sys.executable, str(HERE / "hand_worker.py"), mode["now"], str(self.folder)])

    monkeypatch.setattr(run, "WorkerProcess", HandWorker)
    return lambda name: mode.update(now=name)


@pytest.fixture
def temporary(a_desktop) -> Path:
    """Slicer's temporary folder."""
    return Path(a_desktop.core.application_logic.GetTemporaryPath())
