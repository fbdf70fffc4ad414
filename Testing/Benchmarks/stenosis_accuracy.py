"""How true are MLD and % stenosis? Lesions of phantom trees, measured on the truth tree and on a mask of it.

    python Testing/Benchmarks/stenosis_accuracy.py --phantoms 4

Both trees of every phantom are put on a grid as the union of their spheres, so the lumen of each lesion is known. A
lesion is isolated when no other branch comes within its vessel's own lumen there; the others hide behind a side branch
in any mask. Ends with 1 when the mean error of the MLD of isolated evaluable lesions is above 10 %.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree

from CoronarySegLib.centreline import CentrelineTree
from CoronarySegLib.centreline.extract import extract_centrelines
from CoronarySegLib.centreline.naming import name_trees
from CoronarySegLib.centreline.of_phantom import centrelines_of
from CoronarySegLib.measurement import Stenosis, measure_tree
from CoronarySegLib.phantom.anatomy import make_anatomy
from CoronarySegLib.phantom.tree import Branch, CoronaryTree, Lesion
from CoronarySegLib.volume import Geometry

sys.path.append(str(Path(__file__).resolve().parents[1] / "centreline"))
from shapes import Shape, Tube, grid_round, mask_of

AIM_PERCENT = 10.0
SAME_PLACE_MM = 5.0


@dataclass(frozen=True)
class Answer:
    """One lesion: truth, and what was found at its place (None: nothing)."""

    phantom: int
    vessel: str
    true_percent: float
    true_mld_mm: float
    isolated: bool
    found: Stenosis | None

    @property
    def mld_error(self) -> float:
        """In percent of the true MLD."""
        return 100.0 * (self.found.minimal_diameter_mm / self.true_mld_mm - 1.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phantoms", type=int, default=4)
    parser.add_argument("--first", type=int, default=0, help="seed of the first phantom")
    parser.add_argument("--spacing", type=float, nargs=3, default=(0.4, 0.4, 0.4), metavar=("X", "Y", "Z"))
    options = parser.parse_args()
    on_truth, on_masks, extra = [], [], {"truth": 0, "mask": 0}
    for seed in range(options.first, options.first + options.phantoms):
        tree = make_anatomy(seed, stenoses_per_trunk=2).tree
        masks = {side: from_mask(tree, side, tuple(options.spacing)) for side in ("left", "right")}
        named = name_trees({side: found for side, (found, _) in masks.items()})
        truth = centrelines_of(tree)
        for side in masks:
            for answers, which, measured in (
                (on_truth, "truth", measure_tree(truth[side])),
                (on_masks, "mask", measure_tree(named[side], grid=masks[side][1])),
            ):
                matched = match(seed, tree, side, measured.stenoses)
                answers += matched
                hits = {id(a.found) for a in matched}
                extra[which] += sum(s.evaluable and id(s) not in hits for s in measured.stenoses)
    console = Console()
    console.print(lesions_table(on_masks))
    console.print(summary_table({"truth tree": (on_truth, extra["truth"]), "mask": (on_masks, extra["mask"])}))
    judged = [abs(a.mld_error) for a in on_masks if a.isolated and a.found and a.found.evaluable]
    return int(not judged or float(np.mean(judged)) > AIM_PERCENT)


def from_mask(tree: CoronaryTree, side: str, spacing_mm: tuple[float, ...]) -> tuple[CentrelineTree, Geometry]:
    branches = tree.of_side(side)
    shape = Shape(tuple(Tube(b.points_lps_mm, b.radius_mm, b.parent) for b in branches))
    grid = grid_round(shape, spacing_mm)
    ostia = {side: branches[0].points_lps_mm[0]}
    return extract_centrelines(mask_of(shape, grid), values={side: 1}, ostia_lps_mm=ostia)[side], grid


def match(seed: int, tree: CoronaryTree, side: str, found: tuple[Stenosis, ...]) -> list[Answer]:
    answers = []
    for lesion in tree.lesions:
        branch = tree.branches[lesion.branch]
        if branch.side != side:
            continue
        arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(branch.points_lps_mm, axis=0), axis=1))]
        near = np.flatnonzero(np.abs(arc - lesion.position_mm) < 1.5)
        least = near[int(np.argmin((branch.radius_mm / branch.healthy_radius_mm)[near]))]
        place = branch.points_lps_mm[least]
        away = [float(np.linalg.norm(np.asarray(s.position_lps_mm) - place)) for s in found]
        best = found[int(np.argmin(away))] if away and min(away) < SAME_PLACE_MM else None
        percent = 100.0 * (1.0 - branch.radius_mm[least] / branch.healthy_radius_mm[least])
        answers.append(
            Answer(seed, branch.name, percent, 2.0 * branch.radius_mm[least], isolated(tree, branch, lesion, arc), best)
        )
    return answers


def isolated(tree: CoronaryTree, branch: Branch, lesion: Lesion, arc: np.ndarray) -> bool:
    here = np.abs(arc - lesion.position_mm) < max(2.0, 0.25 * lesion.length_mm)
    for other in tree.of_side(branch.side):
        if other is not branch:
            distance, nearest = cKDTree(other.points_lps_mm).query(branch.points_lps_mm[here])
            if (distance < other.radius_mm[nearest] + branch.healthy_radius_mm[here]).any():
                return False
    return True


def lesions_table(answers: list[Answer]) -> Table:
    table = Table(title="Lesions on masks", title_justify="left")
    for column in ("phantom", "vessel", "isolated", "true %", "found %", "true MLD", "found MLD", "note"):
        table.add_column(column)
    for a in answers:
        found, mld, note = "–", "–", "not found"
        if a.found is not None:
            found, mld = f"{a.found.diameter_percent:.0f}", f"{a.found.minimal_diameter_mm:.2f}"
            note = ", ".join(reason.value for reason in a.found.not_evaluable)
        table.add_row(str(a.phantom), a.vessel, "yes" if a.isolated else "no", f"{a.true_percent:.0f}", found,
                      f"{a.true_mld_mm:.2f}", mld, note)
    return table


def summary_table(groups: dict[str, tuple[list[Answer], int]]) -> Table:
    table = Table(title="Mean absolute error", title_justify="left")
    for column in ("measured on", "lesions", "number", "% stenosis (points)", "MLD (%)", "false, evaluable"):
        table.add_column(column)
    for name, (answers, extra) in groups.items():
        found = [a for a in answers if a.found is not None]
        kept = {
            f"found, of {len(answers)}": found,
            "found and evaluable": [a for a in found if a.found.evaluable],
            "isolated and evaluable": [a for a in found if a.found.evaluable and a.isolated],
        }
        for number, (label, some) in enumerate(kept.items()):
            share = np.mean([abs(a.found.diameter_percent - a.true_percent) for a in some]) if some else np.nan
            mld = np.mean([abs(a.mld_error) for a in some]) if some else np.nan
            table.add_row(name if number == 0 else "", label, str(len(some)), f"{share:.1f}", f"{mld:.1f}",
                          str(extra) if number == 0 else "")
        table.add_section()
    return table


if __name__ == "__main__":
    sys.exit(main())
