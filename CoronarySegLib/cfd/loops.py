"""Voxels of a lumen without loops: blood has one way to each place of a coronary tree.

Two faults make loops. A pinhole in the lumen, which is filled; and two vessels that touch, which are cut apart where
their walls meet. What is neither, a long stretch of two vessels in one, stays and shows in the report's Euler number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.measure import euler_number

from ..volume import Geometry
from .ruler import Ruler

CLOSINGS_VOXELS = (1, 2)
FAR_RADII = 1.5
"""Places may be of two vessels when the way between them along the tree is longer than this times both radii."""
LONGEST_CONTACT_RADII = 8.0
"""A longer contact is no touch but two vessels drawn as one; a cut would halve both."""
SMALLEST_PIECE = 10
_HALF_OFFSETS = [o for o in np.ndindex(3, 3, 3) if o > (1, 1, 1)]


@dataclass(frozen=True)
class Unlooped:
    """``inside`` (z, y, x) bool; ``filled`` and ``cut``: the voxels that were added and taken away."""

    inside: np.ndarray
    filled: np.ndarray
    cut: np.ndarray


def without_loops(inside: np.ndarray, geometry: Geometry, ruler: Ruler) -> Unlooped:
    """``inside`` (z, y, x) bool with pinholes filled and touching vessels cut apart."""
    filled = _pinholes(inside)
    solid = inside | filled
    cut = _contacts(solid, geometry, ruler)
    return Unlooped(solid & ~cut, filled, cut)


def _pinholes(inside: np.ndarray) -> np.ndarray:
    """Voxels whose filling closes a cavity or a tunnel: Euler's number rises by them."""
    added = np.zeros(inside.shape, bool)
    for voxels in CLOSINGS_VOXELS:
        ball = ndimage.iterate_structure(ndimage.generate_binary_structure(3, 1), voxels)
        solid = inside | added
        wide = np.pad(solid, voxels + 1)
        closed = ndimage.binary_closing(wide, ball)[tuple(slice(voxels + 1, -voxels - 1) for _ in range(3))]
        parts, _ = ndimage.label(closed & ~solid, np.ones((3, 3, 3)))
        for number, box in enumerate(ndimage.find_objects(parts), start=1):
            near = _near(box)
            before = np.pad(inside[near] | added[near], 1)
            part = np.pad(parts[near] == number, 1)
            if _handles(before | part) < _handles(before):
                added[near] |= parts[near] == number
    return added


def _near(box: tuple[slice, slice, slice]) -> tuple[slice, slice, slice]:
    """Euler's number is a sum over neighbourhoods: what changes, changes within a voxel of the part in ``box``."""
    return tuple(slice(max(s.start - 2, 0), s.stop + 2) for s in box)


def _handles(inside: np.ndarray) -> int:
    return -int(euler_number(inside, connectivity=3))


def _contacts(inside: np.ndarray, geometry: Geometry, ruler: Ruler) -> np.ndarray:
    """Voxels between places that are far from each other along the tree."""
    index = np.argwhere(inside)
    centres = geometry.points_lps(index[:, ::-1])
    place_of = ruler.place_of(centres)
    place = np.full(np.add(inside.shape, 2), -1)
    inner = tuple(slice(1, -1) for _ in range(3))
    place[inner][tuple(index.T)] = place_of
    depth = np.full(place.shape, np.inf)
    offset = ((centres - ruler.places_mm[place_of]) ** 2).sum(1)
    depth[inner][tuple(index.T)] = offset - ruler.radius_mm[place_of] ** 2
    at = index + 1
    cut = np.zeros(place.shape, bool)
    pairs, voxels = [], []
    for offset in _HALF_OFFSETS:
        other = at + np.array(offset) - 1
        theirs = place[tuple(other.T)]
        rows = np.flatnonzero((theirs >= 0) & (theirs != place_of))
        ours, theirs = place_of[rows], theirs[rows]
        far = _way_mm(ruler, ours, theirs) > FAR_RADII * (ruler.radius_mm[ours] + ruler.radius_mm[theirs])
        rows, ours, theirs = rows[far], ours[far], theirs[far]
        # The one nearer to its vessel's wall goes.
        first = depth[tuple(at[rows].T)] > depth[tuple(other[rows].T)]
        voxels.append(np.where(first[:, None], at[rows], other[rows]))
        pairs.append(np.stack([ours, theirs], axis=1))
    pairs, voxels = np.concatenate(pairs), np.concatenate(voxels)
    short = _short_contacts(ruler, pairs)
    cut[tuple(voxels[short].T)] = True
    return _opening(inside, cut[inner])


