"""Voxels of a lumen without loops: blood has one way to each place of a coronary tree.

Two faults make loops. A pinhole in the lumen, which is filled; and two vessels that touch, which are cut apart where
their walls meet. What is neither, a long stretch of two vessels in one, stays and shows in the report's Euler number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import euler_number

from ..postprocessing.boxes import stepped
from ..volume import Geometry
from .ruler import Ruler
from .sparse_voxels import Joints, SparseVoxels

CLOSINGS_VOXELS = (1, 2)
LARGEST_WINDOW_VOXELS = 9
"""Of a hole through a sheet of voxels, counted in its plane; a closing sees none in a sheet one voxel thick."""
FAR_RADII = 1.5
"""Places may be of two vessels when the way between them along the tree is longer than this times both radii."""
LONGEST_CONTACT_RADII = 8.0
"""A longer contact is no touch but two vessels drawn as one; a cut would halve both."""
SMALLEST_PIECE = 10


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
    """Voxels whose filling closes a tunnel: Euler's number rises by them."""
    added = tunnels_of(inside, CLOSINGS_VOXELS)
    return added | windows_of(inside | added, LARGEST_WINDOW_VOXELS)


def tunnels_of(inside: np.ndarray, closings: tuple[int, ...]) -> np.ndarray:
    """Voxels (z, y, x) bool that close tunnels narrow enough for a closing with balls of ``closings`` voxels."""
    added = np.zeros(inside.shape, bool)
    for voxels in closings:
        solid = inside | added
        wide = np.pad(solid, voxels + 1)
        closed = ~stepped(~stepped(wide, voxels), voxels)[(slice(voxels + 1, -voxels - 1),) * 3]
        _fill(added, inside, ndimage.label(closed & ~solid, np.ones((3, 3, 3)))[0])
    return added


def windows_of(inside: np.ndarray, largest: int) -> np.ndarray:
    """Voxels (z, y, x) bool that close tunnels through sheets: holes of at most ``largest`` voxels in a plane of the
    grid, one voxel deep."""
    added = np.zeros(inside.shape, bool)
    for axis in range(3):
        _fill(added, inside, _small_holes(inside | added, axis, largest))
    return added


def _small_holes(solid: np.ndarray, axis: int, largest: int) -> np.ndarray:
    """Holes of at most ``largest`` voxels in the planes across ``axis``, numbered from 1."""
    in_plane = ndimage.generate_binary_structure(3, 1)
    in_plane[tuple(np.s_[::2] if k == axis else np.s_[:] for k in range(3))] = False
    parts, count = ndimage.label(~solid, in_plane)
    small = np.bincount(parts.ravel(), minlength=count + 1) <= largest
    small[0] = False
    return np.where(small, np.cumsum(small), 0)[parts]


def _fill(added: np.ndarray, inside: np.ndarray, parts: np.ndarray) -> None:
    """Enter in ``added`` those of the numbered ``parts`` that close a tunnel."""
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        near = _near(box)
        before = np.pad(inside[near] | added[near], 1)
        part = np.pad(parts[near] == number, 1)
        if _handles(before | part) < _handles(before):
            added[near] |= parts[near] == number


def _near(box: tuple[slice, slice, slice]) -> tuple[slice, slice, slice]:
    """Euler's number is a sum over neighbourhoods: what changes, changes within a voxel of the part in ``box``."""
    return tuple(slice(max(s.start - 2, 0), s.stop + 2) for s in box)


def _handles(inside: np.ndarray) -> int:
    return -int(euler_number(inside, connectivity=3))


def _outsides(inside: np.ndarray) -> int:
    """One and the cavities, of a box with a border of False."""
    return ndimage.label(~inside)[1]


