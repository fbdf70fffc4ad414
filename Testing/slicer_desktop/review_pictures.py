"""Pictures of the review for the documentation, on a phantom with planted defects.

    python Testing/slicer_desktop/review_pictures.py FOLDER --seed 901

writes ``review.png`` (a place of the queue, doubt on slices and surfaces) and ``straightened.png`` (a main vessel
pulled straight). No network runs: labels and probability are those of ``Testing/review/planted.py``. What is drawn is
the harness's desktop, not Slicer's own window.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "review"))

import desktop
from pictures import PANEL, side_by_side

SECTIONS = ("choicesSection", "resultSection", "correctionSection", "exportSection", "environmentSection")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=901)
    parser.add_argument("--row", type=int, default=0, help="which place of the queue")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        running = desktop.start(Path(scratch))
        views = running.with_views()
        running.load(desktop.ROOT / "CoronarySeg" / "CoronarySeg.py")
        panel = running.enter("CoronarySeg")
        _take_up(panel, options.seed)
        for name in SECTIONS:
            getattr(panel.ui, name).collapsed = True
        _draw(running, panel, views, options, Path(scratch))
        running.raise_errors()
        running.quit("CoronarySeg")
    return 0


def _take_up(panel, seed: int) -> None:
    """The planted case as the result of a run."""
    import planted
    from CoronarySegModule.conversion import node_from_volume
    from CoronarySegModule.results import write_outcome

    from CoronarySegLib.provenance import Provenance
    from CoronarySegLib.reconstruction import reconstruct_labels
    from CoronarySegLib.review import find_suspects
    from CoronarySegLib.worker.outcomes import SegmentOutcome

    case = planted.plant(seed).case
    volume = node_from_volume(case.ct, "Planted phantom")
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevel(900, 250)
    about = Provenance("0", "planted", {}, "none", {}, "standard", ())
    outcome = SegmentOutcome(
        case.labels, case.probability, reconstruct_labels(case.labels), dict(case.trees), about, (), find_suspects(case)
    )
    nodes = write_outcome(volume, outcome)
    panel.runSection.chooseVolume()
    panel.runSection._finished(nodes)


def _draw(running, panel, views, options, scratch: Path) -> None:
    from CoronarySegModule.review_nodes import read_review

    entries = read_review(panel.parameters().result).entries
    panel.ui.reviewTable.selectRow(options.row)
    panel.ui.overlayBox.checked = panel.ui.doubtBox.checked = True
    picture = running.grab(panel.parent, scratch / "panel.png", PANEL)
    side_by_side(picture, views, options.folder / "review.png", scratch)
    panel.ui.overlayBox.checked = panel.ui.doubtBox.checked = False
    trunks = ("the LAD", "the RCA", "the LCx")
    row = next((row for row, one in enumerate(entries) if one.suspect.vessel in trunks), options.row)
    panel.ui.reviewTable.selectRow(row)
    panel.ui.straightenButton.click()
    picture = running.grab(panel.parent, scratch / "panel.png", PANEL)
    side_by_side(picture, views, options.folder / "straightened.png", scratch, more=("Straightened",))


if __name__ == "__main__":
    sys.exit(main())
