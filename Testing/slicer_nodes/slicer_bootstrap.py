"""A real MRML scene without the Slicer desktop, from the ``slicer-core`` package.

What the desktop does at start-up happens here in the same order: a scene, the application logic, the data manager
that storage nodes need, and the logics of the loadable modules under ``slicer.modules``. Nothing is imitated: every
object is Slicer's own C++ class. What slicer-core lacks (Qt, ``slicer.app``) is added by ``Testing/slicer_desktop``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import slicer

# Name under slicer.modules -> class of its logic. Colors first: display nodes of the others look colour nodes up.
MODULE_LOGICS = {
    "colors": "vtkSlicerColorLogic",
    "cameras": "vtkSlicerCamerasModuleLogic",
    "models": "vtkSlicerModelsLogic",
    "volumes": "vtkSlicerVolumesLogic",
    "tables": "vtkSlicerTablesLogic",
    "transforms": "vtkSlicerTransformLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "plots": "vtkSlicerPlotsLogic",
    "sequences": "vtkSlicerSequencesLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "subjecthierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "units": "vtkSlicerUnitsLogic",
    "data": "vtkSlicerDataModuleLogic",
    "cropvolume": "vtkSlicerCropVolumeLogic",
    "volumerendering": "vtkSlicerVolumeRenderingLogic",
    "sceneviews": "vtkSlicerSceneViewsModuleLogic",
}


@dataclass(frozen=True)
class SlicerCore:
    """The running parts. Keep it alive: VTK frees what no Python name holds, and the scene then points at nothing."""

    scene: object
    application_logic: object
    kept: tuple


def boot(temporary_folder: Path) -> SlicerCore:
    """Start the scene and the module logics once per process (about one second), published as the desktop does."""
    (temporary_folder / "share" / "ColorFiles").mkdir(parents=True)
    scene = slicer.vtkMRMLScene()
    slicer.mrmlScene = scene
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)

    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    application.SetTemporaryPath(str(temporary_folder))
    application.SetHomeDirectory(str(temporary_folder))
    application.SetShareDirectory("share")  # relative to home; empty, so that only the built-in colours are there

    cache = slicer.vtkCacheManager()
    cache.SetRemoteCacheDirectory(str(temporary_folder / "cache"))
    cache.SetMRMLScene(scene)
    scene.SetCacheManager(cache)
    data = slicer.vtkDataIOManager()
    data.SetCacheManager(cache)
    scene.SetDataIOManager(data)

    logics = {name: _start_logic(getattr(slicer, cls), name, application, scene) for name, cls in MODULE_LOGICS.items()}
    logics["colors"].AddDefaultColorNodes()
    slicer.modules = SimpleNamespace(**{name: _module(logic) for name, logic in logics.items()})
    return SlicerCore(scene, application, (cache, data, crosshair, *logics.values()))


def _start_logic(cls, name: str, application, scene):
    logic = cls()
    logic.SetMRMLApplicationLogic(application)
    logic.SetMRMLScene(scene)
    application.SetModuleLogic(name.capitalize(), logic)
    return logic


def _module(logic):
    """``slicer.modules.<name>`` as scripts use it: something with ``logic()``."""
    return SimpleNamespace(logic=lambda: logic)
