"""Several cases: each scored by itself, then mean and standard deviation of every figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CoronarySegError
from ..progress import Progress, ProgressCallback, as_progress
from .anatomy import named_centreline
from .evaluate import evaluate
from .files import Pair, read_centreline, read_labels, read_probability
from .regions import region_order
from .scores import FIGURES, RadiusShare, Scores, TreeScores, plain


@dataclass(frozen=True)
class Case:
    """One scored case; ``scores`` is None and ``error`` says why where it could not be scored."""

    name: str
    scores: Scores | None
    error: str = ""


@dataclass(frozen=True)
class Figure:
    """Mean and standard deviation (n - 1; 0 for one case) over ``count`` cases in which the figure is finite."""

    mean: float
    sd: float
    count: int


@dataclass(frozen=True)
class Cohort:
    """All cases of a comparison."""

    cases: tuple[Case, ...]

    @property
    def scored(self) -> tuple[Scores, ...]:
        return tuple(case.scores for case in self.cases if case.scores is not None)

    def figure(self, tree: str, name: str) -> Figure:
        """Mean and SD of one figure of "left", "right" or "total" over the cases. Infinite distances (empty
        predictions) cannot be averaged and are left out: ``count`` tells."""
        return _figure([getattr(t, name) for t in self._trees(tree)])

    def found_by_radius(self, tree: str = "total") -> tuple[RadiusShare, ...]:
        """Share of the centreline found by lumen radius, all cases' lengths pooled."""
        return _pooled([t.found_by_radius for t in self._trees(tree)])

    def regions(self) -> tuple[tuple[str, str], ...]:
        """(kind, name) of every region that occurs in a case, in the order of a table."""
        found = {(region.kind, region.name) for scores in self.scored for region in scores.by_region}
        return tuple(sorted(found, key=lambda region: region_order(*region)))

    def region_figure(self, kind: str, name: str, figure: str) -> Figure:
        """Mean and SD of "found", "dice", "sensitivity" or "length_mm" of a region over the cases that have it."""
        return _figure([
            getattr(region, figure) for scores in self.scored for region in scores.by_region
            if (region.kind, region.name) == (kind, name)
        ])

    @property
    def roc_auc(self) -> Figure:
        return _figure([s.roc_auc for s in self.scored if s.roc_auc is not None])

    def as_dict(self) -> dict:
        """Plain values for JSON: every case, and per tree mean, SD and count of every figure."""
        summary = {
            tree: {name: vars(self.figure(tree, name)) for name in FIGURES}
            for tree in ("left", "right", "total") if self._trees(tree)
        }
        return plain({
            "schema": 1,
            "cases": [
                {"name": c.name, "error": c.error or None, "scores": c.scores.as_dict() if c.scores else None}
                for c in self.cases
            ],
            "summary": summary | ({"roc_auc": vars(self.roc_auc)} if self.roc_auc.count else {}),
        })

    def _trees(self, tree: str) -> list[TreeScores]:
        return [t for t in (getattr(s, tree) for s in self.scored) if t is not None]


def evaluate_pairs(
    pairs: Sequence[Pair], *, anatomy: bool = False, progress: Progress | ProgressCallback | None = None
) -> Cohort:
    """Score pair after pair. One that cannot be read is kept with its error and does not stop the others.

    ``anatomy`` as in :func:`evaluate_pair`.
    """
    progress = as_progress(progress)
    cases = []
    for number, pair in enumerate(pairs):
        progress(number / len(pairs), pair.name)
        try:
            cases.append(Case(pair.name, evaluate_pair(pair, anatomy=anatomy)))
        except CoronarySegError as error:
            cases.append(Case(pair.name, None, str(error)))
    progress(1.0, "")
    return Cohort(tuple(cases))


def evaluate_pair(pair: Pair, *, anatomy: bool = False) -> Scores:
    """Read the files of one pair and score them. Raises InputError as the readers and ``evaluate`` do.

    ``anatomy`` follows and names the vessels of the truth where no file says them, some seconds a case: positions and
    branches are then scored as well. A truth that has no nameable vessels is warned of.
    """
    truth = read_labels(pair.truth)
    lines = read_centreline(pair.centrelines) if pair.centrelines else None
    named, warnings = None, ()
    if anatomy and (lines is None or lines.reach is None):
        named, warnings = named_centreline(truth)
    scores = evaluate(
        read_labels(pair.prediction),
        truth,
        probability=read_probability(pair.probability) if pair.probability else None,
        centrelines=lines,
        anatomy=named,
    )
    return replace(scores, warnings=(*scores.warnings, *warnings))


def _figure(values: list[float]) -> Figure:
    finite = np.array([v for v in values if v is not None and np.isfinite(v)], float)
    if len(finite) == 0:
        return Figure(float("nan"), float("nan"), 0)
    return Figure(float(finite.mean()), float(finite.std(ddof=1)) if len(finite) > 1 else 0.0, len(finite))


def _pooled(shares: list[tuple[RadiusShare, ...]]) -> tuple[RadiusShare, ...]:
    pooled = []
    for bins in zip(*shares, strict=True):
        length = sum(b.length_mm for b in bins)
        hit = sum(b.length_mm * b.share for b in bins if b.length_mm > 0)
        pooled.append(RadiusShare(bins[0].from_mm, bins[0].to_mm, length, hit / length if length else float("nan")))
    return tuple(pooled)
