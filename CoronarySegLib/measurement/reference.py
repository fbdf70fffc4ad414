"""The healthy diameter a stenosis is compared with, fitted over the whole tree at once.

Between junctions a healthy artery tapers slowly, at junctions it steps down, and it never widens on its way (Dodge et
al., Circulation 1992). So the reference is a piecewise linear curve on every branch that may only fall, no faster than
a healthy taper, and a daughter starts no wider than its mother ends. Below that it follows the measured lumen as a
quantile regression (Koenker and Bassett 1978): first the upper quartile, then the median of what the first fit calls
healthy, so that a lesion does not pull its own reference down and an ectasia does not lift it. A short stretch that is
diseased throughout is lifted by what follows it, and where nothing healthy is left by the bifurcation law
D_m^k = sum D_i^k. All of it is one small linear programme.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.ndimage import uniform_filter1d
from scipy.optimize import linprog

from ..centreline import CentrelineTree
from .options import MeasurementOptions
from .sampling import BranchSamples

KNOT_MM = 20.0
LEAST_DIAMETER_MM = 0.4
LAW_WEIGHT_MM = 3.0
"""The bifurcation law weighs as much as this length of measured lumen: it decides only where little is measured."""
FALL_WEIGHT_MM = 1.0
BEND_WEIGHT_MM2 = 40.0
"""Prices of falling and of changing the taper; they hold the curve where a lesion reaches the end of a vessel."""
LEAST_OWN_MM = 1.0
"""A branch with less measurable length than this, all junction and end, is held by what is measured in these."""
DISEASED_BELOW, WIDENED_ABOVE, RECOVERED = 0.82, 1.25, 0.95
ROUNDS = 4


def healthy_reference(
    tree: CentrelineTree, samples: Sequence[BranchSamples], diameters_mm: Sequence[np.ndarray],
    options: MeasurementOptions,
) -> tuple[np.ndarray, ...] | None:
    """Reference diameter (mm) at every sample of every branch; None where no diameter was measured anywhere.

    ``diameters_mm`` holds one array a branch, on the steps of ``samples``; NaN and vanishing ones count as not
    measured, and so do junctions and free ends.
    """
    fit = _TreeFit(tree, samples, diameters_mm, options)
    if not fit.usable.any():
        return None
    nodes = fit.start()
    healthy = fit.usable
    for number in range(ROUNDS):
        nodes = fit.solved(healthy, 0.75 if number == 0 else 0.5, nodes)
        marked = fit.healthy(nodes)
        if number and np.array_equal(marked, healthy):
            break
        healthy = marked
    return fit.split(fit.basis @ nodes)


class _TreeFit:
    """The linear programme of one tree. Unknowns are the reference diameters at the knots of every branch."""

    def __init__(self, tree, samples, diameters_mm, options):
        self.tree, self.options = tree, options
        self.counts = [len(s.arc_mm) for s in samples]
        self.measured = np.concatenate(diameters_mm)
        usable, weights_mm = [], []
        for sample, diameter in zip(samples, diameters_mm, strict=True):
            used = _used(sample, diameter, options)
            usable.append(used)
            length_mm = max(used.sum() * sample.step_mm, 2.0 * LEAST_OWN_MM)
            weights_mm.append(np.full(len(used), length_mm / max(used.sum(), 1)))
        self.usable, self.weight_mm = np.concatenate(usable), np.concatenate(weights_mm)
        spans = [max(1, round(s.arc_mm[-1] / KNOT_MM)) for s in samples]
        firsts = np.r_[0, np.cumsum([count + 1 for count in spans])]
        self.node_count = int(firsts[-1])
        self.first, self.last = firsts[:-1], firsts[1:] - 1
        self.knot_mm = [s.arc_mm[-1] / count for s, count in zip(samples, spans, strict=True)]
        self.basis = sparse.block_diag(
            [_hats(s.arc_mm, count) for s, count in zip(samples, spans, strict=True)], format="csr"
        )

    def start(self) -> np.ndarray:
        """A first guess of the knots, for the law: the upper quartile of each branch."""
        nodes, everywhere = np.empty(self.node_count), np.quantile(self.measured[self.usable], 0.75)
        for branch, used in enumerate(np.split(self.usable, np.cumsum(self.counts)[:-1])):
            own = np.split(self.measured, np.cumsum(self.counts)[:-1])[branch][used]
            level = np.quantile(own, 0.75) if len(own) else everywhere
            nodes[self.first[branch] : self.last[branch] + 1] = level
        return nodes

    def solved(self, use: np.ndarray, quantile: float, around: np.ndarray) -> np.ndarray:
        """Knots that minimise the weighted quantile loss over ``use`` and the prices; the law linearised ``around``."""
        rows = np.flatnonzero(use)[:: max(1, round(0.5 / self.options.step_mm))]
        thinned = self.weight_mm[rows] * max(1, round(0.5 / self.options.step_mm))
        laws, bends, falls = self._laws(around), self._bends(), self._steps()
        upper, upper_limit = self._limits()
        soft = sparse.vstack([self.basis[rows], laws, bends], format="csr")
        count = soft.shape[0]
        over = np.r_[(1 - quantile) * thinned, np.full(laws.shape[0], LAW_WEIGHT_MM),
                     np.full(bends.shape[0], BEND_WEIGHT_MM2)]
        under = np.r_[quantile * thinned, over[len(rows) :]]
        fall_price = FALL_WEIGHT_MM * np.asarray(falls.sum(axis=0)).ravel()
        answer = linprog(
            np.r_[fall_price, over, under],
            A_ub=sparse.hstack([upper, sparse.csr_matrix((upper.shape[0], 2 * count))], format="csr"),
            b_ub=upper_limit,
            A_eq=sparse.hstack([soft, -sparse.eye(count), sparse.eye(count)], format="csr"),
            b_eq=np.r_[self.measured[rows], np.zeros(count - len(rows))],
            bounds=[(LEAST_DIAMETER_MM, None)] * self.node_count + [(0, None)] * (2 * count),
            method="highs",
        )
        # A constant curve always fits the limits, so only a solver's own failure keeps the last round.
        return answer.x[: self.node_count] if answer.status == 0 else around

    def healthy(self, nodes: np.ndarray) -> np.ndarray:
        """Usable samples that belong to no narrowing (up to where it recovers) and no widening."""
        share = self.measured / np.maximum(self.basis @ nodes, LEAST_DIAMETER_MM)
        kept = []
        for part, used in zip(self.split(share), self.split(self.usable), strict=True):
            smooth = uniform_filter1d(np.nan_to_num(part, nan=1.0), 5, mode="nearest")
            low = _grown(smooth < DISEASED_BELOW, smooth < RECOVERED)
            high = _grown(smooth > WIDENED_ABOVE, smooth > 2.0 - RECOVERED)
            if (used & ~high).any():  # a branch that is "widened" throughout simply is that wide
                low |= high
            kept.append(used & ~low)
        marked = np.concatenate(kept)
        return marked if marked.any() else self.usable

    def split(self, values: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(np.split(values, np.cumsum(self.counts)[:-1]))

    def _steps(self) -> sparse.csr_matrix:
        """Falls from knot to knot within a branch."""
        pairs = [(i, i + 1) for a, b in zip(self.first, self.last, strict=True) for i in range(a, b)]
        return self._rows([((i, 1.0), (j, -1.0)) for i, j in pairs])

    def _limits(self) -> tuple[sparse.csr_matrix, np.ndarray]:
        """Never wider downstream, nor narrower faster than a healthy taper."""
        falls = self._steps()
        steepest = np.concatenate(
            [np.full(b - a, self.options.steepest_taper * mm)
             for a, b, mm in zip(self.first, self.last, self.knot_mm, strict=True)]
        )
        junctions = self._rows(
            [((self.first[i], 1.0), (self.last[branch.parent], -1.0))
             for i, branch in enumerate(self.tree.branches) if branch.parent >= 0]
        )
        return (
            sparse.vstack([-falls, falls, junctions], format="csr"),
            np.r_[np.zeros(falls.shape[0]), steepest, np.zeros(junctions.shape[0])],
        )

    def _bends(self) -> sparse.csr_matrix:
        """Changes of taper from one stretch of a branch to the next."""
        rows = []
        for a, b, mm in zip(self.first, self.last, self.knot_mm, strict=True):
            rows += [((i - 1, 1.0 / mm), (i, -2.0 / mm), (i + 1, 1.0 / mm)) for i in range(a + 1, b)]
        return self._rows(rows)

    def _laws(self, around: np.ndarray) -> sparse.csr_matrix:
        """Mother minus what the law makes of its daughters. The law is homogeneous, so its linear form has no rest."""
        rows, k = [], self.options.law_exponent
        for mother, daughters in enumerate(self.tree.children):
            if len(daughters) < 2:
                continue
            widths = np.maximum(around[self.first[list(daughters)]], LEAST_DIAMETER_MM)
            shares = (widths / (widths**k).sum() ** (1.0 / k)) ** (k - 1.0)
            made_of = ((self.first[d], -share) for d, share in zip(daughters, shares, strict=True))
            rows.append(((self.last[mother], 1.0), *made_of))
        return self._rows(rows)

    def _rows(self, rows: list[tuple[tuple[int, float], ...]]) -> sparse.csr_matrix:
        matrix = sparse.lil_matrix((len(rows), self.node_count))
        for number, row in enumerate(rows):
            for column, value in row:
                matrix[number, column] = value
        return matrix.tocsr()


def _used(sample: BranchSamples, diameter: np.ndarray, options: MeasurementOptions) -> np.ndarray:
    """Samples of a branch that speak for its healthy lumen."""
    present = np.isfinite(diameter) & (diameter > options.occluded_below_mm)
    own = present & ~sample.junction & ~sample.free_end
    if own.sum() * sample.step_mm >= LEAST_OWN_MM:
        return own
    inner = present & ~sample.free_end
    return inner if inner.any() else present


def _hats(arc_mm: np.ndarray, spans: int) -> sparse.csr_matrix:
    """Linear interpolation from ``spans`` + 1 even knots to ``arc_mm``."""
    place = np.clip(arc_mm / arc_mm[-1] * spans, 0.0, spans)
    left = np.minimum(place.astype(int), spans - 1)
    share, row = place - left, np.arange(len(arc_mm))
    return sparse.csr_matrix(
        (np.r_[1.0 - share, share], (np.r_[row, row], np.r_[left, left + 1])), shape=(len(arc_mm), spans + 1)
    )


def _grown(seeds: np.ndarray, region: np.ndarray) -> np.ndarray:
    """The runs of ``region`` that hold a seed."""
    edges = np.flatnonzero(np.diff(np.r_[False, region, False].astype(int)))
    result = np.zeros(len(seeds), bool)
    for a, b in edges.reshape(-1, 2):
        if seeds[a:b].any():
            result[a:b] = True
    return result
