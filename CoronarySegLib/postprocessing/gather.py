"""Which pieces of the foreground are the two trees, which belong to them, and which go.

With the coarse left and right priors a root is the piece that overlaps its prior most; without them the two largest
pieces are the roots, unless the second is a broken-off branch of the first. Every other piece is joined to a tree, kept
apart (tube-like and large and near, or so large that it is missed wherever it lies: its gap is too long to invent) or
dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from ..errors import EmptyResultError
from ..volume import Geometry, Volume
from .apart import Piece
from .boxes import points_of, ridge, sample, spacing_zyx
from .components import Pieces, pieces_of
from .options import PostOptions
from .reconnect import GapRule, fill_bridge, find_bridge
from .usual_contrast import UsualContrast, contrast_at

BRIDGED_FROM_MM3 = 1.0
"""Smaller specks are never bridged; they stay only where they touch a tree at an edge or a corner."""
BRANCH_SHARE = 0.25
"""Without priors, a piece under this share of the largest that can be bridged to it is its branch, no tree."""
PASSES = 3
PRIOR_PRESENT = 0.1
CLEAR_LEAN = 0.5
LUMP = 7.0
"""Volume over inscribed radius cubed: 4.2 for a ball, 8 for a tree of 4 mL with a leak of 20 mm into the aorta (kept:
it can be cut off), above 100 for a tree. Below this a piece is a chamber and no root."""
ALL_BUT_TOUCHING_MM = 1.6
"""Two voxels without lumen do not part a branch from its tree: what is held for a branch and comes this near is joined,
whatever the network says of the gap. Foreign pieces that were held for one stayed 1.8 mm away or more."""
IN_THE_MIDDLE = 0.5
"""Mean prior in a piece from which it lies in the middle of a coarse tree, not at its rim."""
SEEN_THROUGH_MM = 5.5
"""What is held for a branch in the middle of the prior is joined over so much, whatever the network says of the gap."""
MAIN_PART_MM3 = 200.0
"""Volume from which a piece in the middle of the prior is kept at any distance: 3 cm of a vessel of 3 mm."""


@dataclass
class Gathered:
    """``tree`` (z, y, x) uint8: 0, or 1 for the first root and what belongs to it, 2 for the second."""

    tree: np.ndarray
    roots: int
    found: int = 0
    dropped: int = 0
    reconnected: int = 0
    kept_apart: int = 0


@dataclass(frozen=True)
class Priors:
    """Coarse probability of the left and the right tree, on any grid."""

    left: Volume
    right: Volume

    def at(self, geometry: Geometry, index_zyx: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Left and right prior, each (n,), at array indices (n, 3) of ``geometry``."""
        points = points_of(geometry, index_zyx)
        return sample(self.left, points), sample(self.right, points)


def gather(
    field: np.ndarray, threshold: float, geometry: Geometry, priors: Priors | None, options: PostOptions,
    ct_hu: np.ndarray | None = None, vein: np.ndarray | None = None,
) -> Gathered:
    """Assign the pieces of ``field >= threshold`` to one or two roots; bridges are written into ``field`` in place.

    ``ct_hu`` and ``vein``, a probability, (z, y, x) on the grid of ``field`` tell bits of a chamber and veins from
    branches that hang on nothing.

    Raises EmptyResultError when the largest piece is smaller than a piece of a coronary tree.
    """
    pieces = pieces_of(field >= threshold, geometry.voxel_mm3)
    if not len(pieces) or pieces.volumes_mm3[0] < options.minimum_tree_mm3:
        largest = float(pieces.volumes_mm3[0]) if len(pieces) else 0.0
        raise EmptyResultError(
            f"No coronary tree was found: the largest connected piece has {largest:.0f} mm³ of at least "
            f"{options.minimum_tree_mm3:.0f}. Check that the volume is a contrast CT of the heart."
        )
    leans = _leans(pieces, geometry, priors)
    work = _Work(field, threshold, geometry, options, pieces, leans, ct_hu, vein)
    roots = work.roots_by_prior() if priors is not None else work.roots_by_size()
    for number, root in enumerate(roots, 1):
        work.claim(root, number)
    work.join_fragments()
    if work.keep_large_ones():
        work.join_fragments()
    work.result.roots = len(roots)
    work.result.dropped = len(work.left_over)
    return work.result


