"""Pictures of the module at work, for the documentation: the panel and the views after one click.

    python Testing/slicer_desktop/pictures.py FOLDER                 on a phantom that is made first
    python Testing/slicer_desktop/pictures.py FOLDER --ct FILE       on a CT of your own

writes ``panel.png`` (the panel alone) and ``module.png`` (panel and views side by side). The run is the real one: the
shipped model in a worker process. What is drawn is the harness's desktop, not Slicer's own window.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import desktop

VIEW = 400
PANEL = 440


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ct", type=Path)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--quality", default="standard")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        running = desktop.start(Path(scratch))
        views = running.with_views()
        running.load(desktop.ROOT / "CoronarySeg" / "CoronarySeg.py")
        volume = _node(options)
        panel = running.enter("CoronarySeg")
        panel.ui.qualitySelector.setCurrentText(options.quality.capitalize())
        panel.ui.segmentButton.click()
        running.wait_until(lambda: not panel.activity.running, seconds=3600)
        running.raise_errors()
        sys.stdout.write(panel.ui.statusLabel.text + "\n")
        if panel.parameters().result is None:
            return 1
        _show_coronaries(panel, views, volume)
        picture = running.grab(panel.parent, options.folder / "panel.png", PANEL)
        side_by_side(picture, views, options.folder / "module.png", Path(scratch))
        running.quit("CoronarySeg")
    return 0


def _node(options):
    sys.path.insert(0, str(desktop.ROOT / "CoronarySeg"))
    from CoronarySegModule.conversion import node_from_volume

    if options.ct is not None:
        from CoronarySegLib.reading import read_volume

        return node_from_volume(read_volume(options.ct), options.ct.name.split(".")[0])
    from CoronarySegLib.phantom import PhantomSettings, centred_grid, make_phantom

    grid = centred_grid((220, 250, 260), (0.6, 0.6, 0.6))
    return node_from_volume(make_phantom(PhantomSettings(seed=options.seed, geometry=grid)).ct, "Phantom")


def _show_coronaries(panel, views, volume) -> None:
    """A window for contrast, the slices at the middle of the left tree."""
    import numpy as np
    import slicer

    display = volume.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(900, 250)
    model = next(node for node in slicer.util.getNodesByClass("vtkMRMLModelNode") if "left" in node.GetName().lower())
    place = np.median(slicer.util.arrayFromModelPoints(model), axis=0)
    for name in views.sliceViewNames():
        views.sliceWidget(name).mrmlSliceNode().JumpSliceByCentering(*place)
    slicer.util.resetThreeDViews()


def side_by_side(panel_picture: Path, views, path: Path, scratch: Path, more: tuple[str, ...] = ()) -> None:
    from PySide6.QtGui import QColor, QImage, QPainter

    panel = QImage(str(panel_picture))
    columns = 3 if more else 2
    width, height = PANEL + columns * (VIEW + 4) - 4, max(panel.height(), 2 * VIEW + 4)
    picture = QImage(width, height, QImage.Format.Format_RGB32)
    picture.fill(QColor(239, 239, 239))
    painter = QPainter(picture)
    painter.drawImage(0, 0, panel)
    shown = [("Red", 0, 0), (None, 1, 0), ("Green", 0, 1), ("Yellow", 1, 1)]
    shown += [(name, 2, row) for row, name in enumerate(more)]
    for name, column, row in shown:
        view = views.threeDWidget(0) if name is None else views.sliceWidget(name)
        grabbed = QImage(str(view.grab_view(scratch / "view.png")))
        painter.drawImage(PANEL + column * (VIEW + 4), row * (VIEW + 4), grabbed)
    painter.end()
    picture.save(str(path))


if __name__ == "__main__":
    sys.exit(main())
