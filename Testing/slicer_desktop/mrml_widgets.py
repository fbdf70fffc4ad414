"""Stand-ins for the qMRML widgets the module uses, on a real MRML scene.

As in ``ctk_widgets``: nothing is offered that the headers of Slicer do not declare, and a test compares the names.
"""

from __future__ import annotations

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget


class qMRMLWidget(QWidget):
    """The top of a panel: hands the scene on to the widgets that are connected to its signal."""

    mrmlSceneChanged = Signal(object)
    SIGNALS = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}  # noqa: RUF012

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._scene = None

    @Slot(object)
    def setMRMLScene(self, scene) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)

    @Slot(result=object)
    def mrmlScene(self):
        return self._scene


class qMRMLNodeComboBox(QWidget):
    """A list of the scene's nodes of some classes, kept up to date by the scene's own events."""

    currentNodeChanged = Signal(object)
    _currentNodeIsValid = Signal(bool)
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAddedByUser = Signal(object)
    SIGNALS = {  # noqa: RUF012
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "currentNodeChanged(bool)": "_currentNodeIsValid",
        "nodeActivated(vtkMRMLNode*)": "nodeActivated",
        "nodeAddedByUser(vtkMRMLNode*)": "nodeAddedByUser",
    }

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._scene, self._tags, self._node, self._shown = None, [], None, []
        self._values = {
            "nodeTypes": [], "showHidden": False, "showChildNodeTypes": True, "noneEnabled": False, "addEnabled": True,
            "removeEnabled": True, "editEnabled": False, "renameEnabled": False, "selectNodeUponCreation": True,
            "noneDisplay": "None", "baseName": "", "hideChildNodeTypes": [],
        }
        self._attributes: list[tuple[str, str, object]] = []
        self._box = QComboBox(self)
        self._box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._box.setMinimumContentsLength(8)
        self._box.activated.connect(self._on_activated)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)

    @Slot(object)
    def setMRMLScene(self, scene) -> None:
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._scene, self._tags = scene, []
        if scene is not None:
            for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent, scene.EndCloseEvent,
                          scene.EndImportEvent):
                self._tags.append(scene.AddObserver(event, lambda *_: self._refresh()))
        self._refresh()

    @Slot(result=object)
    def mrmlScene(self):
        return self._scene

    @Slot(result=object)
    def currentNode(self):
        return self._node

    @Slot(object)
    def setCurrentNode(self, node) -> None:
        if isinstance(node, str):
            node = self._scene.GetNodeByID(node) if self._scene and node else None
        self._select(node if node in self._listed() else None)

    @Slot(str)
    def setCurrentNodeID(self, node_id: str) -> None:
        self.setCurrentNode(node_id)

    @Slot(int)
    def setCurrentNodeIndex(self, index: int) -> None:
        self._select(self.nodeFromIndex(index))

    @Slot(result=int)
    def nodeCount(self) -> int:
        return len(self._listed())

    @Slot(int, result=object)
    def nodeFromIndex(self, index: int):
        nodes = self._listed()
        return nodes[index] if 0 <= index < len(nodes) else None

    @Slot(str, str, object)
    def addAttribute(self, node_type: str, name: str, value=None) -> None:
        self._attributes.append((node_type, name, value))
        self._refresh()

    def _listed(self) -> list:
        if self._scene is None:
            return []
        found = []
        for index in range(self._scene.GetNumberOfNodes()):
            node = self._scene.GetNthNode(index)
            kinds = self._values["nodeTypes"]
            fits = any(node.IsA(kind) for kind in kinds) if self._values["showChildNodeTypes"] else \
                node.GetClassName() in kinds
            hidden = node.GetHideFromEditors() and not self._values["showHidden"]
            if fits and not hidden and all(self._has(node, *one) for one in self._attributes):
                found.append(node)
        return found

    @staticmethod
    def _has(node, node_type: str, name: str, value) -> bool:
        held = node.GetAttribute(name)
        return not node.IsA(node_type) or (held is not None and (value is None or held == str(value)))

    def _refresh(self) -> None:
        if self._scene is not None and self._scene.IsBatchProcessing():
            return  # the desktop waits for the end of the batch as well
        listed = self._listed()
        node = self._node if self._node in listed else None
        if node is None and listed and not self._values["noneEnabled"]:
            node = listed[0]
        self._select(node)

    def _select(self, node) -> None:
        self._shown = ([None] if self._values["noneEnabled"] else []) + self._listed()
        self._box.blockSignals(True)
        self._box.clear()
        self._box.addItems([one.GetName() if one else self._values["noneDisplay"] for one in self._shown])
        self._box.setCurrentIndex(self._shown.index(node) if node in self._shown else -1)
        self._box.blockSignals(False)
        if node is not self._node:
            self._node = node
            self.currentNodeChanged.emit(node)
            self._currentNodeIsValid.emit(node is not None)
            self.currentNodeIDChanged.emit(node.GetID() if node else "")

    def _on_activated(self, index: int) -> None:
        self._select(self._shown[index])
        self.nodeActivated.emit(self._node)

    def _get(self, name: str):
        return self._values[name]

    def _set(self, name: str, value) -> None:
        self._values[name] = value
        self._refresh()

    currentNodeID = Property(str, lambda self: self._node.GetID() if self._node else "", setCurrentNodeID)
    nodeTypes = Property("QStringList", lambda s: s._get("nodeTypes"), lambda s, v: s._set("nodeTypes", v))
    showHidden = Property(bool, lambda s: s._get("showHidden"), lambda s, v: s._set("showHidden", v))
    showChildNodeTypes = Property(
        bool, lambda s: s._get("showChildNodeTypes"), lambda s, v: s._set("showChildNodeTypes", v)
    )
    noneEnabled = Property(bool, lambda s: s._get("noneEnabled"), lambda s, v: s._set("noneEnabled", v))
    addEnabled = Property(bool, lambda s: s._get("addEnabled"), lambda s, v: s._set("addEnabled", v))
    removeEnabled = Property(bool, lambda s: s._get("removeEnabled"), lambda s, v: s._set("removeEnabled", v))
    editEnabled = Property(bool, lambda s: s._get("editEnabled"), lambda s, v: s._set("editEnabled", v))
    renameEnabled = Property(bool, lambda s: s._get("renameEnabled"), lambda s, v: s._set("renameEnabled", v))
    noneDisplay = Property(str, lambda s: s._get("noneDisplay"), lambda s, v: s._set("noneDisplay", v))
    baseName = Property(str, lambda s: s._get("baseName"), lambda s, v: s._set("baseName", v))


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """What the Segment Editor is given: nodes, selectors that are hidden, an effect by name. It has no effects here."""

    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)
    SIGNALS = {  # noqa: RUF012
        "segmentationNodeChanged(vtkMRMLSegmentationNode*)": "segmentationNodeChanged",
        "sourceVolumeNodeChanged(vtkMRMLVolumeNode*)": "sourceVolumeNodeChanged",
    }

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._editor, self._segmentation, self._source, self._shortcuts = None, None, None, False
        self._values = {"segmentationNodeSelectorVisible": True, "sourceVolumeNodeSelectorVisible": True,
                        "switchToSegmentationsButtonVisible": True, "maximumNumberOfUndoStates": 10}
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("(Segment Editor)", self))

    @Slot(object)
    def setMRMLSegmentEditorNode(self, node) -> None:
        self._editor = node

    @Slot(result=object)
    def mrmlSegmentEditorNode(self):
        return self._editor

    @Slot(object)
    def setSegmentationNode(self, node) -> None:
        if self._editor is None and node is not None:
            raise RuntimeError("The Segment Editor needs its own node before it can hold a segmentation")
        if node is not self._segmentation:
            self._segmentation = node
            self.segmentationNodeChanged.emit(node)

    @Slot(result=object)
    def segmentationNode(self):
        return self._segmentation

    @Slot(object)
    def setSourceVolumeNode(self, node) -> None:
        if node is not self._source:
            self._source = node
            self.sourceVolumeNodeChanged.emit(node)

    @Slot(result=object)
    def sourceVolumeNode(self):
        return self._source

    @Slot(object)
    def setActiveEffect(self, effect) -> None:
        if effect is not None:
            raise ValueError("There are no effects without a desktop")

    @Slot()
    def installKeyboardShortcuts(self) -> None:
        self._shortcuts = True

    @Slot()
    def uninstallKeyboardShortcuts(self) -> None:
        self._shortcuts = False

    @Slot()
    def setupViewObservations(self) -> None:
        """Nothing to observe: nobody clicks into a view here."""

    @Slot()
    def removeViewObservations(self) -> None:
        """See :meth:`setupViewObservations`."""

    def _set(self, name: str, value) -> None:
        self._values[name] = value

    segmentationNodeSelectorVisible = Property(
        bool, lambda s: s._values["segmentationNodeSelectorVisible"],
        lambda s, v: s._set("segmentationNodeSelectorVisible", v),
    )
    sourceVolumeNodeSelectorVisible = Property(
        bool, lambda s: s._values["sourceVolumeNodeSelectorVisible"],
        lambda s, v: s._set("sourceVolumeNodeSelectorVisible", v),
    )
    switchToSegmentationsButtonVisible = Property(
        bool, lambda s: s._values["switchToSegmentationsButtonVisible"],
        lambda s, v: s._set("switchToSegmentationsButtonVisible", v),
    )
    maximumNumberOfUndoStates = Property(
        int, lambda s: s._values["maximumNumberOfUndoStates"], lambda s, v: s._set("maximumNumberOfUndoStates", v)
    )


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """What the desktop gives a module's widget class as ``parent``: a box with a layout that knows if it is shown."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._entered, self._make, self._python = False, None, None
        QVBoxLayout(self)

    @Slot()
    def reload(self) -> None:
        self._python = self._make(self)
        self._python.setup()

    @Slot(result=object)
    def self(self):
        return self._python

    isEntered = Property(bool, lambda one: one._entered)




MRML_WIDGETS = (qMRMLWidget, qMRMLNodeComboBox, qMRMLSegmentEditorWidget, qSlicerScriptedLoadableModuleWidget)
