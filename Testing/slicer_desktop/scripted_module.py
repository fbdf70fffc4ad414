"""The base classes of scripted modules, and the desktop's part in loading, showing and leaving one."""

from __future__ import annotations

import importlib.util
import sys
import unittest
from pathlib import Path
from types import ModuleType

import slicer
from ctk_widgets import ctkCollapsibleButton
from mrml_widgets import qMRMLNodeComboBox, qSlicerScriptedLoadableModuleWidget
from PySide6.QtCore import Property, QObject, Slot
from PySide6.QtGui import QIcon
from pythonqt import proxy_class, wrap


def _text(name: str) -> Property:
    return Property(str, lambda self: self._about[name], lambda self, value: self._about.__setitem__(name, value))


def _list(name: str) -> Property:
    return Property(
        "QStringList", lambda self: self._about[name], lambda self, value: self._about.__setitem__(name, value)
    )


class qSlicerScriptedLoadableModule(QObject):
    """What the desktop gives a module's first class as ``parent``."""

    def __init__(self, name: str, path: Path):
        super().__init__()
        self._about = {
            "title": "", "helpText": "", "acknowledgementText": "", "categories": [], "dependencies": [],
            "contributors": [],
        }
        self._name, self._path, self._icon, self._hidden, self._widget = name, path, QIcon(), False, None

    title, helpText, acknowledgementText = _text("title"), _text("helpText"), _text("acknowledgementText")
    categories, dependencies, contributors = _list("categories"), _list("dependencies"), _list("contributors")
    name = Property(str, lambda self: self._name)
    path = Property(str, lambda self: str(self._path))
    icon = Property(QIcon, lambda self: self._icon, lambda self, value: setattr(self, "_icon", value))
    hidden = Property(bool, lambda self: self._hidden, lambda self, value: setattr(self, "_hidden", value))

    @Slot(result=object)
    def widgetRepresentation(self):
        if self._widget is None:
            self._widget = qSlicerScriptedLoadableModuleWidget()
            self._widget.setMRMLScene(slicer.mrmlScene)
            self._widget._make = self._make_widget
            self._widget.reload()
        return self._widget

    def _make_widget(self, parent):
        widget = getattr(sys.modules[self._name], f"{self._name}Widget")(wrap(parent))
        setattr(slicer.modules, f"{self._name}Widget", widget)
        return widget


class ScriptedLoadableModule:
    def __init__(self, parent):
        self.parent = parent
        self.moduleName = type(self).__name__
        icon = Path(parent.path).parent / "Resources" / "Icons" / f"{self.moduleName}.png"
        if icon.is_file():
            parent.icon = QIcon(str(icon))

    def resourcePath(self, filename: str) -> str:
        return str(Path(self.parent.path).parent / "Resources" / filename)

    def getDefaultModuleDocumentationLink(self, docPage=None) -> str:
        return "<p>For more information see the online documentation.</p>"

    def runTest(self, msec: int = 100, **arguments) -> None:
        test = getattr(sys.modules[type(self).__module__], f"{self.moduleName}Test")()
        test.messageDelay = msec
        test.runTest(**arguments)


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        self.parent = parent if parent is not None else _free_parent()
        self.layout = self.parent.layout()
        if parent is None:
            self.setup()
            self.parent.show()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename: str) -> str:
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self) -> None:
        pass

    def cleanup(self) -> None:
        pass

    def onReload(self) -> None:
        slicer.util.reloadScriptedModule(self.moduleName)

    def _onModuleAboutToBeUnloaded(self, name: str) -> None:
        if name == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)


class ScriptedLoadableModuleLogic:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self):
        """The module's parameter node in the scene, made when there is none."""
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            made = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
            made.UnRegister(None)
            made.SetSingletonTag(self.moduleName)
            made.SetModuleName(self.moduleName)
            node = slicer.mrmlScene.AddNode(made)
            node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        node.SetAttribute("ModuleName", self.moduleName)
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.messageDelay = 0

    def runTest(self):
        pass

    def delayDisplay(self, message: str, *_arguments) -> None:
        slicer.app.processEvents()


BASES = (ScriptedLoadableModule, ScriptedLoadableModuleWidget, ScriptedLoadableModuleLogic, ScriptedLoadableModuleTest)


def load_module(path: Path) -> ModuleType:
    """Load a module file as the desktop's factory does: import it by its path, make its first class, publish it."""
    name = path.stem
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    parent = wrap(qSlicerScriptedLoadableModule(name, path))
    instance = getattr(module, name)(parent)
    setattr(slicer.modules, name.lower(), parent)
    setattr(slicer.modules, f"{name}Instance", instance)
    return module


def enter_module(name: str):
    """What a click in the module selector does. Returns the widget class's instance."""
    widget = _representation(name)
    if not widget._entered:
        widget._entered = True
        widget._python.enter()
    return widget._python


def exit_module(name: str) -> None:
    widget = _representation(name)
    if widget._entered:
        widget._python.exit()
        widget._entered = False


def unload_module(name: str) -> None:
    """What happens to a module when the desktop ends: it is told, then its widgets are destroyed."""
    slicer.app.moduleManager().moduleAboutToBeUnloaded.emit(name)
    module = getattr(slicer.modules, name.lower())._qobject
    if module._widget is not None:
        for selector in module._widget.findChildren(qMRMLNodeComboBox):
            selector.setMRMLScene(None)
        module._widget.deleteLater()
        module._widget = None


def _representation(name: str):
    return getattr(slicer.modules, name.lower())._qobject.widgetRepresentation()


def _free_parent():
    from PySide6.QtWidgets import QVBoxLayout

    parent = slicer.qMRMLWidget()
    parent.setLayout(QVBoxLayout())
    parent.setMRMLScene(slicer.mrmlScene)
    return parent


def publish() -> None:
    bases = ModuleType("slicer.ScriptedLoadableModule")
    bases.__all__ = [one.__name__ for one in BASES]
    for one in BASES:
        setattr(bases, one.__name__, one)
    sys.modules["slicer.ScriptedLoadableModule"] = slicer.ScriptedLoadableModule = bases
    slicer.qSlicerScriptedLoadableModule = proxy_class(qSlicerScriptedLoadableModule)
    proxy_class(ctkCollapsibleButton)
