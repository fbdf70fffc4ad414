"""A Slicer desktop for tests: start it once, load module files, press buttons, look at panels.

The scene, its nodes, the module logics and ``slicer.util`` are Slicer's own (``slicer-core``); Qt is PySide6 in
PythonQt's manners; CTK's and Slicer's widgets are stand-ins. README.md says what this does not prove.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

PATIENCE_S = 300.0
"""A worker starts in two seconds on a free machine; tests also run on one that is busy with everything else."""
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for _folder in (HERE, HERE.parent / "slicer_nodes"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

_running: Desktop | None = None


@dataclass(frozen=True)
class Desktop:
    """The running parts: ``core`` as from ``slicer_bootstrap``, ``application`` the Qt application."""

    core: object
    application: object

    @property
    def scene(self):
        return self.core.scene

    def load(self, path: Path) -> ModuleType:
        from scripted_module import load_module

        return load_module(path)

    def enter(self, name: str):
        from scripted_module import enter_module

        return enter_module(name)

    def exit(self, name: str) -> None:
        from scripted_module import exit_module

        exit_module(name)

    def quit(self, name: str) -> None:
        """The desktop ends while the module is loaded."""
        from scripted_module import unload_module

        unload_module(name)

    def wait_until(self, true: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Let the event loop turn until something is true. TimeoutError after ``seconds``."""
        end = time.monotonic() + seconds
        while not true():
            self.turn()
            if time.monotonic() > end:
                raise TimeoutError(f"Not true after {seconds} s")
            time.sleep(0.005)

    def turn(self) -> None:
        """One turn of the event loop, deferred deletions included."""
        from PySide6.QtCore import QCoreApplication, QEvent

        self.application.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def raise_errors(self) -> None:
        """Raise the first error that a function called by Qt left behind since the last time."""
        import pythonqt

        found, pythonqt.errors[:] = list(pythonqt.errors), []
        if found:
            raise AssertionError(f"{len(found)} error(s) in functions called by Qt") from found[0]

    def with_views(self):
        """Open three slice views and a 3D view (once); returns the layout manager. Needs an OpenGL that draws
        without a display."""
        from views import qSlicerLayoutManager

        if self.application._layout is None:
            self.application._layout = qSlicerLayoutManager(self.core)
        return self.application._layout

    def grab(self, widget, path: Path, width: int = 460) -> Path:
        """The picture of a panel, as high as it wants to be."""
        target = widget._qobject
        target.setAttribute(_qt_attribute(), True)
        target.resize(width, 10)
        target.show()
        for _ in range(3):  # a section that was opened tells the layout round it, and that one the next
            self.turn()
        target.resize(width, max(target.sizeHint().height(), target.minimumSizeHint().height()))
        self.turn()
        target.grab().save(str(path))
        return path


def start(temporary_folder: Path) -> Desktop:
    """The desktop of this process: the first call starts it (about two seconds), later ones return the same."""
    global _running
    if _running is not None:
        return _running
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    _keep_none_alive()
    import slicer_bootstrap

    core = slicer_bootstrap.boot(temporary_folder / "slicer")
    import application
    import parameter_nodes
    import sample_data_module
    import scripted_module
    import translation

    qt_application = application.make_application(core, temporary_folder)
    application.publish_qt()
    scripted_module.publish()
    parameter_nodes.publish()
    translation.publish()
    sample_data_module.publish()
    _running = Desktop(core, qt_application)
    return _running


def _keep_none_alive() -> None:
    """PySide6 6.12 gives back one reference to None too many per call of a void slot, and Python 3.11 then ends with a
    fatal error. From 3.12 on None cannot die; before that its count is set so high here that it does not either."""
    if sys.version_info < (3, 12):
        import ctypes

        ctypes.c_ssize_t.from_address(id(None)).value += 1 << 40


def _qt_attribute():
    from PySide6.QtCore import Qt

    return Qt.WidgetAttribute.WA_DontShowOnScreen
