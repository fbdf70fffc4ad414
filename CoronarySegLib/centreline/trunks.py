"""Which ways through the trees are the trunks: LAD, LCx and RCA, and with them the heart's frame.

Every pair of ways of the left tree is one reading of it (this is the LAD, that the LCx); each reading gets a score out
of anatomy alone: the LAD comes down to the apex in front, the LCx stays in the groove and goes farthest round to the
left, they part soon after the ostium and both are wide. The scores of all readings together say how sure each branch
is. The RCA is the way that goes farthest round to the right in its groove. Frame and trunks are found in turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .heart_frame import HeartFrame, fitted_frame, rough_frame
from .paths import GROOVE_MM, Path, main_stem, path_along, paths_to_leaves
from .tree import CentrelineTree

ROUNDS = 3
SHARPNESS = 0.09
"""Readings whose scores differ by this much differ e-fold in trust."""
LM_MM, LM_SPREAD_MM = 14.0, 20.0
SHORTEST_LCX_MM = 12.0
ROUND_DEG = 125.0
"""So far round lies the crux; beyond it a trunk turns into branches that lie on the muscle, not in the groove."""


@dataclass(frozen=True)
class LeftTrunks:
    """``lm`` ends at the bifurcation; ``lad`` and ``lcx`` start behind it. Empty where there is none.
    ``confidence`` (branches,) of the trunk a branch belongs to."""

    lm: tuple[int, ...]
    lad: tuple[int, ...]
    lcx: tuple[int, ...]
    confidence: np.ndarray


@dataclass(frozen=True)
class RightTrunk:
    """``rca`` from the ostium to the end of the way in the groove; ``confidence`` (branches,)."""

    rca: tuple[int, ...]
    confidence: np.ndarray


def find_trunks(
    left: CentrelineTree | None, right: CentrelineTree | None
) -> tuple[HeartFrame, LeftTrunks | None, RightTrunk | None]:
    """The frame and the trunks of whichever trees there are."""
    rough = rough_frame(left, right)
    frame = rough
    if right is not None:
        stem = path_along(right, main_stem(right, 0), rough)
        near = stem.points_lps_mm[stem.arc_mm < 110.0]
        frame = fitted_frame(rough, near, np.ones(len(near)))
    for _ in range(ROUNDS):
        left_trunks = None if left is None else _left_trunks(left, frame)
        right_trunk = None if right is None else _right_trunk(right, frame)
        ring = _ring(left, left_trunks, right, right_trunk, frame)
        frame = fitted_frame(rough, ring, np.ones(len(ring)))
    return frame, left_trunks, right_trunk


def _left_trunks(tree: CentrelineTree, frame: HeartFrame) -> LeftTrunks:
    paths = paths_to_leaves(tree, frame)
    count = len(tree.branches)
    if len(paths) == 1:
        return LeftTrunks((), paths[0].branches, (), np.full(count, 0.4))
    on_way = np.zeros((len(paths), count), bool)
    for row, path in zip(on_way, paths, strict=True):
        row[list(path.branches)] = True
    lengths = np.array([b.length_mm for b in tree.branches])
    shared = (on_way * lengths) @ on_way.T  # length that two ways have in common: the left main of that reading
    lad, lcx = _lad_scores(paths), _lcx_scores(paths)
    score = lad[:, None] + lcx[None, :] - np.maximum(shared - LM_MM, 0.0) / LM_SPREAD_MM
    own = np.array([p.length_mm for p in paths])[None, :] - shared
    score = np.where(own < SHORTEST_LCX_MM, -np.inf, score)
    np.fill_diagonal(score, -np.inf)
    score += _parting(paths, on_way)
    if not np.isfinite(score).any():
        best = int(np.argmax(lad))
        return LeftTrunks((), paths[best].branches, (), np.full(count, 0.4))
    trust = np.exp((score - score.max()) / SHARPNESS)
    trust /= trust.sum()
    i, j = np.unravel_index(int(np.argmax(score)), score.shape)
    lm = tuple(b for b in paths[i].branches if on_way[j, b])
    lad_way = tuple(b for b in paths[i].branches if not on_way[j, b])
    lcx_way = tuple(b for b in paths[j].branches if not on_way[i, b])
    confidence = np.zeros(count)
    both = on_way[:, None, :] & on_way[None, :, :]
    for branches, holds in (
        (lm, both), (lad_way, on_way[:, None, :] & ~on_way[None, :, :]),
        (lcx_way, ~on_way[:, None, :] & on_way[None, :, :]),
    ):
        for b in branches:
            confidence[b] = (trust * holds[:, :, b]).sum()
    return LeftTrunks(lm, lad_way, lcx_way, confidence * _plausible(lad[i], lcx[j]))


def _lad_scores(paths: list[Path]) -> np.ndarray:
    """How much each way looks like the LAD: down to the apex, in front (smallest angle of those that get there), wide,
    on its own all the way."""
    height = np.array([p.height_mm.max() for p in paths])
    tallest = max(float(height.max()), 30.0)
    middle = np.array([_angle_between(p, 0.3 * tallest, 0.7 * tallest) for p in paths])
    arrives = height > 0.6 * tallest
    front = np.nanmin(np.where(arrives, middle, np.nan)) if np.isfinite(middle[arrives]).any() else 0.0
    aside = np.nan_to_num(np.clip(middle - front, 0.0, 90.0), nan=90.0)
    calibre = np.array([_calibre(p, 20.0, 70.0) for p in paths])
    return height / tallest - aside / 70.0 + 0.4 * calibre / calibre.max()


def _lcx_scores(paths: list[Path]) -> np.ndarray:
    """How much each way looks like the LCx: how far it goes round to the left before it leaves the groove."""
    scores = []
    for path in paths:
        stop = max(path.first_leaving(), 1)
        farthest = float(path.angle_deg[:stop].max())
        beyond = max(float(path.height_mm[-1]) - GROOVE_MM, 0.0)
        scores.append(min(farthest, 200.0) / 80.0 - 0.3 * beyond / 50.0)
    return np.array(scores)


def _parting(paths: list[Path], on_way: np.ndarray) -> np.ndarray:
    """Both trunks are wide where they part: bonus (n, n) of the narrower one's calibre against the widest there is."""
    count = len(paths)
    bonus = np.zeros((count, count))
    widest = max(float(np.median(p.radius_mm[p.arc_mm < 40.0])) for p in paths)
    for i in range(count):
        for j in range(count):
            if i == j:
                continue
            own = ~on_way[i][paths[j].branch]
            first = np.flatnonzero(own)
            if not len(first):
                continue
            start = first[0]
            a = float(np.median(paths[j].radius_mm[start : start + 10]))
            b = float(np.median(paths[i].radius_mm[start : start + 10]))
            bonus[i, j] = 0.8 * min(a, b, widest) / widest
    return bonus


