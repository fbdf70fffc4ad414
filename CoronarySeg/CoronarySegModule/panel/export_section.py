"""Models for a flow solver out of the selected result."""

from __future__ import annotations

from pathlib import Path

import ctk
import slicer
from slicer.i18n import tr as _

from .activity import Activity, show_button

FOLDER_KEY = "CoronarySeg/FlowModelFolder"


class ExportSection:
    def __init__(self, ui, logic, activity: Activity, parameters):
        self._ui, self._logic, self._activity, self._parameters = ui, logic, activity, parameters
        ui.flowFolder.filters = ctk.ctkPathLineEdit.Dirs | ctk.ctkPathLineEdit.Writable
        ui.flowFolder.currentPath = slicer.app.userSettings().value(FOLDER_KEY) or ""
        ui.flowFolder.connect("currentPathChanged(QString)", self.update)
        ui.exportButton.connect("clicked(bool)", self.onButton)

    def update(self, *_arguments) -> None:
        show_button(
            self._ui.exportButton, self._activity, self, _("Export flow models"),
            _("Closed models with flat named ends, as the segmentation is now"), self._reason(),
        )

    def onButton(self) -> None:
        if self._activity.owner is self:
            self._activity.cancel()
            return
        parameters, folder = self._parameters(), Path(self._ui.flowFolder.currentPath).expanduser()
        if folder.is_dir() and any(folder.iterdir()) and not slicer.util.confirmYesNoDisplay(
            _("{folder} is not empty. Replace the flow models in it?").format(folder=folder), "CoronarySeg"
        ):
            return
        slicer.app.userSettings().setValue(FOLDER_KEY, str(folder))

        def make(**listeners):
            return self._logic.startExport(
                parameters.result, folder, unit=parameters.unit, formats=parameters.formats(),
                extensionDiameters=parameters.extensions, overwrite=True, **listeners,
            )

        def done(made, _seconds: float) -> None:
            where, notes = made
            self._activity.say("\n".join((_("Written to {folder}.").format(folder=where), *notes)))

        self._activity.start(self, make, done)

    def _reason(self) -> str:
        parameters = self._parameters()
        if parameters is None or parameters.result is None:
            return _("Segment a CT first, or select a result.")
        if not parameters.formats():
            return _("Choose at least one format.")
        if not self._ui.flowFolder.currentPath.strip():
            return _("Choose a folder for the flow models.")
        return self._logic.reasonNotToCompute()
