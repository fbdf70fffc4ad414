"""Which model segments: the shipped one, one of those in CORONARYSEG_MODELS, or one in a folder of the user."""

from __future__ import annotations

import ctk
import slicer
from slicer.i18n import tr as _

from CoronarySegLib.models import list_models

from .activity import Activity

FOLDER_KEY = "CoronarySeg/ModelFolder"


class ModelChoice:
    """The list belongs to the machine, the choice to the scene: a folder that is not there falls back to the first
    entry, what ships for a CT or for an angiogram.
    """

    def __init__(self, ui, activity: Activity, parameters):
        self._ui, self._activity, self._parameters = ui, activity, parameters
        self._models, self._shipped, self._filling = (), (), False
        ui.modelFolder.filters = ctk.ctkPathLineEdit.Dirs | ctk.ctkPathLineEdit.Readable
        ui.modelFolder.currentPath = slicer.app.userSettings().value(FOLDER_KEY) or ""
        ui.modelFolder.connect("currentPathChanged(QString)", self.onFolder)
        ui.modelSelector.connect("currentIndexChanged(int)", self.onChosen)
        self._fill()

    def model(self) -> str | None:
        """The folder of the chosen model, None for the one that ships with the extension."""
        index = self._ui.modelSelector.currentIndex
        return str(self._models[index - 1].path) if index > 0 else None

    def update(self) -> None:
        parameters = self._parameters()
        wanted = parameters.model if parameters else ""
        paths = [str(one.path) for one in self._models]
        self._filling = True
        self._ui.modelSelector.currentIndex = paths.index(wanted) + 1 if wanted in paths else 0
        self._filling = False
        self._ui.modelSelector.enabled = not self._activity.running
        self._ui.modelSelector.toolTip = self._about(self._ui.modelSelector.currentIndex)

    def onFolder(self, path: str) -> None:
        slicer.app.userSettings().setValue(FOLDER_KEY, path)
        before = {one.path for one in self._models}
        self._fill()
        new = next((index for index, one in enumerate(self._models, 1) if one.path not in before), None)
        if new is not None:  # a folder that brings models is given in order to use one
            self.onChosen(new)

    def onChosen(self, index: int) -> None:
        parameters = self._parameters()
        if self._filling or parameters is None:
            return
        parameters.model = str(self._models[index - 1].path) if index > 0 else ""

    def _fill(self) -> None:
        folder = self._ui.modelFolder.currentPath.strip()
        # A model that cannot be used is not offered; `coronaryseg models` says why.
        usable = [one for one in list_models(*([folder] if folder else [])) if one.card is not None]
        self._shipped = tuple(one for one in usable if one.shipped)
        self._models = tuple(one for one in usable if not one.shipped)
        self._filling = True
        self._ui.modelSelector.clear()
        self._ui.modelSelector.addItem(_("Shipped with CoronarySeg"))
        for one in self._models:
            self._ui.modelSelector.addItem(f"{one.card.name} {one.card.version}")
        self._filling = False
        self.update()

    def _about(self, index: int) -> str:
        if index > 0:
            one = self._models[index - 1]
            return f"{one.card.description} ({one.path})"
        if not self._shipped:
            return _("No model was found. Install CoronarySeg again, or give a model folder under Environment.")
        return "\n".join(f"{one.card.name} {one.card.version}: {one.card.description}" for one in self._shipped)
