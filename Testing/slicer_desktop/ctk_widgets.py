"""Stand-ins for the CTK widgets the module uses: the same properties, signals and slots on plain Qt widgets.

What a stand-in declares to Qt is all that code can reach, and ``widget_names.json`` holds what the headers of CTK
declare; a test compares the two, so a stand-in cannot offer a name that the desktop lacks.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Property, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QStyle,
    QStyleOption,
    QToolButton,
    QWidget,
)

HEADER_PIXELS = 24


class ctkCollapsibleButton(QAbstractButton):
    """A section with a header; collapsed, its contents are hidden."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *arguments):
        text = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        super().__init__(arguments[-1] if arguments and isinstance(arguments[-1], QWidget) else None)
        self.setText(text)
        self._collapsed = False
        self._flat = False
        self.setContentsMargins(0, HEADER_PIXELS, 0, 0)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(lambda checked: self.setCollapsed(not checked))

    def setCollapsed(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        self.setChecked(not collapsed)
        self._show_contents()
        self.contentsCollapsed.emit(collapsed)

    def _show_contents(self) -> None:
        for child in self.children():
            if isinstance(child, QWidget):
                child.setVisible(not self._collapsed)
        if self._collapsed:
            self.setFixedHeight(HEADER_PIXELS)
        else:
            self.setMinimumHeight(0)
            self.setMaximumHeight(16777215)
        self.updateGeometry()

    def showEvent(self, event) -> None:
        if self._collapsed:  # children may have been added after it was collapsed
            self._show_contents()
        super().showEvent(event)

    def hitButton(self, position) -> bool:
        return position.y() < HEADER_PIXELS

    def sizeHint(self) -> QSize:
        return self._around(self.layout().sizeHint() if self.layout() else QSize(0, 0))

    def minimumSizeHint(self) -> QSize:
        """Narrower than the size hint: a text that wraps does so, as on the desktop."""
        return self._around(self.layout().minimumSize() if self.layout() else QSize(0, 0))

    def _around(self, contents: QSize) -> QSize:
        return QSize(max(contents.width(), 120), HEADER_PIXELS + (0 if self._collapsed else contents.height()))

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        palette = self.palette()
        painter.fillRect(QRect(0, 0, self.width(), HEADER_PIXELS), palette.color(QPalette.ColorRole.Button))
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.drawLine(0, HEADER_PIXELS - 1, self.width(), HEADER_PIXELS - 1)
        arrow = QStyleOption()
        arrow.rect = QRect(6, (HEADER_PIXELS - 12) // 2, 12, 12)
        arrow.palette = palette
        arrow.state = QStyle.StateFlag.State_Enabled
        kind = QStyle.PrimitiveElement.PE_IndicatorArrowRight if self._collapsed else \
            QStyle.PrimitiveElement.PE_IndicatorArrowDown
        self.style().drawPrimitive(kind, arrow, painter, self)
        painter.setPen(palette.color(QPalette.ColorRole.ButtonText))
        painter.drawText(QRect(26, 0, self.width() - 30, HEADER_PIXELS), Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.end()

    def _set_flat(self, flat: bool) -> None:
        self._flat = flat

    collapsed = Property(bool, lambda self: self._collapsed, setCollapsed)
    flat = Property(bool, lambda self: self._flat, _set_flat)


class ctkPathLineEdit(QWidget):
    """A line for a path with a button to browse. Only folders are asked for where ``filters`` says Dirs."""

    Dirs, Files, Drives, NoSymLinks, Readable, Writable, Executable = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40
    VISIBLE = ("Dirs", "Files", "Drives", "NoSymLinks", "Readable", "Writable", "Executable")
    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._label, self._setting_key, self._filters = "", "", self.Dirs | self.Files | self.Drives
        self._name_filters: list[str] = []
        self._line = QComboBox(self)
        self._line.setEditable(True)
        self._line.setMinimumContentsLength(8)
        self._line.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._button = QToolButton(self)
        self._button.setText("...")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line, 1)
        layout.addWidget(self._button)
        self._line.editTextChanged.connect(self.currentPathChanged)
        self._button.clicked.connect(self.browse)

    @Slot(str)
    def setCurrentPath(self, path: str) -> None:
        self._line.setEditText(path)

    @Slot()
    def browse(self) -> None:
        start = self._line.currentText()
        chosen = QFileDialog.getExistingDirectory(self, self._label, start) if self._filters & self.Files == 0 else \
            QFileDialog.getOpenFileName(self, self._label, start)[0]
        if chosen:
            self.setCurrentPath(chosen)

    @Slot()
    def addCurrentPathToHistory(self) -> None:
        path = self._line.currentText()
        if path and self._line.findText(path) < 0 and Path(path).exists():
            self._line.addItem(path)

    def _set(self, name: str, value) -> None:
        setattr(self, name, value)

    currentPath = Property(str, lambda self: self._line.currentText(), setCurrentPath, user=True)
    label = Property(str, lambda self: self._label, lambda self, value: self._set("_label", value))
    filters = Property(int, lambda self: self._filters, lambda self, value: self._set("_filters", value))
    settingKey = Property(str, lambda self: self._setting_key, lambda self, value: self._set("_setting_key", value))
    nameFilters = Property(
        "QStringList", lambda self: self._name_filters, lambda self, value: self._set("_name_filters", value)
    )
    showBrowseButton = Property(bool, lambda self: not self._button.isHidden(),
                                lambda self, value: self._button.setVisible(value))


class ctkMessageBox(QMessageBox):
    """A message box; the desktop's can also be told not to come again."""


CTK_WIDGETS = (ctkCollapsibleButton, ctkPathLineEdit, ctkMessageBox)
