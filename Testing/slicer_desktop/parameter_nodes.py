"""The part of ``slicer.parameterNodeWrapper`` that the module uses: typed parameters of a node, tied to widgets.

Values are kept in the node as the desktop keeps them (text, "True"/"False", the name of an enum value, a node
reference), so that scenes saved with one open with the other.
"""

from __future__ import annotations

import enum
import pathlib
import sys
import typing
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import slicer
import vtk

PROPERTY = "SlicerParameterName"


@dataclass
class WithinRange:
    minimum: float
    maximum: float

    def validate(self, value) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not within {self.minimum} and {self.maximum}")


@dataclass
class Choice:
    choices: list

    def validate(self, value) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is not one of {self.choices}")


@dataclass
class Default:
    value: object


def parameterNodeWrapper(classtype):
    """The decorator: every annotated name of the class becomes a property that lives in a parameter node."""
    for name, annotated in typing.get_type_hints(classtype, include_extras=True).items():
        kind = typing.get_args(annotated)[0] if typing.get_origin(annotated) is typing.Annotated else annotated
        notes = typing.get_args(annotated)[1:] if typing.get_origin(annotated) is typing.Annotated else ()
        default = getattr(classtype, name, next((one.value for one in notes if isinstance(one, Default)), _none(kind)))
        parameter = _Parameter(name, kind, notes, default)
        classtype.allParameters = {**getattr(classtype, "allParameters", {}), name: parameter}
        setattr(classtype, name, property(parameter.read, parameter.write))
    for name, function in vars(_Wrapper).items():
        if not name.startswith("__") or name == "__init__":
            setattr(classtype, name, function)
    return classtype


def _none(kind):
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind))
    return {bool: False, int: 0, float: 0.0, str: ""}.get(kind, pathlib.Path() if kind is pathlib.Path else None)


class _Parameter:
    def __init__(self, name: str, kind: type, notes: tuple, default):
        self.name, self.kind, self.notes, self.default = name, kind, notes, default
        self.is_node = isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)
        known = self.is_node or kind in (bool, int, float, str, pathlib.Path) or issubclass(kind, enum.Enum)
        if not known:
            raise TypeError(f"The harness knows no parameter of type {kind} ('{name}').")

    def read(self, wrapper):
        node = wrapper.parameterNode
        if self.is_node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if self.kind is bool:
            return text == "True"
        return self.kind[text] if issubclass(self.kind, enum.Enum) else self.kind(text)

    def write(self, wrapper, value) -> None:
        node = wrapper.parameterNode
        if self.is_node:
            if value is not None and not isinstance(value, self.kind):
                raise TypeError(f"'{self.name}' takes a {self.kind.__name__}, not {value!r}")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
            return
        for note in self.notes:
            if hasattr(note, "validate"):
                note.validate(value)
        if issubclass(self.kind, enum.Enum):
            value = self.kind(value).name
        node.SetParameter(self.name, str(value))

    def is_in(self, node) -> bool:
        return node.GetNodeReference(self.name) is not None if self.is_node else node.GetParameter(self.name) != ""


class _Wrapper:
    def __init__(self, parameterNode):
        self.parameterNode = parameterNode
        self._guis, self._updating = {}, False
        for parameter in self.allParameters.values():
            if not parameter.is_node and not parameter.is_in(parameterNode):
                parameter.write(self, parameter.default)

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        self.parameterNode.RemoveObserver(tag)

    def Modified(self):
        self.parameterNode.Modified()

    def StartModify(self):
        return self.parameterNode.StartModify()

    def EndModify(self, state):
        return self.parameterNode.EndModify(state)

    def connectGui(self, gui):
        found = {}
        for widget in vars(gui).values():
            name = widget.property(PROPERTY)
            if name and name not in self.allParameters:
                raise ValueError(f"The widget '{widget.name}' wants the parameter '{name}', which does not exist.")
            if name:
                found[name] = _connector(widget, self.allParameters[name])
        for name, connector in found.items():
            connector.write(getattr(self, name))
            connector.connect(partial(self._on_gui, name, connector))
        tag = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._update_gui())
        self._guis[tag] = found
        return tag

    def disconnectGui(self, tag):
        for connector in self._guis.pop(tag, {}).values():
            connector.disconnect()
        if tag is not None:
            self.parameterNode.RemoveObserver(tag)

    def _on_gui(self, name, connector, *_arguments):
        if not self._updating:
            setattr(self, name, connector.read())

    def _update_gui(self):
        if self._updating:
            return
        self._updating = True
        try:
            for found in self._guis.values():
                for name, connector in found.items():
                    connector.write(getattr(self, name))
        finally:
            self._updating = False


class _Connector:
    """Between one widget and one parameter."""

    def __init__(self, widget, signal: str, read, write):
        self._widget, self._signal, self.read, self.write, self._function = widget, signal, read, write, None

    def connect(self, function) -> None:
        self._function = function
        getattr(self._widget, self._signal).connect(function)

    def disconnect(self) -> None:
        if self._function is not None:
            getattr(self._widget, self._signal).disconnect(self._function)


def _connector(widget, parameter: _Parameter) -> _Connector:
    kind, name = parameter.kind, type(widget).__name__
    bounds = next((one for one in parameter.notes if isinstance(one, WithinRange)), None)
    if parameter.is_node and name == "qMRMLNodeComboBox":
        widget.nodeTypes = [kind.__name__]
        return _Connector(widget, "currentNodeChanged", widget.currentNode, widget.setCurrentNode)
    if kind is bool and name == "QCheckBox":
        return _simple(widget, "stateChanged", "checked")
    if kind in (float, int) and name in ("QDoubleSpinBox", "QSpinBox", "ctkSliderWidget"):
        if bounds is not None:
            widget.minimum, widget.maximum = bounds.minimum, bounds.maximum
        return _simple(widget, "valueChanged", "value")
    if kind is pathlib.Path and name == "ctkPathLineEdit":
        return _simple(widget, "currentPathChanged", "currentPath", pathlib.Path, str)
    if kind is str and name == "QLineEdit":
        return _simple(widget, "textChanged", "text")
    if name == "QComboBox":
        choices = next((one.choices for one in parameter.notes if isinstance(one, Choice)), None)
        if issubclass(kind, enum.Enum):
            choices, labels = list(kind), [one.label() if hasattr(one, "label") else one.name for one in kind]
        elif choices is not None:
            labels = [str(one) for one in choices]
        else:
            raise RuntimeError(f"A combo box for '{parameter.name}' needs Choice or an enum.")
        widget.clear()
        for label in labels:
            widget.addItem(label)
        return _Connector(
            widget, "currentIndexChanged", lambda: choices[widget.currentIndex],
            lambda value: setattr(widget, "currentIndex", choices.index(value)),
        )
    raise RuntimeError(f"No connection from {name} '{widget.name}' to a parameter of type {kind}.")


def _simple(widget, signal: str, prop: str, read=lambda value: value, write=lambda value: value) -> _Connector:
    return _Connector(
        widget, signal, lambda: read(getattr(widget, prop)), lambda value: setattr(widget, prop, write(value))
    )


def publish() -> None:
    module = ModuleType("slicer.parameterNodeWrapper")
    for one in (parameterNodeWrapper, WithinRange, Choice, Default):
        setattr(module, one.__name__, one)
    sys.modules["slicer.parameterNodeWrapper"] = slicer.parameterNodeWrapper = module
