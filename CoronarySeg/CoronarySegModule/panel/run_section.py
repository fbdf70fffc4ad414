"""Input, quality and the large button."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from .. import expected_time
from ..result_values import PROBABILITY_ATTRIBUTE
from .activity import Activity, show_button


class RunSection:
    """``parameters()`` gives the parameter node or None, ``model()`` the folder of the chosen model or None,
    ``finished(nodes)`` hears of a new result."""

    def __init__(self, ui, logic, activity: Activity, parameters, model, finished):
        self._ui, self._logic, self._activity = ui, logic, activity
        self._parameters, self._model, self._finished = parameters, model, finished
        ui.segmentButton.connect("clicked(bool)", self.onButton)

    def update(self) -> None:
        parameters = self._parameters()
        volume = parameters.inputVolume if parameters else None
        reason = self._logic.reasonNotToRun(volume)
        show_button(
            self._ui.segmentButton, self._activity, self, _("Segment coronaries"),
            _("Find the coronary trees in the selected volume"), reason,
        )
        self._ui.expectedTimeLabel.text = self._expected(parameters) if parameters else ""

    def onButton(self) -> None:
        if self._activity.owner is self:
            self._activity.cancel()
            return
        parameters = self._parameters()
        volume, quality, device = parameters.inputVolume, parameters.quality.value, parameters.device

        def make(**listeners):
            return self._logic.startSegmentation(
                volume, model=self._model(), device=device, quality=quality,
                replace=not parameters.keepEarlier, **listeners,
            )

        def done(nodes, seconds: float) -> None:
            if is_result(nodes):
                expected_time.remember(slicer.app.userSettings(), quality, device, seconds)
            text = _("Done in {seconds:.0f} s.").format(seconds=seconds)
            if nodes.warnings:
                text += " " + _("Read the remarks below.")
            self._activity.say(text)
            self._finished(nodes)

        self._activity.start(self, make, done)

    def chooseVolume(self) -> None:
        """Select the first volume that may be a CT when nothing is selected: one choice less."""
        parameters = self._parameters()
        if parameters is None or parameters.inputVolume is not None:
            return
        for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
            if not node.IsA("vtkMRMLLabelMapVolumeNode") and not node.GetAttribute(PROBABILITY_ATTRIBUTE):
                parameters.inputVolume = node
                return

    @staticmethod
    def _expected(parameters) -> str:
        seconds = expected_time.expected_seconds(
            slicer.app.userSettings(), parameters.quality.value, parameters.device
        )
        if seconds is None:
            return _("How long it takes here is known after the first run.")
        return _("About {time} on this machine.").format(time=expected_time.in_words(seconds))


def is_result(nodes) -> bool:
    """Whether a run has left the folder of a CT's result, which the other sections show; an angiogram leaves a
    segmentation and no more."""
    return hasattr(nodes, "folder")
