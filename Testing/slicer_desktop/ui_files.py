"""``.ui`` files as the desktop loads them, and stricter: a name Qt would pass over in silence is an error here."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from ctk_widgets import CTK_WIDGETS
from mrml_widgets import MRML_WIDGETS
from PySide6 import QtWidgets
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtUiTools import QUiLoader
from pythonqt import properties_of, wrap

STAND_INS = {one.__name__: one for one in (*CTK_WIDGETS, *MRML_WIDGETS)}
DYNAMIC_PROPERTIES = {"SlicerParameterName"}  # what parameter node wrappers look for on a widget


class UiFileError(Exception):
    """The form names something that does not exist. Qt would leave it out without a word."""


class UiLoader(QUiLoader):
    """``qt.QUiLoader``: makes the stand-ins, checks every name, and connects what ``<connections>`` says."""

    VISIBLE = ("load",)

    def load(self, device, parent=None):
        form = ElementTree.fromstring(bytes(device.readAll()))
        check_form(form)
        connections = form.find("connections")
        if connections is not None:
            form.remove(connections)
        buffer = QBuffer()
        buffer.setData(QByteArray(ElementTree.tostring(form)))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        panel = super().load(buffer, parent)
        for connection in connections if connections is not None else ():
            sender, receiver = (_named(panel, connection.findtext(end)) for end in ("sender", "receiver"))
            wrap(sender).connect(connection.findtext("signal"), wrap(receiver), connection.findtext("slot"))
        return panel

    def createWidget(self, class_name, parent=None, name=""):
        if class_name not in STAND_INS:
            return super().createWidget(class_name, parent, name)
        widget = STAND_INS[class_name](parent)
        widget.setObjectName(name)
        return widget


def widget_class(name: str) -> type:
    """The class a form asks for by name. UiFileError when there is none."""
    found = STAND_INS.get(name) or getattr(QtWidgets, name, None)
    if found is None:
        raise UiFileError(f"There is no widget class '{name}', or the harness has no stand-in for it yet.")
    return found


def check_form(form: ElementTree.Element) -> None:
    """Raise UiFileError for a class, property or doubled name that the desktop would not take."""
    declared = {one.findtext("class") for one in form.iter("customwidget")}
    names: set[str] = set()
    for widget in form.iter("widget"):
        kind, name = widget.get("class"), widget.get("name")
        found = widget_class(kind)
        if kind in STAND_INS and kind not in declared:
            raise UiFileError(f"'{kind}' is used but not listed under <customwidgets>.")
        if name in names:
            raise UiFileError(f"Two widgets are called '{name}'.")
        names.add(name)
        for prop in widget.findall("property"):
            _check_property(found, name, prop)


def _check_property(found: type, widget: str, prop: ElementTree.Element) -> None:
    name = prop.get("name")
    if prop.get("stdset") == "0":
        if name not in DYNAMIC_PROPERTIES:
            raise UiFileError(f"'{widget}' has the dynamic property '{name}', which nothing reads.")
    elif name not in properties_of(found):
        raise UiFileError(f"'{widget}' ({found.__name__}) has no property '{name}'.")


def _named(panel, name: str):
    widget = panel if panel.objectName() == name else panel.findChild(QtWidgets.QWidget, name)
    if widget is None:
        raise UiFileError(f"A connection names the widget '{name}', which the form does not hold.")
    return widget
