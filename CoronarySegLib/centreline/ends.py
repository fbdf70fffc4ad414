"""What is no vessel at the ends of a tree: stubs in its wall, and the flare where the mask meets the aorta."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..postprocessing.boxes import sample
from ..volume import Volume
from .nodes import NodeTree
from .options import CentrelineOptions

STUB_CALIBRES = 2.0
"""A branch stands out by more than twice its own radius, or it is as round as a bump."""
THREAD_RADIUS_VOXELS, THREAD_VOXELS = 0.75, 5.0
"""A branch with less than this radius is a thread of single voxels; it counts when it stands out by this many of them.
A shorter one is noise of the segmentation, and would be a needle on the surface."""
FLARE_MM = 6.0
"""Corners of the flare at the ostium leave the tree this close to its root and are no longer than this."""
CALIBRE_MM = (2.0, 8.0)
"""Stretch behind the root over which the calibre of the first vessel is taken."""
CORNER_SHARE = 0.85
COURSE_MM = 3.0


def without_stubs(nodes: NodeTree, options: CentrelineOptions, voxel_mm: float = 0.0) -> NodeTree:
    """The tree without end branches that hardly stand out of the vessel they leave, and without the corners of the
    flare at the ostium; those of the longest reach stay when several leave one place.

    ``voxel_mm``: of a branch no thicker than a voxel the mask must show several in a row.
    """
    while True:
        chains = nodes.chains()
        carrying = {int(chain[0]) for chain in chains[1:]}
        keep = np.ones(len(nodes), bool)
        for chain in chains[1:]:
            if carrying.isdisjoint(chain[1:].tolist()) and _is_stub(nodes, chain, chains, options, voxel_mm):
                keep[chain[1:]] = False
        if keep.all():
            return nodes
        nodes = nodes.keeping(keep)


def with_straight_root(nodes: NodeTree, field: Volume, threshold: float, step_mm: float) -> NodeTree:
    """The tree whose first vessel begins on its own axis.

    The way to the farthest voxel ends in a corner of the mask. So the first stretch that is thinner than the vessel
    behind it goes, and the vessel's own course is carried on straight to where it leaves the mask.
    """
    first = nodes.branches()[0]
    arc = nodes.arc_mm[first]
    behind = nodes.chains()[0]
    stretch = (nodes.arc_mm[behind] >= CALIBRE_MM[0]) & (nodes.arc_mm[behind] <= CALIBRE_MM[1])
    if not stretch.any() or len(first) < 2:
        return nodes
    calibre = float(np.median(nodes.radius_mm[behind[stretch]]))
    limit = min(arc[-1] - step_mm, FLARE_MM, 2.0 * calibre + 1.0)
    corner = np.flatnonzero((nodes.radius_mm[first] < CORNER_SHARE * calibre) & (arc <= limit))
    start = first[int(corner[-1]) + 1] if len(corner) else first[0]
    ahead = behind[np.argmin(np.abs(nodes.arc_mm[behind] - nodes.arc_mm[start] - COURSE_MM))]
    course = nodes.points_lps_mm[start] - nodes.points_lps_mm[ahead]
    length = float(np.linalg.norm(course))
    if length < step_mm:
        return nodes
    keep = np.ones(len(nodes), bool)
    keep[first[: np.flatnonzero(first == start)[0]]] = False
    nodes = nodes.keeping(keep)
    along = np.arange(1, int((FLARE_MM + calibre) / step_mm) + 1)[:, None] * step_mm * course / length
    places = nodes.points_lps_mm[0] + along
    outside = np.flatnonzero(sample(field, places) < threshold)
    places = places[: outside[0] if len(outside) else 0][::-1]
    count = len(places)
    return NodeTree(
        np.concatenate([places, nodes.points_lps_mm]),
        np.r_[np.arange(count) - 1, np.where(nodes.parent < 0, count - 1, nodes.parent + count)],
        np.r_[np.full(count, calibre), nodes.radius_mm],
    )


def _is_stub(
    nodes: NodeTree, chain: np.ndarray, chains: list[np.ndarray], options: CentrelineOptions, voxel_mm: float
) -> bool:
    junction = int(chain[0])
    length = nodes.arc_mm[chain[-1]] - nodes.arc_mm[junction]
    if nodes.arc_mm[junction] <= FLARE_MM and length <= FLARE_MM:
        return True
    above = next(other for other in chains if junction in other[(0 if other[0] == 0 else 1):])
    distance, nearest = cKDTree(nodes.points_lps_mm[above]).query(nodes.points_lps_mm[chain])
    standing_out = float((distance - nodes.radius_mm[above[nearest]]).max())
    own = float(np.median(nodes.radius_mm[chain[len(chain) // 2:]]))
    thread_mm = THREAD_VOXELS * voxel_mm if own < THREAD_RADIUS_VOXELS * voxel_mm else 0.0
    return standing_out < max(options.shortest_branch_mm, nodes.radius_mm[junction], STUB_CALIBRES * own, thread_mm)
