"""Which names exist on the desktop: a table read from headers for CTK and Slicer, Qt's own meta objects for Qt.

:func:`lint_form` and :func:`lint_code` look names up without running anything, so that also code which no test reaches
cannot ask for a property, signal or slot that the desktop does not have.
"""

from __future__ import annotations

import ast
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import QMetaMethod

TABLE = Path(__file__).with_name("widget_names.json")
ALWAYS = {"name", "connect", "disconnect", "delete", "className"}  # what PythonQt gives every object


@dataclass(frozen=True)
class Names:
    """What of a class Python can reach; ``signals`` with their signatures, ``values`` are names of enum values."""

    properties: frozenset[str]
    signals: frozenset[str]
    methods: frozenset[str]
    values: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        return self.properties | self.methods | self.values | {one.split("(")[0] for one in self.signals} | ALWAYS

    def __or__(self, other: Names) -> Names:
        return Names(*(getattr(self, one) | getattr(other, one) for one in
                       ("properties", "signals", "methods", "values")))


def table() -> dict[str, dict]:
    return json.loads(TABLE.read_text(encoding="utf-8"))["classes"]


def names_of(class_name: str) -> Names:
    """Own and inherited names of a class. KeyError when neither the table nor Qt knows it."""
    known = table()
    if class_name not in known:
        return _qt_names(class_name)
    entry = known[class_name]
    own = Names(frozenset(entry["properties"]), frozenset(entry["signals"]), frozenset(entry["methods"]),
                frozenset(entry["enums"]))
    try:
        return own | names_of(entry["base"])
    except KeyError:  # a base outside the table: its names are not known, so they may not be used
        return own | _qt_names("QObject")


def lint_form(path: Path) -> list[str]:
    """What a form asks for that does not exist, one line each."""
    form = ElementTree.parse(path)
    classes = classes_of(path)
    wrong = []
    for widget in form.iter("widget"):
        properties = names_of(widget.get("class")).properties
        wrong += [
            f"{widget.get('name')}: {widget.get('class')} has no property '{prop.get('name')}'"
            for prop in widget.findall("property")
            if prop.get("stdset") != "0" and prop.get("name") not in properties
        ]
    for connection in form.iter("connection"):
        signal, slot = connection.findtext("signal"), connection.findtext("slot")
        sender, receiver = classes[connection.findtext("sender")], classes[connection.findtext("receiver")]
        if signal not in names_of(sender).signals:
            wrong.append(f"{sender} has no signal '{signal}'")
        if slot.split("(")[0] not in names_of(receiver).methods:
            wrong.append(f"{receiver} has no slot '{slot}'")
    return wrong


def lint_code(source: str, classes: dict[str, str]) -> list[str]:
    """What code asks of the form's widgets that does not exist. ``classes``: class of each widget by name."""
    wrong = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            if _is_form(node.value) and node.attr not in classes:
                wrong.append(f"line {node.lineno}: the form has no widget '{node.attr}'")
            widget = _widget_of(node.value)
            if widget in classes and node.attr not in names_of(classes[widget]).all:
                wrong.append(f"line {node.lineno}: {widget} ({classes[widget]}) has no '{node.attr}'")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "connect":
            widget = _widget_of(node.func.value)
            signal = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if widget in classes and signal is not None and signal not in names_of(classes[widget]).signals:
                wrong.append(f"line {node.lineno}: {widget} ({classes[widget]}) has no signal '{signal}'")
    return wrong


def classes_of(form: Path) -> dict[str, str]:
    """Class of each widget of a form by name."""
    return {widget.get("name"): widget.get("class") for widget in ElementTree.parse(form).iter("widget")}


def _is_form(node: ast.expr) -> bool:
    """``ui``, ``self.ui`` or ``self._ui``."""
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in ("ui", "_ui")


def _widget_of(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) and _is_form(node.value) else None


def _qt_names(class_name: str) -> Names:
    found = getattr(QtWidgets, class_name, None) or getattr(QtCore, class_name, None)
    if found is None:
        raise KeyError(class_name)
    meta = found.staticMetaObject
    methods = [meta.method(index) for index in range(meta.methodCount())]
    signals = {bytes(one.methodSignature()).decode() for one in methods if
               one.methodType() == QMetaMethod.MethodType.Signal}
    properties = {meta.property(index).name() for index in range(meta.propertyCount())}
    public = {name for name in dir(found) if not name.startswith("_")}
    return Names(frozenset(properties), frozenset(signals), frozenset(public))
