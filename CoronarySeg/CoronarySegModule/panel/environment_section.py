"""What this machine has and lacks, in words; installing after asking; folders for machines without a network."""

from __future__ import annotations

from html import escape
from pathlib import Path

import ctk
import slicer
from slicer.i18n import tr as _

from CoronarySegLib.environment import missing_packages, package_findings

from ..installing import install
from .activity import Activity, show_button

WHEELS_KEY = "CoronarySeg/WheelFolder"
SIGNS = {"ok": ("✓", "#2e7d32"), "note": ("–", "#757575"), "missing": ("✗", "#c62828"), "broken": ("✗", "#c62828")}


class EnvironmentSection:
    """``changed()`` is called when packages were installed: what the other sections may do depends on them.
    ``model()`` gives the folder of the model that is checked, None for the shipped one."""

    def __init__(self, ui, logic, activity: Activity, model, changed):
        self._ui, self._logic, self._activity, self._changed = ui, logic, activity, changed
        self._model = model
        self._findings = ()
        ui.wheelFolder.filters = ctk.ctkPathLineEdit.Dirs | ctk.ctkPathLineEdit.Readable
        ui.wheelFolder.currentPath = slicer.app.userSettings().value(WHEELS_KEY) or ""
        ui.wheelFolder.connect("currentPathChanged(QString)", self._remember)
        ui.checkButton.connect("clicked(bool)", self.onCheck)
        ui.installButton.connect("clicked(bool)", self.onInstall)

    def update(self) -> None:
        if not self._findings:
            self._findings = package_findings()
        self._ui.environmentLabel.text = "<br>".join(self._line(finding) for finding in self._findings)
        missing = missing_packages()
        show_button(
            self._ui.checkButton, self._activity, self, _("Check this machine"),
            _("Import the packages, verify the model and time one patch, in a process of its own"), "",
        )
        self._ui.installButton.enabled = bool(missing) and not self._activity.running
        self._ui.installButton.toolTip = _("Install {names} after asking").format(
            names=", ".join(package.distribution for package in missing)
        ) if missing else _("Nothing is missing.")
        if missing:
            self._ui.environmentSection.collapsed = False

    def onCheck(self) -> None:
        if self._activity.owner is self:
            self._activity.cancel()
            return

        def make(**listeners):
            return self._logic.startCheck(model=self._model(), device="auto", **listeners)

        def done(outcome, _seconds: float) -> None:
            self._findings = outcome.findings
            bad = [finding for finding in outcome.findings if finding.state in ("missing", "broken")]
            self._activity.say(bad[0].text if bad else _("This machine is ready."))

        self._activity.start(self, make, done)

    def onInstall(self) -> None:
        wheels = self._ui.wheelFolder.currentPath.strip()
        try:
            if not install(missing_packages(), wheels=Path(wheels) if wheels else None):
                return
        except Exception as error:
            self._activity.fail(error)
        self._findings = package_findings()
        self._changed()

    @staticmethod
    def _remember(path: str) -> None:
        slicer.app.userSettings().setValue(WHEELS_KEY, path)

    @staticmethod
    def _line(finding) -> str:
        sign, colour = SIGNS[finding.state]
        return f"<span style='color:{colour}'>{sign}</span>&nbsp;{escape(finding.text)}"
