"""Pictures of the module at work, for the documentation: the panel and the views after one click, and its review.

    python Testing/slicer_desktop/pictures.py FOLDER                 on a phantom that is made first
    python Testing/slicer_desktop/pictures.py FOLDER --ct FILE       on a CT of your own

writes ``panel.png`` (the panel alone), ``module.png`` (panel and views), ``review.png`` (a place of the queue, doubt on
slices and surfaces) and ``straightened.png`` (a main vessel pulled straight). The run is the real one: the shipped
model in a worker process. What is drawn is the harness's desktop, not Slicer's own window.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import desktop

VIEW, GAP, PANEL = 400, 4, 440
TALL = 2 * VIEW + GAP
SECTIONS = ("choicesSection", "resultSection", "reviewSection", "correctionSection", "exportSection",
            "environmentSection")
TRUNKS = ("the LAD", "the RCA", "the LCx")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ct", type=Path)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--row", type=int, default=0, help="which place of the queue")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        running = desktop.start(Path(scratch))
        views = running.with_views()
        running.load(desktop.ROOT / "CoronarySeg" / "CoronarySeg.py")
        volume = _node(options)
        panel = running.enter("CoronarySeg")
        segment(running, panel, options)
        if panel.parameters().result is None:
            return 1
        _show_coronaries(volume, views)
        Pictures(running, panel, views, options.folder, Path(scratch)).draw(options.row)
        running.raise_errors()
        running.quit("CoronarySeg")
    return 0


def segment(running, panel, options) -> None:
    panel.ui.qualitySelector.setCurrentText(options.quality.capitalize())
    panel.ui.segmentButton.click()
    running.wait_until(lambda: not panel.activity.running, seconds=3600)
    running.raise_errors()
    sys.stdout.write(panel.ui.statusLabel.text + "\n")


def _node(options):
    sys.path.insert(0, str(desktop.ROOT / "CoronarySeg"))
    from CoronarySegModule.conversion import node_from_volume

    if options.ct is not None:
        from CoronarySegLib.reading import read_volume

        return node_from_volume(read_volume(options.ct), options.ct.name.split(".")[0])
    from CoronarySegLib.phantom import PhantomSettings, centred_grid, make_phantom

    grid = centred_grid((220, 250, 260), (0.6, 0.6, 0.6))
    return node_from_volume(make_phantom(PhantomSettings(seed=options.seed, geometry=grid)).ct, "Phantom")


def _show_coronaries(volume, views) -> None:
    """A window for contrast, the slices at the middle of the left tree."""
    import numpy as np
    import slicer

    display = volume.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(900, 250)
    model = next(node for node in slicer.util.getNodesByClass("vtkMRMLModelNode") if "left" in node.GetName().lower())
    place = np.median(slicer.util.arrayFromModelPoints(model), axis=0)
    for name in views.sliceViewNames():
        views.sliceWidget(name).mrmlSliceNode().JumpSliceByOffsetting(*place)
    slicer.util.resetThreeDViews()


class Pictures:
    def __init__(self, running, panel, views, folder: Path, scratch: Path):
        self._running, self._panel, self._views = running, panel, views
        self._folder, self._scratch = folder, scratch

    def draw(self, row: int) -> None:
        self._open("resultSection", "reviewSection")
        self._running.grab(self._panel.parent, self._folder / "panel.png", PANEL)
        self._open("resultSection")
        self._side_by_side("module.png")
        self._draw_review(row)
        self._draw_straightened(row)

    def _draw_review(self, row: int) -> None:
        ui = self._panel.ui
        self._open("reviewSection", "correctionSection")
        ui.reviewTable.selectRow(row)
        ui.overlayBox.checked = ui.doubtBox.checked = True
        self._side_by_side("review.png")
        ui.overlayBox.checked = ui.doubtBox.checked = False

    def _draw_straightened(self, row: int) -> None:
        from CoronarySegModule.review_nodes import read_review

        entries = read_review(self._panel.parameters().result).entries
        row = next((number for number, one in enumerate(entries) if one.suspect.vessel in TRUNKS), row)
        self._open("reviewSection")
        self._panel.ui.reviewTable.selectRow(row)
        self._panel.ui.straightenButton.click()
        self._views.sliceWidget("Straightened").resize_view(VIEW // 2, TALL)
        self._panel.ui.straightenButton.click()  # fits the view as it is now
        self._side_by_side("straightened.png", beside="Straightened")

    def _open(self, *names: str) -> None:
        for name in SECTIONS:
            getattr(self._panel.ui, name).collapsed = name not in names

    def _side_by_side(self, name: str, beside: str = "") -> None:
        """The panel with four views, and with one as high as two of them."""
        from PySide6.QtGui import QColor, QImage, QPainter

        panel = _trimmed(QImage(str(self._running.grab(self._panel.parent, self._scratch / "panel.png", PANEL))))
        width = PANEL + 2 * (VIEW + GAP) - GAP + (VIEW // 2 + GAP if beside else 0)
        picture = QImage(width, max(panel.height(), TALL), QImage.Format.Format_RGB32)
        picture.fill(QColor(239, 239, 239))
        painter = QPainter(picture)
        painter.drawImage(0, 0, panel)
        shown = [("Red", 0, 0), (None, 1, 0), ("Green", 0, 1), ("Yellow", 1, 1)]
        for view_name, column, row in shown + ([(beside, 2, 0)] if beside else []):
            view = self._views.threeDWidget(0) if view_name is None else self._views.sliceWidget(view_name)
            grabbed = QImage(str(view.grab_view(self._scratch / "view.png")))
            painter.drawImage(PANEL + column * (VIEW + GAP), row * (VIEW + GAP), grabbed)
        painter.end()
        picture.save(str(self._folder / name))


def _trimmed(panel):
    """The panel's picture without what is empty below its last section."""
    columns = range(0, panel.width(), 7)
    empty = panel.pixel(0, panel.height() - 1)
    rows = range(panel.height() - 1, 0, -1)
    last = next(row for row in rows if any(panel.pixel(column, row) != empty for column in columns))
    return panel.copy(0, 0, panel.width(), min(last + 20, panel.height()))


if __name__ == "__main__":
    sys.exit(main())
