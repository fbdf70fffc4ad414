"""The one run of the panel: who started it, how far it is, how it ended, in the bar and the line below the button."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable

import slicer
from slicer.i18n import tr as _

from CoronarySegLib.errors import Cancelled, CoronarySegError


class Activity:
    """At most one run at a time. ``changed`` is told whenever one begins or ends."""

    def __init__(self, progressBar, statusLabel, changed: Callable[[], None]):
        self._bar, self._status, self._changed = progressBar, statusLabel, changed
        self._run, self.owner = None, None
        self._began = 0.0
        self._bar.visible = False

    @property
    def running(self) -> bool:
        return self._run is not None

    def start(self, owner, make: Callable, done: Callable) -> None:
        """``make(progress=..., ended=...)`` starts the run of ``owner``; ``done(result, seconds)`` gets its result."""
        if self.running:
            return
        self._began = time.monotonic()
        self.owner = owner
        try:
            self._run = make(progress=self._progress, ended=lambda run: self._ended(run, done))
        except Exception as error:
            self.owner = None
            self.fail(error)
            return
        self._bar.value = 0
        self._bar.visible = True
        self.say(_("Starting"))
        self._changed()
        self._run.follow()

    def cancel(self, reason: str = "") -> None:
        if self._run is not None:
            self._run.cancel(reason)

    def say(self, text: str) -> None:
        self._status.text = text

    def fail(self, error: Exception) -> None:
        """Show what went wrong: an error that is meant for the user as it is, any other one with its traceback."""
        self.say(str(error))
        details = {} if isinstance(error, (CoronarySegError, ValueError)) else {
            "detailedText": "".join(traceback.format_exception(error))
        }
        slicer.util.errorDisplay(str(error), windowTitle="CoronarySeg", **details)

    def _progress(self, fraction: float, text: str) -> None:
        self._bar.value = round(self._bar.maximum * fraction)
        self.say(text)

    def _ended(self, run, done: Callable) -> None:
        seconds = time.monotonic() - self._began
        self._run, self.owner = None, None
        self._bar.visible = False
        if run.error is None:
            done(run.result, seconds)
        self._changed()  # before a message that waits for the user
        if isinstance(run.error, Cancelled):
            self.say(str(run.error))
        elif run.error is not None:
            self.fail(run.error)


def show_button(button, activity: Activity, owner, text: str, ready: str, reason: str) -> None:
    """A button that starts a run, or cancels the one it started. ``reason`` says why it cannot start now, "" if it can;
    ``ready`` is its tooltip when it can."""
    if activity.owner is owner:
        button.text, button.toolTip, button.enabled = _("Cancel"), _("End the run; the scene stays as it is"), True
        return
    reason = _("Wait for the run to end, or cancel it.") if activity.running else reason
    button.text, button.toolTip, button.enabled = text, reason or ready, not reason