def _leans(pieces: Pieces, geometry: Geometry, priors: Priors | None) -> np.ndarray:
    """(k, 3): prior mass left, right and mean of the larger prior for each piece; NaN without priors."""
    leans = np.full((len(pieces), 3), np.nan)
    if priors is None or not len(pieces):
        return leans
    sizes = [len(p) for p in pieces.index_zyx]
    left, right = priors.at(geometry, np.concatenate(pieces.index_zyx))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    leans[:, 0] = np.add.reduceat(left, starts)
    leans[:, 1] = np.add.reduceat(right, starts)
    leans[:, 2] = np.add.reduceat(np.maximum(left, right), starts) / sizes
    return leans


class _Work:
    """The state of one gathering: which pieces are still free, and the trees so far."""

    def __init__(self, field, threshold, geometry, options: PostOptions, pieces: Pieces, leans, ct_hu, vein):
        self.ct_hu, self.vein = ct_hu, vein
        self.field, self.threshold, self.options, self.pieces, self.leans = field, threshold, options, pieces, leans
        self.spacing = spacing_zyx(geometry)
        self.result = Gathered(np.zeros(field.shape, np.uint8), 0, found=len(pieces))
        self.left_over = set(range(len(pieces)))
        self.root_of: dict[int, int] = {}
        self.rule = GapRule(options.maximum_gap_mm, options.minimum_path_probability)

    def claim(self, piece: int, number: int) -> None:
        index = self.pieces.index_zyx[piece]
        self.result.tree[tuple(index.T)] = number
        self.left_over.discard(piece)
        self.root_of.setdefault(number, piece)

    def roots_by_prior(self) -> list[int]:
        large = np.flatnonzero(self.pieces.volumes_mm3 >= self.options.minimum_tree_mm3)
        large = large[self.leans[large, 2] >= PRIOR_PRESENT]
        large = np.array([piece for piece in large if not self._is_lump(piece)], int)
        if not large.size:
            return self.roots_by_size()
        roots = []
        for side in (0, 1):
            mass = self.leans[large, side]
            best = int(np.argmax(mass))
            share = mass[best] / max(self.leans[:, side].sum(), 1e-6)
            if mass[best] > 0 and share > 0.05 and int(large[best]) not in roots:
                roots.append(int(large[best]))
        return roots or self.roots_by_size()

    def roots_by_size(self) -> list[int]:
        volumes = self.pieces.volumes_mm3
        large = [p for p in range(min(len(volumes), 10)) if volumes[p] >= self.options.minimum_tree_mm3]
        vessels = [piece for piece in large if not self._is_lump(piece)]
        if not vessels:
            raise EmptyResultError(
                "What was found has the shape of a chamber, not of a coronary tree. Check that the volume is a "
                "contrast CT of the heart; otherwise try another model."
            )
        first = vessels[0]
        tree = np.zeros(self.field.shape, np.uint8)
        tree[tuple(self.pieces.index_zyx[first].T)] = 1
        tree_points = cKDTree(self.pieces.index_zyx[first] * self.spacing)
        for piece in vessels[1:]:
            is_branch = volumes[piece] < BRANCH_SHARE * volumes[first] and find_bridge(
                self.field, tree, 1, self.pieces.index_zyx[piece], tree_points, self.spacing, self.rule
            )
            if not is_branch:
                return [first, piece]
        return [first]

    def join_fragments(self) -> None:
        """Nearest first would need a queue; passes over the free pieces reach chains of fragments as well."""
        voxel_mm = float(np.linalg.norm(self.spacing)) * 1.01
        for _ in range(PASSES):
            joined = 0
            trees = {n: cKDTree(np.argwhere(self.result.tree == n) * self.spacing) for n in self.root_of}
            for piece in sorted(self.left_over):
                joined += self._join(piece, trees, voxel_mm)
            if not joined:
                return

    def _join(self, piece: int, trees: dict[int, cKDTree], voxel_mm: float) -> bool:
        index = self.pieces.index_zyx[piece]
        reach = self.options.maximum_gap_mm if self.options.reconnect else voxel_mm
        gaps = {
            number: float(tree.query(index * self.spacing, distance_upper_bound=reach)[0].min())
            for number, tree in trees.items()
            if not self._contradicts(piece, number)
        }
        near = sorted((n for n in gaps if np.isfinite(gaps[n])), key=gaps.get)
        if near and self._is_foreign(piece):
            return False
        for number in near:
            if gaps[number] <= voxel_mm and self.pieces.volumes_mm3[piece] < BRIDGED_FROM_MM3:
                self.claim(piece, number)
                return True
            if not self.options.reconnect or self.pieces.volumes_mm3[piece] < BRIDGED_FROM_MM3:
                continue
            if self._bridged(piece, number, trees[number], self.rule):
                return True
        return False

    def _bridged(self, piece: int, number: int, tree: cKDTree, rule: GapRule) -> bool:
        index = self.pieces.index_zyx[piece]
        bridge = find_bridge(self.field, self.result.tree, number, index, tree, self.spacing, rule)
        if bridge is None:
            return False
        added = fill_bridge(self.field, bridge, self.threshold, self.spacing)
        free = self.result.tree[tuple(added.T)] == 0
        self.result.tree[tuple(added[free].T)] = number
        self.claim(piece, number)
        self.result.reconnected += 1
        return True

    def keep_large_ones(self) -> bool:
        """What no bridge reached but is too large, too certain and too tube-like to be thrown away: joined where it all
        but touches a tree, or comes near it in the middle of the prior; kept apart otherwise.

        True when one of them lies where the prior sees nothing: a part of the tree was lost there, and there is more
        to join to it.
        """
        unseen = False
        trees = {n: cKDTree(np.argwhere(self.result.tree == n) * self.spacing) for n in self.root_of}
        for number in sorted(self.left_over):
            piece = self._piece(number)
            if piece.volume_mm3 < self.options.minimum_fragment_mm3:
                break
            gaps = {
                n: float(tree.query(piece.index_zyx * self.spacing)[0].min())
                for n, tree in trees.items() if not self._contradicts(number, n)
            }
            nearest = min(gaps, key=gaps.get, default=None)
            if nearest is None or (gaps[nearest] > self.options.far_mm and not self._is_main_part(number)):
                continue
            if not piece.looks_like_branch(self._is_seen(number)) or piece.is_dim(self._usual_contrast):
                continue
            if not self._bridged_when_near(number, nearest, gaps[nearest], trees[nearest]):
                self.claim(number, nearest)
                self.result.kept_apart += 1
            unseen |= not self._is_seen(number)
        return unseen

    def _bridged_when_near(self, piece: int, number: int, gap_mm: float, tree: cKDTree) -> bool:
        in_the_middle = self.leans[piece, 2] >= IN_THE_MIDDLE
        reach_mm = SEEN_THROUGH_MM if in_the_middle else ALL_BUT_TOUCHING_MM
        near = self.options.reconnect and gap_mm <= reach_mm
        return near and self._bridged(piece, number, tree, GapRule(reach_mm, None))

    def _is_foreign(self, piece: int) -> bool:
        """Large, where the prior sees nothing, and no branch by its looks: no bridge may lead to it."""
        if self._is_seen(piece) or self.pieces.volumes_mm3[piece] < self.options.minimum_fragment_mm3:
            return False
        return not self._piece(piece).looks_like_branch(seen=False)

    @cached_property
    def _usual_contrast(self) -> UsualContrast | None:
        """Of the trees as they are when it is first asked for: roots with all that a bridge reached."""
        if self.ct_hu is None:
            return None
        index, depth_mm = ridge(self.result.tree > 0, self.spacing)
        return UsualContrast.of(depth_mm, contrast_at(self.ct_hu, index))

    def _is_main_part(self, piece: int) -> bool:
        """So large and so well seen by the prior that it is missed wherever it lies: more than a branch was cut off."""
        return self.pieces.volumes_mm3[piece] >= MAIN_PART_MM3 and self.leans[piece, 2] >= IN_THE_MIDDLE

    def _is_seen(self, piece: int) -> bool:
        """The prior has something here, or there is no prior."""
        return not self.leans[piece, 2] < PRIOR_PRESENT

    def _is_lump(self, piece: int) -> bool:
        return self.pieces.volumes_mm3[piece] < LUMP * self._piece(piece).inscribed_mm ** 3

    def _piece(self, number: int) -> Piece:
        index, volume_mm3 = self.pieces.index_zyx[number], float(self.pieces.volumes_mm3[number])
        return Piece(index, volume_mm3, self.field, self.spacing, self.ct_hu, self.vein)

    def _contradicts(self, piece: int, number: int) -> bool:
        """The priors clearly put the piece on one side and the root on the other."""
        return _lean(self.leans[piece]) * _lean(self.leans[self.root_of[number]]) < 0


def _lean(masses: np.ndarray) -> int:
    """+1 clearly left, -1 clearly right, 0 unclear or no prior."""
    left, right, present = masses
    if not present >= PRIOR_PRESENT:
        return 0
    lean = (left - right) / max(left + right, 1e-6)
    return int(np.sign(lean)) if abs(lean) >= CLEAR_LEAN else 0
