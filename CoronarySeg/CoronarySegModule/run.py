"""A job in its worker process, and what becomes of it in the scene: followed by a timer or waited for.

A run ends once: with a result, with an error, or cancelled. Closing the scene, removing the node it works on and ending
the program cancel it; in every case the process and its files are gone afterwards.
"""

from __future__ import annotations

import shutil
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import slicer

from CoronarySegLib.errors import Cancelled
from CoronarySegLib.worker import WorkerProcess
from CoronarySegLib.worker.jobs import Job

INTERVAL_MS = 100

_followed: set[Run] = set()
"""Runs that a timer looks after stay alive also when nobody keeps them."""


class Run:
    """One job under way. ``result`` and ``error`` are None until it is ``over``; one of them is set then.

    ``finish`` makes the result of the worker's outcome (and may write to the scene), ``progress`` hears a fraction 0..1
    and a text and cancels by answering False, ``ended`` is told once with the run.
    """

    def __init__(
        self, job: Job, finish: Callable, *, node=None, progress: Callable | None = None, ended: Callable | None = None
    ):
        self.result = None
        self.error: Exception | None = None
        self.over = False
        self._finish, self._progress, self._ended = finish, progress, ended
        self._node, self._timer, self._reason = node, None, ""
        self.worker = WorkerProcess(job, python=python_program(), temporary=temporary_folder())
        # Also when Python ends without anybody having ended the run.
        self._safeguard = weakref.finalize(self, self.worker.close)
        self._scene = node.GetScene() if node is not None else None
        self._tag = self._observe()

    def follow(self) -> Run:
        """Let a timer of the event loop look after the run."""
        import qt

        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._timer.connect("timeout()", self.poll)
        self._timer.start()
        _followed.add(self)
        return self

    def wait(self):
        """Stay here until the run is over, and return its result or raise its error."""
        while self.poll():
            slicer.app.processEvents()
            time.sleep(INTERVAL_MS / 2000)
        if self.error is not None:
            raise self.error
        return self.result

    def cancel(self, reason: str = "") -> None:
        """End the run now, with all of its processes."""
        if not self.over:
            self._reason = reason
            self.worker.cancel()
            self._end()

    def poll(self, *_) -> bool:
        """Look after the worker once; True while it works."""
        if self.over:
            return False
        if self._node is not None and self._node.GetScene() is None:
            self.cancel(f"'{self._node.GetName()}' was removed from the scene. Nothing was written.")
            return False
        running = self.worker.running  # before listening: what is said last is heard, too
        for said in self.worker.said():
            if self._progress is not None and self._progress(said.fraction, said.text) is False:
                self.cancel()
                return False
            if self.over:  # cancelled by what the progress did
                return False
        if not running:
            self._end()
        return running

    def _end(self) -> None:
        self.over = True
        _followed.discard(self)
        if self._timer is not None:
            self._timer.stop()
        if self._tag is not None:
            self._scene.RemoveObserver(self._tag)
        try:
            self.result = self._finish(self.worker.outcome())
        except Cancelled as error:
            self.error = Cancelled(self._reason) if self._reason else error
        except Exception as error:  # told to whoever waits or listens
            self.error = error
        finally:
            self._safeguard()
        if self._ended is not None:
            self._ended(self)

    def _observe(self):
        if self._scene is None:
            return None
        this = weakref.ref(self)

        def closing(*_) -> None:
            run = this()
            if run is not None:
                run.cancel("The scene was closed. Nothing was written.")

        return self._scene.AddObserver(self._scene.StartCloseEvent, closing)


def python_program() -> str:
    """The Python of this program: inside the desktop that is PythonSlicer, elsewhere the running one."""
    return shutil.which("PythonSlicer") or sys.executable


def temporary_folder() -> Path:
    """Where Slicer keeps its temporary files, made when it is not there yet."""
    folder = Path(slicer.app.temporaryPath)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
