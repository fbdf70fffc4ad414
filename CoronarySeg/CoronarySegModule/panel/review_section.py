"""The suspicious places of the selected result: one click goes there, one more decides about it."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from ..review_nodes import Decision, Review, place_ras, read_review, write_review
from ..review_views import colour_surfaces, hide_place, show_place, show_uncertainty, straighten
from .activity import Activity, show_button

SIGNS = {Decision.open: "", Decision.accepted: "✓", Decision.fixed: "✎", Decision.ignored: "–"}
DECIDED_COLOUR = "#8a8a8a"
KIND, VESSEL, SCORE, DECISION = range(4)


def kind_text(kind: str) -> str:
    """A kind of suspicion for people."""
    return {
        "gap": _("Gap"), "leak": _("Leak"), "vein": _("Vein?"), "isolated piece": _("Piece apart"), "spur": _("Stub"),
        "radius change": _("Width"), "low confidence": _("Unsure"),
    }.get(kind, kind)


def vessel_text(vessel: str) -> str:
    """A vessel in few letters: "LAD", "LAD, side branch"."""
    if vessel.startswith("a side branch of the "):
        return _("{vessel}, side branch").format(vessel=vessel.removeprefix("a side branch of the "))
    return vessel.removeprefix("the ").removeprefix("a ")


class ReviewSection:
    """``fix(suspect, place_ras)`` is called when a person wants to correct a place."""

    def __init__(self, ui, logic, activity: Activity, parameters, fix):
        self._ui, self._logic, self._activity = ui, logic, activity
        self._parameters, self._fix = parameters, fix
        self._shown, self._filling = None, False
        for column in (KIND, VESSEL, SCORE, DECISION):
            ui.reviewTable.horizontalHeader().setSectionResizeMode(
                column, qt.QHeaderView.Stretch if column == VESSEL else qt.QHeaderView.ResizeToContents
            )
        ui.reviewTable.connect("itemSelectionChanged()", self.onSelected)
        ui.acceptButton.connect("clicked(bool)", lambda: self.onDecision(Decision.accepted))
        ui.ignoreButton.connect("clicked(bool)", lambda: self.onDecision(Decision.ignored))
        ui.fixButton.connect("clicked(bool)", self.onFix)
        ui.acceptAllButton.connect("clicked(bool)", self.onAcceptAll)
        ui.reviewButton.connect("clicked(bool)", self.onSearch)
        ui.straightenButton.connect("clicked(bool)", self.onStraighten)
        ui.overlayBox.connect("toggled(bool)", self.onOverlay)
        ui.doubtBox.connect("toggled(bool)", self.onDoubt)

    def update(self) -> None:
        """Called on every change of the panel: the table is filled again only when the review is another one."""
        result, review = self._result(), self._review()
        if (result, review) != self._shown:
            self._fill(review)
            self._shown = (result, review)
        self._ui.reviewProgressLabel.text = self._progress_text(result, review)
        none = _("Segment a CT first, or select a result.") if result is None else ""
        show_button(
            self._ui.reviewButton, self._activity, self, _("Search again"),
            _("Look for suspicious places in the result as it is now; decisions are kept"), none,
        )
        here = none or ("" if self._current() >= 0 else _("Select a place in the table."))
        for button, ready in (
            (self._ui.acceptButton, _("The result is right here; go to the next place")),
            (self._ui.ignoreButton, _("Leave this place undecided for good; go to the next one")),
            (self._ui.fixButton, _("Correct the result here")),
            (self._ui.straightenButton, _("Show the vessel of this place pulled straight in a view of its own")),
        ):
            button.enabled, button.toolTip = not here, here or ready
        rest = none or ("" if review and review.decided < len(review.entries) else _("Every place was looked at."))
        self._ui.acceptAllButton.enabled = not rest
        self._ui.acceptAllButton.toolTip = rest or _("The result was looked at as a whole and is right everywhere else")
        for box in (self._ui.overlayBox, self._ui.doubtBox):
            box.enabled = result is not None

    def begin(self) -> None:
        """A new result is there: show what is to be looked at."""
        self._ui.reviewSection.collapsed = False

    def onSelected(self) -> None:
        index = self._current()
        if self._filling or index < 0:
            return
        suspect = self._review().entries[index].suspect
        with slicer.util.tryWithErrorDisplay(_("The place cannot be shown.")):
            show_place(self._result(), suspect, f"{index + 1} {kind_text(suspect.kind.value)}")
        also = ", ".join(kind_text(kind) for kind in suspect.also)
        more = " " + _("Also here: {kinds}.").format(kinds=also) if also else ""
        self._ui.reviewTextLabel.text = suspect.text + more
        self.update()

    def onDecision(self, decision: Decision) -> None:
        """Keep a decision about the selected place and go to the next open one."""
        index, review = self._current(), self._review()
        if index < 0:
            return
        review = review.with_decision(index, decision)
        self._keep(review)
        self._select(review.next_open(index))

    def onFix(self) -> None:
        """Hand the place over to the corrections; it counts as fixed, and a new search opens it again if it is not."""
        index, review = self._current(), self._review()
        if index < 0:
            return
        suspect = review.entries[index].suspect
        self._keep(review.with_decision(index, Decision.fixed))
        self._select(index)
        self._fix(suspect, place_ras(suspect))

    def onAcceptAll(self) -> None:
        review = self._review()
        for index, entry in enumerate(review.entries):
            if entry.decision is Decision.open:
                review = review.with_decision(index, Decision.accepted)
        self._keep(review)
        self._select(-1)

    def onSearch(self) -> None:
        if self._activity.owner is self:
            self._activity.cancel()
            return
        result = self._result()

        def make(**listeners):
            return self._logic.startReview(result, **listeners)

        def done(review: Review, _seconds: float) -> None:
            self._activity.say(_("{count} places to look at.").format(count=len(review.entries)))
            self._select(review.next_open(-1))

        self._activity.start(self, make, done)

    def onStraighten(self) -> None:
        index = self._current()
        if index < 0:
            return
        try:
            straighten(self._result(), self._review().entries[index].suspect)
        except Exception as error:
            self._activity.fail(error)

    def onOverlay(self, shown: bool) -> None:
        self._try(show_uncertainty, shown, self._ui.overlayBox)

    def onDoubt(self, coloured: bool) -> None:
        self._try(colour_surfaces, coloured, self._ui.doubtBox)

    def _try(self, show, wanted: bool, box) -> None:
        result = self._result()
        if result is None:
            return
        try:
            show(result, wanted)
        except Exception as error:
            self._activity.fail(error)
            box.checked = False

    # --- the table ------------------------------------------------------------------------------------------------

    def _fill(self, review: Review | None) -> None:
        table, selected = self._ui.reviewTable, self._current()
        entries = review.entries if review else ()
        self._filling = True
        try:
            table.setRowCount(len(entries))
            for row, entry in enumerate(entries):
                suspect = entry.suspect
                texts = (
                    kind_text(suspect.kind.value), vessel_text(suspect.vessel), f"{100 * suspect.score:.0f}",
                    SIGNS[entry.decision],
                )
                for column, text in enumerate(texts):
                    item = qt.QTableWidgetItem(text)
                    item.setToolTip(suspect.text)
                    if entry.decision is not Decision.open:
                        item.setForeground(qt.QBrush(qt.QColor(DECIDED_COLOUR)))
                    table.setItem(row, column, item)
            same = self._shown is not None and self._shown[0] is self._result() and selected < len(entries)
            if same and selected >= 0:
                table.selectRow(selected)
            else:
                table.clearSelection()
                self._ui.reviewTextLabel.text = _("Select a place: slices and 3D view go there.") if entries else ""
        finally:
            self._filling = False

    def _select(self, row: int) -> None:
        self.update()
        self._ui.reviewTable.clearSelection()
        if row >= 0:
            self._ui.reviewTable.selectRow(row)
        else:
            hide_place(self._result())
            self._ui.reviewTextLabel.text = _("Every place was looked at.")
        self.update()

    def _current(self) -> int:
        """The selected row, -1 without one."""
        rows = self._ui.reviewTable.selectionModel().selectedRows()
        return rows[0].row() if rows else -1

    # --- the review -----------------------------------------------------------------------------------------------

    def _keep(self, review: Review) -> None:
        write_review(self._result(), review)

    def _result(self):
        parameters = self._parameters()
        return parameters.result if parameters else None

    def _review(self) -> Review | None:
        result = self._result()
        return read_review(result) if result is not None else None

    def _progress_text(self, result, review: Review | None) -> str:
        if result is None:
            return _("No result yet.")
        if review is None:
            return _("Not searched yet.")
        if not review.entries:
            return _("Nothing suspicious was found.")
        return _("{decided} of {count} places looked at").format(decided=review.decided, count=len(review.entries))
