"""Slice and 3D views as the desktop builds them, drawn off-screen: Slicer's own slice logics and displayable managers.

The layout manager's stand-in holds three slice views and one 3D view, and those slice views that a layout adds; it
arranges nothing.
"""

from __future__ import annotations

from pathlib import Path

import slicer
import vtk
from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

SLICE_MANAGERS = (
    "vtkMRMLModelSliceDisplayableManager", "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)
VIEW_MANAGERS = (
    "vtkMRMLCameraDisplayableManager", "vtkMRMLViewDisplayableManager", "vtkMRMLModelDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D", "vtkMRMLMarkupsDisplayableManager",
)
SLICES = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
SIZE = (400, 400)


class _View:
    """A render window that never shows, with a renderer and a group of displayable managers."""

    def __init__(self, factory_class, managers: tuple[str, ...], application_logic, node):
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetSize(*SIZE)
        self.renderer = vtk.vtkRenderer()
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        factory = factory_class.GetInstance()
        factory.SetMRMLApplicationLogic(application_logic)
        for name in managers:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.group = factory.InstantiateDisplayableManagers(self.renderer)
        self.group.SetMRMLDisplayableNode(node)

    def grab(self, path: Path) -> Path:
        self.window.Render()
        picture = vtk.vtkWindowToImageFilter()
        picture.SetInput(self.window)
        picture.ReadFrontBufferOff()
        writer = vtk.vtkPNGWriter()
        writer.SetFileName(str(path))
        writer.SetInputConnection(picture.GetOutputPort())
        writer.Write()
        return path


class qMRMLSliceWidget(QWidget):
    """One slice view; ``grab_view`` and ``resize_view`` are for tests and pictures."""

    def __init__(self, name: str, orientation: str, core, node=None):
        super().__init__()
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(core.application_logic)
        self._logic.SetMRMLScene(core.scene)
        core.application_logic.GetSliceLogics().AddItem(self._logic)
        if node is None:
            node = self._logic.AddSliceNode(name)
            node.SetOrientation(orientation)
        else:  # a layout has made it
            self._logic.SetSliceNode(node)
        node.SetDimensions(*SIZE, 1)
        self._view = _View(
            slicer.vtkMRMLSliceViewDisplayableManagerFactory, SLICE_MANAGERS, core.application_logic, node
        )
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        mapper.SetInputConnection(self._logic.GetImageDataConnection())
        self._mapper, actor = mapper, vtk.vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self._view.renderer.AddViewProp(actor)

    def grab_view(self, path: Path) -> Path:
        connection = self._logic.GetImageDataConnection()
        if connection is not None:  # it changes with the first layer
            self._mapper.SetInputConnection(connection)
        return self._view.grab(path)

    def resize_view(self, width: int, height: int) -> None:
        self._view.window.SetSize(width, height)
        self._logic.GetSliceNode().SetDimensions(width, height, 1)

    @Slot(result=object)
    def sliceLogic(self):
        return self._logic

    @Slot(result=object)
    def mrmlSliceNode(self):
        return self._logic.GetSliceNode()


class qMRMLThreeDWidget(QWidget):
    def __init__(self, core):
        super().__init__()
        node = core.scene.CreateNodeByClass("vtkMRMLViewNode")
        node.UnRegister(None)
        node.SetSingletonTag("1")  # closing the scene keeps it, as on the desktop
        node.SetName("View1")
        node.SetLayoutName("1")
        self._node = core.scene.AddNode(node)
        self._view = _View(
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory, VIEW_MANAGERS, core.application_logic, self._node
        )

    def reset(self) -> None:
        """Fit the camera to what is shown, the view's own box and letters left out."""
        shown = self._node.GetBoxVisible(), self._node.GetAxisLabelsVisible()
        self._node.SetBoxVisible(False)
        self._node.SetAxisLabelsVisible(False)
        self._view.renderer.ResetCamera()
        self._node.SetBoxVisible(shown[0])
        self._node.SetAxisLabelsVisible(shown[1])

    def grab_view(self, path: Path) -> Path:
        return self._view.grab(path)

    @Slot(result=object)
    def mrmlViewNode(self):
        return self._node


class qSlicerLayoutManager(QObject):
    layoutChanged = Signal(int)

    def __init__(self, core):
        super().__init__()
        self._core, self._layout = core, slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
        self._collections = vtk.vtkCollection(), vtk.vtkCollection()
        core.application_logic.SetSliceLogics(self._collections[0])
        core.application_logic.SetViewLogics(self._collections[1])
        self._slices = {name: qMRMLSliceWidget(name, orientation, core) for name, orientation in SLICES.items()}
        self._view = qMRMLThreeDWidget(core)
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLScene(core.scene)

    @Slot(int)
    def setLayout(self, layout: int) -> None:
        if layout != self._layout:
            self._layout = layout
            self._logic.GetLayoutNode().SetViewArrangement(layout)
            self._open_new_slices()
            self.layoutChanged.emit(layout)

    def _open_new_slices(self) -> None:
        """The layout's own logic has made nodes for the slice views it names; those without a view get one."""
        for index in range(self._core.scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
            node = self._core.scene.GetNthNodeByClass(index, "vtkMRMLSliceNode")
            if node.GetLayoutName() not in self._slices:
                self._slices[node.GetLayoutName()] = qMRMLSliceWidget(node.GetLayoutName(), "", self._core, node)

    @Slot(result=object)
    def layoutLogic(self):
        return self._logic

    @Slot(result="QStringList")
    def sliceViewNames(self):
        return list(self._slices)

    @Slot(str, result=object)
    def sliceWidget(self, name: str):
        return self._slices.get(name)

    @Slot(int, result=object)
    def threeDWidget(self, index: int):
        return self._view if index == 0 else None

    @Slot(result=object)
    def mrmlSliceLogics(self):
        return self._core.application_logic.GetSliceLogics()

    @Slot()
    def resetThreeDViews(self) -> None:
        self._view.reset()

    @Slot()
    def resetSliceViews(self) -> None:
        for widget in self._slices.values():
            widget._logic.FitSliceToBackground(*SIZE)

    layout = Property(int, lambda self: self._layout, setLayout)
    threeDViewCount = Property(int, lambda self: 1)
