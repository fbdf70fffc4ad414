"""Accuracy of a model: on phantoms of seeds never trained on, or on folders with an image and its truth.

    python Testing/Benchmarks/accuracy.py --phantoms 10
    python Testing/Benchmarks/accuracy.py --phantoms 10 --walls network         # what walls by the CT are worth
    python Testing/Benchmarks/accuracy.py --phantoms 5 --first-seed 560 --calibre 1.3 --twigs 1 2   # wide, rich trees
    python Testing/Benchmarks/accuracy.py --cases FOLDER_OF_CASES      # each with ct.nii.gz and truth.nii.gz

Prints one row a case and mean ± SD, and writes all figures as JSON with --json. Seeds below 10000 are never trained on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from CoronarySegLib.errors import CoronarySegError
from CoronarySegLib.evaluation import Case, Cohort, evaluate
from CoronarySegLib.evaluation.tables import cohort_table, radius_table
from CoronarySegLib.phantom import PhantomSettings, TreeBuild, make_phantom
from CoronarySegLib.postprocessing import PostOptions
from CoronarySegLib.reading import read_volume
from CoronarySegLib.segmentation import SegmentOptions, segment
from CoronarySegLib.volume import Volume

FIRST_SEED = 500


def phantoms(count: int, first: int, build: TreeBuild) -> Iterator[tuple[str, Volume, Volume, object]]:
    """Name, CT, truth and branches of phantoms on the clinical grid."""
    for seed in range(first, first + count):
        phantom = make_phantom(PhantomSettings(seed=seed, build=build))
        yield f"phantom {seed}", phantom.ct, phantom.labels, phantom.tree.branches


def folders(root: Path) -> Iterator[tuple[str, Volume, Volume, object]]:
    """Name, CT and truth of case folders; the truth's skeleton serves as centreline."""
    for folder in sorted(p.parent for p in root.glob("*/ct.nii.gz")):
        yield folder.name, read_volume(folder / "ct.nii.gz"), read_volume(folder / "truth.nii.gz"), None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phantoms", type=int, default=0)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--calibre", type=float, default=TreeBuild.calibre, help="arteries so many times as wide")
    parser.add_argument("--twigs", type=float, nargs=2, default=TreeBuild.twigs, help="small branches per 26 mm, range")
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--walls", choices=("ct", "network"), default="ct", help="what says where a vessel's wall is")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    build = TreeBuild(given.calibre, tuple(given.twigs))
    source = folders(given.cases) if given.cases else phantoms(given.phantoms, given.first_seed, build)
    options = SegmentOptions(quality=given.quality, post=PostOptions(walls_by_ct=given.walls == "ct"))
    console, done = Console(), []
    for name, ct, truth, branches in source:
        start = time.perf_counter()
        try:
            result = segment(ct, model=given.model, options=options)
            seconds = time.perf_counter() - start
            scores = evaluate(result.labels, truth, probability=result.probability, centrelines=branches)
            done.append(Case(name, scores))
            both = "both trees" if len(result.trees.sides) == 2 else f"only {result.trees.sides}"
            console.print(f"{name}: Dice {scores.dice:.3f}, clDice {scores.total.cldice:.3f}, {both}, {seconds:.0f} s")
        except CoronarySegError as error:
            done.append(Case(name, None, str(error)))
            console.print(f"{name}: {error}")
    cohort = Cohort(tuple(done))
    console.print(cohort_table(cohort), radius_table(cohort.found_by_radius()))
    console.print(f"ROC-AUC {cohort.roc_auc.mean:.4f}")
    if given.json:
        given.json.write_text(json.dumps(cohort.as_dict(), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
