"""Voxels of a lumen without loops: blood has one way to each place of a coronary tree.

Two faults make loops. A pinhole in the lumen, which is filled; and two vessels that touch, which are cut apart where
their walls meet. What is neither, a long stretch of two vessels in one, stays and shows in the report's Euler number.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    cut = contacts_between(solid, geometry, ruler)
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


def contacts_between(inside: np.ndarray, geometry: Geometry, ruler: Ruler) -> np.ndarray:
    """Voxels (z, y, x) bool of ``inside`` whose removal parts vessels that touch: between places that are far from each
    other along the tree, and only where that opens a loop."""
    voxels = _Voxels(inside)
    centres = geometry.points_lps(voxels.index[:, ::-1])
    place = ruler.place_of(centres)
    depth = ((centres - ruler.places_mm[place]) ** 2).sum(1) - ruler.radius_mm[place] ** 2
    pairs, chosen = [], []
    for rows, others in voxels.neighbours():
        unlike = place[rows] != place[others]
        rows, others = rows[unlike], others[unlike]
        ours, theirs = place[rows], place[others]
        far = _way_mm(ruler, ours, theirs) > FAR_RADII * (ruler.radius_mm[ours] + ruler.radius_mm[theirs])
        rows, others = rows[far], others[far]
        # The one nearer to its vessel's wall goes.
        chosen.append(np.where(depth[rows] > depth[others], rows, others))
        pairs.append(np.stack([ours[far], theirs[far]], axis=1))
    pairs, chosen = np.concatenate(pairs), np.concatenate(chosen)
    candidates = np.zeros(inside.shape, bool)
    candidates[tuple(voxels.index[chosen[_short_contacts(ruler, pairs)]].T)] = True
    return _opening(inside, candidates, voxels)


def _opening(inside: np.ndarray, candidates: np.ndarray, voxels: _Voxels) -> np.ndarray:
    """The parts of ``candidates`` whose removal opens a loop; between daughters near their junction none does.

    Euler's number rises too when a part holds two pieces together. Those stay: a vessel must not be cut through.
    """
    cut = np.zeros(inside.shape, bool)
    parts, count = ndimage.label(candidates, np.ones((3, 3, 3)))
    if not count:
        return cut
    pairs = np.concatenate([np.stack(some) for some in voxels.neighbours()], axis=1)
    whole = voxels.pieces(cut, pairs)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        near = _near(box)
        before = np.pad(inside[near] & ~cut[near], 1)
        part = np.pad(parts[near] == number, 1)
        if _handles(before & ~part) < _handles(before):
            cut[near] |= parts[near] == number
            if voxels.pieces(cut, pairs) > whole:
                cut[near] &= parts[near] != number
    return cut


class _Voxels:
    """The True voxels of a sparse mask, ``index`` (n, 3), and who touches whom."""

    def __init__(self, inside: np.ndarray):
        self.index = np.argwhere(inside)
        shape = np.add(inside.shape, 2)
        self._steps = np.array([shape[1] * shape[2], shape[2], 1])
        self._keys = (self.index + 1) @ self._steps  # ascending, as argwhere is

    def neighbours(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Numbers of voxels that touch at a face, an edge or a corner, each pair once, some at a time."""
        for offset in _HALF_OFFSETS:
            wanted = self._keys + (np.array(offset) - 1) @ self._steps
            found = np.minimum(np.searchsorted(self._keys, wanted), len(wanted) - 1)
            rows = np.flatnonzero(self._keys[found] == wanted)
            yield rows, found[rows]

    def pieces(self, removed: np.ndarray, pairs: np.ndarray) -> int:
        """Connected pieces of at least ``SMALLEST_PIECE`` voxels without those ``removed`` (z, y, x); ``pairs`` (2, k)
        are all neighbours."""
        stays = ~removed[tuple(self.index.T)]
        rows, columns = pairs[:, stays[pairs].all(0)]
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
