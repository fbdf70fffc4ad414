"""What a run has found: which result, its vessels in a few lines, views and tables, surfaces as files."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..measurement_nodes import KIND_ATTRIBUTE, STENOSES, VESSELS, find_measurements
from ..result_values import volume_of
from ..review_nodes import read_review
from .activity import Activity

RESULT_ATTRIBUTE = "CoronarySeg.Version"  # every segmentation of ours carries it
REMARKS_ATTRIBUTE = "CoronarySeg.Warnings"  # a JSON list of sentences
SHOWN_VESSELS = 12


class ResultSection:
    def __init__(self, ui, logic, activity: Activity, parameters):
        self._ui, self._logic, self._activity, self._parameters = ui, logic, activity, parameters
        ui.resultSelector.addAttribute("vtkMRMLSegmentationNode", RESULT_ATTRIBUTE)
        ui.showButton.connect("clicked(bool)", self.onShow)
        ui.vesselsButton.connect("clicked(bool)", lambda: self.onTable(VESSELS))
        ui.stenosesButton.connect("clicked(bool)", lambda: self.onTable(STENOSES))
        ui.saveSurfacesButton.connect("clicked(bool)", self.onSaveSurfaces)

    def update(self) -> None:
        result = self._result()
        reason = _("Segment a CT first, or select a result.") if result is None else ""
        for button, ready in (
            (self._ui.showButton, _("Show the CT and the trees in all views")),
            (self._ui.saveSurfacesButton, _("Save left, right and calcium as STL (LPS, mm)")),
        ):
            button.enabled, button.toolTip = not reason, reason or ready
        for button, kind, ready in (
            (self._ui.vesselsButton, VESSELS, _("Length, diameters and stenosis of every vessel")),
            (self._ui.stenosesButton, STENOSES, _("Every narrowing with its place and grade")),
        ):
            table_reason = reason or ("" if self._table(kind) else _("This result has no centrelines to measure."))
            button.enabled, button.toolTip = not table_reason, table_reason or ready
        self._ui.summaryLabel.text = _("No result yet.") if result is None else self._summary()
        remarks = json.loads(result.GetAttribute(REMARKS_ATTRIBUTE) or "[]") if result is not None else []
        items = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
        style = "margin-left:-24px; margin-top:2px"
        self._ui.remarksLabel.text = f"<b>{_('Remarks')}</b><ul style='{style}'>{items}</ul>" if items else ""
        self._ui.remarksLabel.visible = bool(items)

    def select(self, nodes) -> None:
        """Take up a new result and show it."""
        self._parameters().result = nodes.segmentation
        self._ui.resultSection.collapsed = False
        self.onShow()

    def onShow(self) -> None:
        result = self._result()
        if result is None or slicer.app.layoutManager() is None:  # Slicer may run without a window
            return
        with slicer.util.tryWithErrorDisplay(_("The result cannot be shown.")):
            slicer.util.setSliceViewerLayers(background=volume_of(result), fit=True)
            slicer.util.resetThreeDViews()

    def onTable(self, kind: str) -> None:
        table, layouts = self._table(kind), slicer.app.layoutManager()
        if table is None or layouts is None:
            return
        layouts.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
        selection = slicer.app.applicationLogic().GetSelectionNode()
        selection.SetActiveTableID(table.GetID())
        slicer.app.applicationLogic().PropagateTableSelection()

    def onSaveSurfaces(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(None, _("Folder for the surfaces"), str(Path.home()))
        if not folder:
            return
        try:
            files = self._logic.saveSurfaces(self._result(), folder)
        except Exception as error:
            self._activity.fail(error)
            return
        names = ", ".join(path.name for path in files)
        text = _("Saved {names} in {folder}.").format(names=names, folder=folder)
        review = read_review(self._result())
        left = len(review.entries) - review.decided if review else 0
        if left:
            text += " " + _("{count} suspicious places were not looked at yet; see Review.").format(count=left)
        self._activity.say(text)

    def _result(self):
        parameters = self._parameters()
        return parameters.result if parameters else None

    def _table(self, kind: str):
        result = self._result()
        if result is None or result.GetNodeReference("CoronarySegVolume") is None:
            return None
        nodes = find_measurements(volume_of(result), result)
        return next((node for node in nodes if node.GetAttribute(KIND_ATTRIBUTE) == kind), None)

    def _summary(self) -> str:
        """The named vessels with length, mean diameter and stenosis, as far as there is room."""
        node = self._table(VESSELS)
        if node is None:
            return _("No centrelines.")
        table = node.GetTable()
        columns = ("Vessel", "Length (mm)", "Mean inscribed diameter (mm)", "Stenosis")
        values = [[table.GetColumnByName(name).GetVariantValue(row) for name in columns]
                  for row in range(table.GetNumberOfRows())]
        named = [row for row in values if not row[0].ToString().startswith("branch ")]
        named.sort(key=lambda row: -row[1].ToDouble())
        heads = (_("Vessel"), _("Length"), _("Diameter"), _("Stenosis"))
        lines = ["".join(f"<th align='left'>{escape(head)}&nbsp;&nbsp;</th>" for head in heads)]
        for name, length, diameter, stenosis in named[:SHOWN_VESSELS]:
            cells = (name.ToString(), f"{length.ToDouble():.0f} mm", f"{diameter.ToDouble():.1f} mm",
                     stenosis.ToString())
            lines.append("".join(f"<td>{escape(cell)}&nbsp;&nbsp;</td>" for cell in cells))
        rest = len(values) - len(named[:SHOWN_VESSELS])
        more = _("and {count} more branches").format(count=rest) if rest else ""
        return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>{escape(more)}"
