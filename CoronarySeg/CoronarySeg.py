"""The Slicer module: one volume in, coronary segments and surfaces out.

This file holds only what Slicer looks for in a module file. The work on nodes is in ``CoronarySegModule``, the
segmentation itself in ``CoronarySegLib``, which knows nothing of Slicer.
"""

import importlib.util
import sys
from pathlib import Path

import slicer
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

# Needed for a run but not part of Slicer: name to import, name to install. The PyTorch extension brings the first one.
REQUIRED_PACKAGES = {"torch": "torch", "safetensors": "safetensors", "skimage": "scikit-image"}


class CoronarySeg(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("CoronarySeg")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Segmentations", "SubjectHierarchy"]
        parent.contributors = ["CoronarySeg developers"]
        parent.helpText = _(
            "Finds the left and the right coronary tree and calcium in a contrast CT of the heart and makes segments "
            "and watertight surfaces of them. For research use only, not for diagnosis."
        )
        parent.acknowledgementText = _("Licensed under Apache-2.0.")


class CoronarySegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: choose a volume, press the button, see the steps in words."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.running = False

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/CoronarySeg.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = CoronarySegLogic()
        self.ui.inputSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.updateButton)
        self.ui.segmentButton.connect("clicked(bool)", self.onSegmentButton)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.updateButton)
        self.updateButton()

    def enter(self):
        self.updateButton()  # packages may have been installed while another module was shown

    def cleanup(self):
        self.removeObservers()

    def updateButton(self, *_args):
        reason = self.logic.reasonNotToRun(self.ui.inputSelector.currentNode())
        self.ui.segmentButton.enabled = not reason and not self.running
        self.ui.segmentButton.toolTip = reason or _("Find the coronary trees in the selected volume")

    def onSegmentButton(self, *_args):
        self.running = True
        self.updateButton()
        try:
            with slicer.util.tryWithErrorDisplay(_("The coronaries were not segmented."), waitCursor=True):
                nodes = self.logic.segment(
                    self.ui.inputSelector.currentNode(),
                    device=self.ui.deviceSelector.currentText,
                    quality=self.ui.qualitySelector.currentText,
                    progress=self.showProgress,
                )
                self.ui.statusLabel.text = "\n".join((_("Done."), *nodes.warnings))
        finally:
            self.running = False
            self.updateButton()

    def showProgress(self, fraction, text):
        self.ui.progressBar.value = round(100 * fraction)
        self.ui.statusLabel.text = text
        slicer.app.processEvents()


class CoronarySegLogic(ScriptedLoadableModuleLogic):
    """What the panel does, for scripts: ``CoronarySegLogic().segment(volumeNode)``."""

    def segment(
        self, volumeNode, *, model=None, device="auto", quality="standard", outputSegmentation=None, replace=True,
        progress=None,
    ):
        """Segment a CT volume node; returns the frozen ``CoronaryNodes(segmentation, models, warnings)``.

        ``replace=True`` renews an earlier result of the volume, ``False`` adds another beside it. Raises ValueError or
        an error of ``CoronarySegLib.errors`` whose text says what to do; the scene is then as it was before.
        """
        from CoronarySegModule.logic import segment_volume_node

        return segment_volume_node(
            volumeNode, model=model, device=device, quality=quality, output_segmentation=outputSegmentation,
            replace=replace, progress=progress,
        )

    def reasonNotToRun(self, volumeNode) -> str:
        """Why the button is disabled, in words; empty when a run can start."""
        if volumeNode is None:
            return _("Select the CT volume to segment.")
        missing = [pip for name, pip in REQUIRED_PACKAGES.items() if importlib.util.find_spec(name) is None]
        if missing:
            return _(
                "Python packages are missing: {names}. Install the PyTorch extension, then the rest with pip_install."
            ).format(names=", ".join(missing))
        return ""


class CoronarySegTest(ScriptedLoadableModuleTest):
    """Runs on a real desktop; the tests without one are in Testing/slicer_nodes."""

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
