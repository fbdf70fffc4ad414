"""The Slicer module: one volume in, coronary segments and surfaces out.

This file holds only what Slicer looks for in a module file. The panel's sections and the work on nodes are in
``CoronarySegModule``, the segmentation itself in ``CoronarySegLib``, which knows nothing of Slicer.
"""

import importlib.util
import sys
from pathlib import Path

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

if importlib.util.find_spec("CoronarySegLib") is None:
    # A source checkout: Slicer knows only this folder, and the library lies beside it.
    sys.path.append(str(Path(__file__).resolve().parents[1]))


class CoronarySeg(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("CoronarySeg")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Segmentations", "SubjectHierarchy"]
        parent.contributors = ["CoronarySeg developers"]
        parent.helpText = _(
            "Finds the left and the right coronary tree and calcium in a contrast CT of the heart and makes segments, "
            "watertight surfaces, named centrelines and tables of them. For research use only, not for diagnosis."
            "<ol><li>Load a contrast CT of the heart, or one from Sample Data, section CoronarySeg.</li>"
            "<li>Press Segment coronaries and wait.</li>"
            "<li>Go through the places under Review: a click brings the views there; accept, fix or ignore.</li>"
            "<li>Save surfaces (STL), or export models for a flow solver.</li></ol>"
            "When a package is missing, the section Environment says which and installs it after asking. "
            "A tutorial in ten steps is in Docs/tutorial.md of the sources."
        )
        parent.acknowledgementText = _("Licensed under Apache-2.0.")
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Two heart CTs in the module Sample Data; called once Slicer has started and that module is there."""
    from CoronarySegModule.sample_data import register

    register()


class CoronarySegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: it ties the sections of ``CoronarySegModule.panel`` to the form and to the parameter node."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.activity = None
        self.correction = None
        self.sections = ()
        self._parameterNode = None
        self._parameterNodeGuiTag = None

    def setup(self):
        from CoronarySegModule.panel.activity import Activity
        from CoronarySegModule.panel.correction_section import CorrectionSection
        from CoronarySegModule.panel.environment_section import EnvironmentSection
        from CoronarySegModule.panel.export_section import ExportSection
        from CoronarySegModule.panel.model_choice import ModelChoice
        from CoronarySegModule.panel.result_section import ResultSection
        from CoronarySegModule.panel.review_section import ReviewSection
        from CoronarySegModule.panel.run_section import RunSection, is_result

        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/CoronarySeg.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = CoronarySegLogic()

        self.activity = Activity(self.ui.progressBar, self.ui.statusLabel, self.update)
        models = ModelChoice(self.ui, self.activity, self.parameters)
        environment = EnvironmentSection(self.ui, self.logic, self.activity, models.model, self.update)
        result = ResultSection(self.ui, self.logic, self.activity, self.parameters)
        review = ReviewSection(self.ui, self.logic, self.activity, self.parameters, self.onFix)
        self.correction = CorrectionSection(self.ui, self.logic, self.activity, self.parameters)
        export = ExportSection(self.ui, self.logic, self.activity, self.parameters)
        self.runSection = RunSection(
            self.ui, self.logic, self.activity, self.parameters, models.model,
            lambda nodes: is_result(nodes) and (result.select(nodes), review.begin()),
        )
        self.sections = (models, self.runSection, result, review, self.correction, export, environment)

        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.initializeParameterNode()

    def enter(self):
        self.initializeParameterNode()  # volumes and packages may have come while another module was shown
        self.correction.enter()

    def exit(self):
        # A run goes on while another module is shown; the form follows the parameters again on return.
        self.correction.exit()
        if self._parameterNode is not None and self._parameterNodeGuiTag is not None:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self._parameterNodeGuiTag = None

    def cleanup(self):
        if self.activity is not None:
            self.activity.cancel(_("The module was closed. Nothing was written."))
        if self.correction is not None:
            self.correction.stop()
        self.setParameterNode(None)
        self.removeObservers()

    def onSceneStartClose(self, *_args):
        self.activity.cancel(_("The scene was closed. Nothing was written."))
        self.correction.stop()
        self.setParameterNode(None)

    def onSceneEndClose(self, *_args):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def onFix(self, suspect, _placeRas):
        """A place of the review is to be corrected: the section opens with the tool for it in hand."""
        self.correction.fix(suspect.kind.value)

    def parameters(self):
        """The parameter node as an object with typed attributes; None while there is no scene to have one."""
        return self._parameterNode

    def initializeParameterNode(self):
        self.setParameterNode(self.logic.getParameterNode())
        self.runSection.chooseVolume()

    def setParameterNode(self, parameterNode):
        if self._parameterNode is not None:
            if self._parameterNodeGuiTag is not None:
                self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.update)
        self._parameterNode, self._parameterNodeGuiTag = parameterNode, None
        if parameterNode is not None:
            self._parameterNodeGuiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self.update)
        self.update()

    def update(self, *_args):
        """Texts, tooltips and what is enabled, in every section."""
        for section in self.sections:
            section.update()


class CoronarySegLogic(ScriptedLoadableModuleLogic):
    """What the panel does, for scripts: ``CoronarySegLogic().segment(volumeNode)``."""

    def getParameterNode(self):
        from CoronarySegModule.parameters import CoronarySegParameterNode

        return CoronarySegParameterNode(super().getParameterNode())

    def segment(self, volumeNode, *, waitForCompletion=True, progress=None, **choices):
        """Segment a CT volume node, in a process of its own; returns the frozen ``ResultNodes``.

        A volume of one slice, or a sequence of them, is an X-ray angiogram and goes its own way: the result is then an
        ``AngiogramNodes``, and of the choices only ``model`` and ``device`` count.

        ``choices``: ``model`` (name or folder), ``device``, ``quality``, ``outputSegmentation``, and ``replace``: True
        renews an earlier result of the volume, False adds another beside it. ``progress(fraction, text)`` stops the run
        by returning False. Raises ValueError or an error of ``CoronarySegLib.errors`` whose text says what to do; the
        scene is then as it was. With ``waitForCompletion=False`` the ``Run`` is returned at once: it has ``over``,
        ``result``, ``error`` and ``cancel()``.
        """
        run = self.startSegmentation(volumeNode, progress=progress, **choices)
        return run.wait() if waitForCompletion else run.follow()

    def startSegmentation(
        self, volumeNode, *, model=None, device="auto", quality="standard", outputSegmentation=None, replace=True,
        progress=None, ended=None,
    ):
        """Start a run that nobody looks after yet: ``follow()`` or ``wait()`` on it."""
        from CoronarySegModule.angiogram_nodes import angiogram_run, is_angiogram
        from CoronarySegModule.logic import segmentation_run

        if is_angiogram(volumeNode):
            return angiogram_run(volumeNode, model=model, device=device, progress=progress, ended=ended)
        return segmentation_run(
            volumeNode, model=model, device=device, quality=quality, output_segmentation=outputSegmentation,
            replace=replace, progress=progress, ended=ended,
        )

    def exportFlowModels(self, segmentationNode, folder, *, waitForCompletion=True, progress=None, **choices):
        """Write models for a flow solver of a result, as it is corrected now; returns the folder and notes in words.

        ``choices``: ``unit`` "mm", "cm" or "m", ``formats`` among "stl", "vtp", "openfoam", "gmsh",
        ``extensionDiameters``, ``overwrite``. Errors and waiting as in :meth:`segment`.
        """
        run = self.startExport(segmentationNode, folder, progress=progress, **choices)
        return run.wait() if waitForCompletion else run.follow()

    def startExport(
        self, segmentationNode, folder, *, unit="mm", formats=("stl", "vtp"), extensionDiameters=5.0, overwrite=False,
        progress=None, ended=None,
    ):
        from CoronarySegModule.logic import export_run

        return export_run(
            segmentationNode, folder, unit=unit, formats=formats, extension_diameters=extensionDiameters,
            overwrite=overwrite, progress=progress, ended=ended,
        )

    def review(self, segmentationNode, *, waitForCompletion=True, progress=None):
        """Search a result, as it is corrected now, for suspicious places; returns the ``Review``, which stays with the
        result in the scene. Errors and waiting as in :meth:`segment`."""
        run = self.startReview(segmentationNode, progress=progress)
        return run.wait() if waitForCompletion else run.follow()

    def startReview(self, segmentationNode, *, progress=None, ended=None):
        from CoronarySegModule.logic import review_run

        return review_run(segmentationNode, progress=progress, ended=ended)

    def corrections(self, segmentationNode):
        """Corrections of a result: ``corrections(node).remove_branch(ras)`` and so on, ``undo()``, ``log``; see
        ``CoronarySegModule.correction_session``."""
        from CoronarySegModule.correction_session import session_of

        return session_of(segmentationNode)

    def follow(self, segmentationNode, *, waitForCompletion=True, progress=None):
        """Make surfaces and tables of a corrected result; returns its node. Waiting as in :meth:`segment`."""
        run = self.startFollow(segmentationNode, progress=progress)
        return run.wait() if waitForCompletion else run.follow()

    def startFollow(self, segmentationNode, *, progress=None, ended=None):
        from CoronarySegModule.logic import follow_run

        return follow_run(segmentationNode, progress=progress, ended=ended)

    def startCheck(self, *, model=None, device="auto", progress=None, ended=None):
        """Start looking whether this machine can run a segmentation; the run's result lists what was found."""
        from CoronarySegModule.logic import check_run

        return check_run(model=model, device=device, progress=progress, ended=ended)

    def saveSurfaces(self, segmentationNode, folder):
        """Save the surfaces of a result as STL files (LPS, mm); returns their paths."""
        from CoronarySegModule.logic import save_surfaces

        return save_surfaces(segmentationNode, folder)

    def reasonNotToRun(self, volumeNode) -> str:
        """Why a segmentation cannot start, in words; empty when it can."""
        if volumeNode is None:
            return _("Select the CT volume to segment.")
        if volumeNode.GetAttribute("CoronarySeg.Probability"):
            return _("This volume is a probability that a run has made. Select the CT itself.")
        return self.reasonNotToCompute()

    def reasonNotToCompute(self) -> str:
        """Why nothing can be computed here, in words; empty when it can."""
        from CoronarySegLib.environment import missing_packages

        missing = missing_packages()
        if not missing:
            return ""
        names = ", ".join(package.distribution for package in missing)
        return _("Python packages are missing: {names}. Install them in the section Environment.").format(names=names)


class CoronarySegTest(ScriptedLoadableModuleTest):
    """Runs on a real desktop; the tests without one are in Testing/slicer_nodes and Testing/slicer_desktop."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_AVolumeUnderATransformIsReadInWorldCoordinates()

    def test_AVolumeUnderATransformIsReadInWorldCoordinates(self):
        import numpy as np
        from CoronarySegModule.conversion import volume_from_node

        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "ct")
        slicer.util.updateVolumeFromArray(node, np.zeros((4, 5, 6), np.int16))
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
        matrix = np.eye(4)
        matrix[:3, 3] = (10, 20, 30)
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        node.SetAndObserveTransformNodeID(transform.GetID())
        assert volume_from_node(node).geometry.origin_lps_mm == (-10.0, -20.0, 30.0)
