"""``slicer.app`` and what hangs on it: module manager, settings, and the modules ``qt`` and ``ctk``."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import slicer
from ctk_widgets import CTK_WIDGETS
from mrml_widgets import MRML_WIDGETS
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, QObject, QSettings, Signal, Slot
from pythonqt import proxy_class, wrap
from ui_files import UiLoader

VERSION = (5, 12)


class qSlicerModuleManager(QObject):
    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    @Slot(str, result=object)
    def module(self, name: str):
        found = getattr(slicer.modules, name.lower(), None)
        return getattr(found, "_qobject", None)


class qSlicerApplication(QtWidgets.QApplication):
    """The application: Qt's own, with what Slicer adds to it and the module uses."""

    VISIBLE = ("testingEnabled",)  # a method that only Python sees on the desktop
    startupCompleted = Signal()

    def __init__(self, core, folder: Path):
        super().__init__(["Slicer"])
        self._core, self._folder, self._layout = core, folder, None
        self._modules = qSlicerModuleManager(self)
        self._settings = QSettings(str(folder / "Slicer.ini"), QSettings.Format.IniFormat)

    @Slot(result=object)
    def mrmlScene(self):
        return self._core.scene

    @Slot(result=object)
    def applicationLogic(self):
        return self._core.application_logic

    @Slot(result=object)
    def moduleManager(self):
        return self._modules

    @Slot(result=object)
    def layoutManager(self):
        return self._layout

    @Slot(result=object)
    def userSettings(self):
        return self._settings

    settings = userSettings

    def testingEnabled(self) -> bool:
        return True

    slicerHome = Property(str, lambda self: str(self._folder))
    temporaryPath = Property(str, lambda self: self._core.application_logic.GetTemporaryPath())
    majorVersion = Property(int, lambda self: VERSION[0])
    minorVersion = Property(int, lambda self: VERSION[1])


def make_application(core, folder: Path):
    """The one application of the process, as ``slicer.app``, with Fusion's look on every platform."""
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder))
    application = qSlicerApplication(core, folder)
    application.setApplicationName("Slicer")
    application.setOrganizationName("harness")
    application.setStyle("Fusion")
    slicer.app = wrap(application)
    return application


def publish_qt() -> None:
    """``import qt`` and ``import ctk``: classes of QObjects behind proxies, values such as QSize as they are."""
    qt = ModuleType("qt")
    for source in (QtCore, QtGui, QtWidgets):
        for name in dir(source):
            if not name.startswith("Q") or name in ("QObject",):
                continue
            value = getattr(source, name)
            is_object = isinstance(value, type) and issubclass(value, QObject)
            setattr(qt, name, proxy_class(value) if is_object else value)
    qt.QObject = proxy_class(QObject)
    qt.QUiLoader = proxy_class(UiLoader)
    ctk = ModuleType("ctk")
    for one in CTK_WIDGETS:
        setattr(ctk, one.__name__, proxy_class(one))
    for one in MRML_WIDGETS:
        setattr(slicer, one.__name__, proxy_class(one))
    sys.modules["qt"], sys.modules["ctk"] = qt, ctk