def contacts_between(inside: np.ndarray, geometry: Geometry, ruler: Ruler) -> np.ndarray:
    """Voxels (z, y, x) bool of ``inside`` whose removal parts vessels that touch: between places that are far from each
    other along the tree, and only where that opens a loop."""
    voxels = SparseVoxels(inside)
    centres = geometry.points_lps(voxels.index[:, ::-1])
    place = ruler.place_of(centres)
    depth = ((centres - ruler.places_mm[place]) ** 2).sum(1) - ruler.radius_mm[place] ** 2
    ways = _Ways(ruler)
    pairs, chosen = [], []
    for rows, others in voxels.neighbours():
        unlike = place[rows] != place[others]
        rows, others = rows[unlike], others[unlike]
        ours, theirs = place[rows], place[others]
        far = ways.between_mm(ours, theirs) > FAR_RADII * (ruler.radius_mm[ours] + ruler.radius_mm[theirs])
        rows, others = rows[far], others[far]
        # The one nearer to its vessel's wall goes.
        chosen.append(np.where(depth[rows] > depth[others], rows, others))
        pairs.append(np.stack([ours[far], theirs[far]], axis=1))
    pairs, chosen = np.concatenate(pairs), voxels.index[np.concatenate(chosen)]
    short = _short_contacts(ruler, pairs, _patches(inside.shape, chosen))
    candidates = np.zeros(inside.shape, bool)
    candidates[tuple(chosen[short].T)] = True
    return _opening(inside, candidates, voxels)


def _opening(inside: np.ndarray, candidates: np.ndarray, voxels: SparseVoxels) -> np.ndarray:
    """The parts of ``candidates`` whose removal opens a loop; between daughters near their junction none does.

    Euler's number is pieces - tunnels + cavities, so what a cut does to tunnels shows once the other two are counted: a
    part that holds two pieces together stays, and so does one whose removal leaves a cavity. A vessel must not be cut
    through or hollowed out.
    """
    cut = np.zeros(inside.shape, bool)
    parts, count = ndimage.label(candidates, np.ones((3, 3, 3)))
    if not count:
        return cut
    joints = Joints(voxels, parts)
    gone: list[int] = []
    whole = joints.pieces_without(gone, SMALLEST_PIECE)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        near = _near(box)
        before = np.pad(inside[near] & ~cut[near], 1)
        part = np.pad(parts[near] == number, 1)
        after = before & ~part
        cavities, cavities_after = _outsides(before), _outsides(after)
        opens = _handles(after) + cavities_after < _handles(before) + cavities and cavities_after <= cavities
        if opens and joints.pieces_without([*gone, number], SMALLEST_PIECE) <= whole:
            cut[near] |= parts[near] == number
            gone.append(number)
    return cut


def _patches(shape: tuple[int, ...], index: np.ndarray) -> np.ndarray:
    """A number (k,) for each voxel of ``index`` (k, 3), the same for voxels that hang together."""
    marked = np.zeros(shape, bool)
    marked[tuple(index.T)] = True
    return ndimage.label(marked, np.ones((3, 3, 3)))[0][tuple(index.T)]


def _short_contacts(ruler: Ruler, pairs: np.ndarray, patch: np.ndarray) -> np.ndarray:
    """True for contacts (k,) of two branches over a stretch short enough to be a touch.

    Each ``patch`` (k,) counts alone: two branches lie beside each other behind their junction, too, and may touch once
    more far from there.
    """
    branches = np.sort(ruler.branch[pairs], axis=1)
    short = np.zeros(len(pairs), bool)
    groups, group = np.unique(np.column_stack([patch, branches]), axis=0, return_inverse=True)
    for number, (_, a, _) in enumerate(groups):
        rows = np.flatnonzero(group.ravel() == number)
        own = np.where(ruler.branch[pairs[rows, 0]] == a, pairs[rows, 0], pairs[rows, 1])
        arc = ruler.arc_mm[own]
        short[rows] = np.ptp(arc) <= LONGEST_CONTACT_RADII * ruler.radius_mm[own].mean()
    return short


class _Ways:
    """Lengths along a tree between places of its ruler."""

    def __init__(self, ruler: Ruler):
        branches = ruler.tree.branches
        start = np.zeros(len(branches))
        for i, branch in enumerate(branches[1:], start=1):
            start[i] = start[branch.parent] + branches[branch.parent].length_mm
        paths = [set(ruler.tree.path_from_ostium(i)) for i in range(len(branches))]
        self._ends = start + np.array([branch.length_mm for branch in branches])
        self._meet = np.array([[max(a & b) for b in paths] for a in paths])
        self._branch, self._depth = ruler.branch, start[ruler.branch] + ruler.arc_mm

    def between_mm(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Length (k,) of the way between places a and b (k,)."""
        depth_a, depth_b = self._depth[a], self._depth[b]
        ends = self._ends[self._meet[self._branch[a], self._branch[b]]]
        # On one way from the ostium the junction is the nearer of the two places itself.
        return depth_a + depth_b - 2.0 * np.minimum(ends, np.minimum(depth_a, depth_b))