def _right_trunk(tree: CentrelineTree, frame: HeartFrame) -> RightTrunk:
    paths = paths_to_leaves(tree, frame)
    scores = []
    for path in paths:
        stop = max(path.first_leaving(), 1)
        inside = path.angle_deg[:stop]
        gone = float(inside[0] - inside.min()) if path.reach_mm[:stop].max() > 12.0 else 0.0
        scores.append(min(gone, 230.0) / 80.0 + 0.3 * _calibre(path, 0.0, 200.0) / 1.5)
    score = np.array(scores)
    trust = np.exp((score - score.max()) / SHARPNESS)
    trust /= trust.sum()
    best = paths[int(np.argmax(score))]
    confidence = np.zeros(len(tree.branches))
    for path, share in zip(paths, trust, strict=True):
        confidence[list(path.branches)] += share
    away = float(best.angle_deg[: max(best.first_leaving(), 1)].min() - best.angle_deg[0])
    return RightTrunk(best.branches, confidence * np.clip(-away / 50.0, 0.3, 0.97))


def _ring(left, left_trunks, right, right_trunk, frame: HeartFrame) -> np.ndarray:
    """Points of the trunks while they run in the grooves (n, 3)."""
    parts = [np.zeros((0, 3))]
    ways = []
    if right_trunk is not None:
        ways.append(path_along(right, right_trunk.rca, frame))
    if left_trunks is not None and left_trunks.lcx:
        ways.append(path_along(left, left_trunks.lcx, frame))
    for way in ways:
        # The trunks stray from the present plane while it is still rough, so they are followed a little farther.
        gone_deg = np.abs(way.angle_deg - way.angle_deg[0])
        outside = np.flatnonzero((way.height_mm > 1.3 * GROOVE_MM) | (gone_deg > ROUND_DEG))
        stop = int(outside[0]) if len(outside) else len(way.arc_mm)
        parts.append(way.points_lps_mm[: max(stop, 8)])
    return np.concatenate(parts)


def _angle_between(path: Path, low_mm: float, high_mm: float) -> float:
    part = (path.height_mm > low_mm) & (path.height_mm < high_mm)
    return float(np.median(path.angle_deg[part])) if part.sum() >= 3 else float("nan")


def _calibre(path: Path, start_mm: float, stop_mm: float) -> float:
    part = (path.arc_mm >= start_mm) & (path.arc_mm <= stop_mm)
    return float(np.mean(path.radius_mm[part])) if part.any() else 0.1


def _plausible(lad: float, lcx: float) -> float:
    """A reading can be the best there is and yet not good: an LCx that hardly goes round, an LAD that hides aside."""
    return float(np.clip(0.35 + 0.65 * min(lad / 1.0, lcx / 1.0), 0.2, 0.97))