def _opening(inside: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """The parts of ``candidates`` whose removal opens a loop; between daughters near their junction none does.

    Euler's number rises too when a part holds two pieces together. Those stay: a vessel must not be cut through.
    """
    cut = np.zeros(inside.shape, bool)
    parts, count = ndimage.label(candidates, np.ones((3, 3, 3)))
    if not count:
        return cut
    pieces = _Pieces(inside)
    whole = pieces.count(cut)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        near = _near(box)
        before = np.pad(inside[near] & ~cut[near], 1)
        part = np.pad(parts[near] == number, 1)
        if _handles(before & ~part) < _handles(before):
            cut[near] |= parts[near] == number
            if pieces.count(cut) > whole:
                cut[near] &= parts[near] != number
    return cut


class _Pieces:
    """Connected pieces (by corners) of a sparse mask with some voxels taken away; the neighbours are listed once."""

    def __init__(self, inside: np.ndarray):
        self._index = np.argwhere(inside)
        number = np.full(np.add(inside.shape, 2), -1)
        at = self._index + 1
        number[tuple(at.T)] = np.arange(len(at))
        others = [number[tuple((at + np.array(offset) - 1).T)] for offset in _HALF_OFFSETS]
        rows, columns = np.tile(np.arange(len(at)), len(others)), np.concatenate(others)
        self._pairs = np.stack([rows, columns])[:, columns >= 0]

    def count(self, removed: np.ndarray) -> int:
        """Pieces of at least ``SMALLEST_PIECE`` voxels."""
        stays = ~removed[tuple(self._index.T)]
        rows, columns = self._pairs[:, stays[self._pairs].all(0)]
        graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(stays), len(stays)))
        _, piece = connected_components(graph, directed=False)
        return int((np.bincount(piece[stays]) >= SMALLEST_PIECE).sum())


def _short_contacts(ruler: Ruler, pairs: np.ndarray) -> np.ndarray:
    """True for contacts (k,) of two branches over a stretch short enough to be a touch."""
    branches = np.sort(ruler.branch[pairs], axis=1)
    short = np.zeros(len(pairs), bool)
    for a, b in np.unique(branches, axis=0):
        rows = np.flatnonzero((branches == (a, b)).all(1))
        own = np.where(ruler.branch[pairs[rows, 0]] == a, pairs[rows, 0], pairs[rows, 1])
        arc = ruler.arc_mm[own]
        short[rows] = np.ptp(arc) <= LONGEST_CONTACT_RADII * ruler.radius_mm[own].mean()
    return short


def _way_mm(ruler: Ruler, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Length (k,) of the way along the tree between places a and b (k,)."""
    tree = ruler.tree
    paths = [set(tree.path_from_ostium(i)) for i in range(len(tree.branches))]
    start = np.zeros(len(tree.branches))
    for i, branch in enumerate(tree.branches[1:], start=1):
        start[i] = start[branch.parent] + tree.branches[branch.parent].length_mm
    branch_a, branch_b = ruler.branch[a], ruler.branch[b]
    depth_a, depth_b = start[branch_a] + ruler.arc_mm[a], start[branch_b] + ruler.arc_mm[b]
    keys, which = np.unique(np.stack([branch_a, branch_b], axis=1), axis=0, return_inverse=True)
    meet = np.array([max(paths[i] & paths[j]) for i, j in keys], int)[which.ravel()] if len(keys) else np.zeros(0, int)
    ends = np.array([start[i] + tree.branches[i].length_mm for i in range(len(tree.branches))])
    # On one way from the ostium the junction is the nearer of the two places itself.
    junction = np.minimum(ends[meet], np.minimum(depth_a, depth_b))
    return depth_a + depth_b - 2.0 * junction
