"""Corrections by one or two clicks, undo, the log, and the Segment Editor for the rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from CoronarySegLib.centreline.renaming import KNOWN_NAMES
from CoronarySegLib.errors import CoronarySegError

from ..clicks import Clicks
from ..correction_session import CorrectionSession, session_of
from ..cross_section import show_cross_section
from ..result_values import volume_of
from .activity import Activity, show_button

EDITOR_TAG = "CoronarySegEditor"
TOOL_OF_SUSPICION = {
    "gap": "bridge", "vein": "vein", "leak": "cut", "isolated piece": "remove", "spur": "remove",
    "radius change": "radius",
}


@dataclass(frozen=True)
class Tool:
    """A correction: its button, what to click in words, one text a click, and what is done with the clicks."""

    button: object
    asks: tuple[str, ...]
    correct: Callable


class CorrectionSection:
    def __init__(self, ui, logic, activity: Activity, parameters):
        self._ui, self._logic, self._activity, self._parameters = ui, logic, activity, parameters
        self._clicks: Clicks | None = None
        self._active = ""
        self._tools = self._make_tools()
        for key, tool in self._tools.items():
            tool.button.connect("clicked(bool)", lambda checked, key=key: self.onTool(key, checked))
        ui.nameBox.addItems(list(KNOWN_NAMES))
        ui.undoButton.connect("clicked(bool)", lambda: self.onStep("undo"))
        ui.redoButton.connect("clicked(bool)", lambda: self.onStep("redo"))
        ui.followButton.connect("clicked(bool)", self.onFollow)
        ui.saveLogButton.connect("clicked(bool)", self.onSaveLog)
        ui.savePairButton.connect("clicked(bool)", self.onSavePair)
        ui.editorSection.connect("contentsCollapsed(bool)", lambda _collapsed: self._feed_editor())

    # --- the panel --------------------------------------------------------------------------------------------------

    def update(self) -> None:
        result = self._result()
        reason = _("Segment a CT first, or select a result.") if result is None else ""
        busy = reason or (_("Wait for the run to end, or cancel it.") if self._activity.running else "")
        if self._clicks is not None and (busy or not self._clicks.running):
            self.stop()
        for tool in self._tools.values():
            tool.button.enabled, tool.button.toolTip = not busy, busy or tool.asks[0]
        session = self._session()
        undo, redo = (session.next_undo, session.next_redo) if session else ("", "")
        no_undo = _(
            "Corrections made before this scene was loaded cannot be taken back; the log says what they were."
        ) if session and session.beyond_undo else _("Nothing to take back.")
        for button, what, nothing in (
            (self._ui.undoButton, undo, no_undo), (self._ui.redoButton, redo, _("Nothing to do again.")),
        ):
            button.enabled = bool(what) and not busy
            button.toolTip = busy or what or nothing
        none = reason or ("" if session.log.entries else _("Nothing has been corrected yet."))
        for button, ready in (
            (self._ui.saveLogButton, _("What was corrected, where and when, as JSON or CSV")),
            (self._ui.savePairButton, _("CT and corrected labels in a folder that 'coronaryseg train --data' reads")),
        ):
            missing = none if button is self._ui.saveLogButton else reason
            button.enabled, button.toolTip = not missing, missing or ready
        show_button(
            self._ui.followButton, self._activity, self, _("Update surfaces and tables"),
            _("Make surfaces and measurements of the result as it is now, after corrections or the Segment Editor"),
            reason,
        )
        self._ui.correctionLabel.text = self._said(session)
        self._ui.nameBox.enabled = not busy
        self._feed_editor()

    def fix(self, kind: str) -> None:
        """Open the section with the tool for a kind of suspicion in hand."""
        self._ui.correctionSection.collapsed = False
        key = TOOL_OF_SUSPICION.get(kind)
        if key and self._tools[key].button.enabled:
            self.onTool(key, True)

    def enter(self) -> None:
        self._feed_editor()

    def exit(self) -> None:
        """The module is left: no click into a view is ours any more, and no effect stays active."""
        self.stop()
        self._ui.segmentEditor.setActiveEffect(None)
        self._ui.segmentEditor.uninstallKeyboardShortcuts()
        self._ui.segmentEditor.removeViewObservations()

    def stop(self) -> None:
        """Put the tool down."""
        clicks, self._clicks, self._active = self._clicks, None, ""
        if clicks is not None:
            clicks.stop()
        for tool in self._tools.values():
            tool.button.checked = False

    # --- corrections ------------------------------------------------------------------------------------------------

    def onTool(self, key: str, checked: bool) -> None:
        self.stop()
        if not checked:
            self.update()
            return
        self._active = key
        self._tools[key].button.checked = True
        self._ui.segmentEditor.setActiveEffect(None)  # two tools cannot have the same click
        self._clicks = Clicks(len(self._tools[key].asks), self._on_click, self._on_clicks)
        self.update()

    def _on_click(self, count: int) -> None:
        if self._active == "radius" and count == 1:
            with slicer.util.tryWithErrorDisplay(_("The cross-section cannot be shown.")):
                show_cross_section(self._session().state(), self._clicks.points()[0])
        self.update()

    def _on_clicks(self, points) -> None:
        tool, session = self._tools[self._active], self._session()
        if session is None:
            return
        self._correct(lambda: tool.correct(session, *points))

    def onStep(self, step: str) -> None:
        session = self._session()
        self._correct(getattr(session, step), _("Taken back: {what}") if step == "undo" else "{what}")

    def _correct(self, action: Callable, text: str = "{what}") -> None:
        began = time.monotonic()
        try:
            made = action()
        except (CoronarySegError, ValueError) as error:  # a click beside the vessel is no reason for a window
            self._activity.say(str(error))
        except Exception as error:
            self._activity.fail(error)
        else:
            said = text.format(what=made.what)
            self._activity.say(_("{said} ({seconds:.1f} s)").format(said=said, seconds=time.monotonic() - began))
        self.update()

    # --- what follows -----------------------------------------------------------------------------------------------

    def onFollow(self) -> None:
        if self._activity.owner is self:
            self._activity.cancel()
            return
        result = self._result()

        def make(**listeners):
            return self._logic.startFollow(result, **listeners)

        self._activity.start(self, make, lambda _node, _seconds: self._activity.say(_("Surfaces and tables follow.")))

    def onSaveLog(self) -> None:
        path = qt.QFileDialog.getSaveFileName(
            None, _("Save the log of corrections"), str(Path.home() / "corrections.json"), "JSON (*.json);;CSV (*.csv)"
        )
        if path:
            self._save(lambda: [self._session().log.write(path)])

    def onSavePair(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(None, _("Folder of training data"), str(Path.home()))
        if folder:
            self._save(lambda: self._session().save_training_pair(folder))

    def _save(self, action: Callable) -> None:
        try:
            files = action()
        except Exception as error:
            self._activity.fail(error)
        else:
            self._activity.say(_("Saved {files}.").format(files=", ".join(str(path) for path in files)))

    # --- inside -----------------------------------------------------------------------------------------------------

    def _make_tools(self) -> dict[str, Tool]:
        ui = self._ui
        return {
            "bridge": Tool(
                ui.bridgeButton,
                (_("Click the vessel where it should go on."), _("Click where it comes back or ends.")),
                lambda session, first, second: session.bridge(first, second),
            ),
            "add": Tool(ui.addBranchButton, (_("Click the far end of the branch that is missing."),),
                        lambda session, end: session.add_branch(end)),
            "remove": Tool(ui.removeBranchButton, (_("Click the branch that is none; all beyond it goes with it."),),
                           lambda session, at: session.remove_branch(at)),
            "vein": Tool(ui.veinButton, (_("Click the branch that is a vein; all beyond it goes with it."),),
                         lambda session, at: session.mark_vein(at)),
            "cut": Tool(ui.cutButton, (_("Click the vessel where the leak begins; what lies before it goes."),),
                        lambda session, at: session.cut(at)),
            "cut side": Tool(
                ui.cutSideButton, (_("Click where to cut."), _("Click on the side that should go.")),
                lambda session, at, towards: session.cut(at, towards),
            ),
            "radius": Tool(
                ui.radiusButton,
                (_("Click the vessel where its calibre is wrong."), _("Click where its wall should be.")),
                lambda session, centre, wall: session.set_wall(centre, wall),
            ),
            "rename": Tool(ui.renameButton, (_("Click the vessel that has the name in the box."),),
                           lambda session, at: session.rename(at, ui.nameBox.currentText)),
        }

    def _said(self, session: CorrectionSession | None) -> str:
        if self._active:
            return self._tools[self._active].asks[len(self._clicks.points()) if self._clicks else 0]
        entries = session.log.entries if session else ()
        if not entries:
            return _("Choose a tool, then click in a slice or on a surface.")
        text = _("Correction {count}: {what}").format(count=len(entries), what=entries[-1].what)
        if session.surfaces_behind:
            text += " " + _("Surfaces and tables are older.")
        return text

    def _feed_editor(self) -> None:
        """Give the Segment Editor the result while its section is open, and nothing while it is not."""
        editor, result = self._ui.segmentEditor, self._result()
        if self._ui.editorSection.collapsed or result is None:
            if editor.segmentationNode() is not None:
                editor.setActiveEffect(None)
                editor.setSegmentationNode(None)
            return
        if editor.segmentationNode() is result:
            return
        editor.setMRMLSegmentEditorNode(_editor_node())
        editor.setSegmentationNode(result)
        try:
            editor.setSourceVolumeNode(volume_of(result))
        except ValueError as error:
            self._activity.say(str(error))
        editor.setupViewObservations()
        editor.installKeyboardShortcuts()

    def _session(self) -> CorrectionSession | None:
        result = self._result()
        return session_of(result) if result is not None else None

    def _result(self):
        parameters = self._parameters()
        return parameters.result if parameters else None


def _editor_node():
    """The module's own state of the Segment Editor: that of the module of that name stays as the user left it."""
    node = slicer.mrmlScene.GetSingletonNode(EDITOR_TAG, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag(EDITOR_TAG)
        node = slicer.mrmlScene.AddNode(node)
    return node
