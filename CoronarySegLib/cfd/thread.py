"""A thin thread along the centreline, where only it holds a tree together.

A vessel thinner than its voxels comes in pieces, and its distal part would fall off the surface. Where the lumen has a
way round already, a thread would make a loop of it and is left out.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..centreline.tree import CentrelineTree
from ..postprocessing.boxes import grown, sample
from ..volume import Geometry, Volume

STEP_VOXELS = 0.25
THIN_VOXELS = 1.0
"""Where the wall is nearer to the centreline than this, sampling between the voxels may still break the lumen."""
REACH_VOXELS = 2.0


def threaded(
    score: np.ndarray, geometry: Geometry, threshold: float, tree: CentrelineTree, radius_mm: float,
    by_faces: bool = False,
) -> tuple[np.ndarray, float]:
    """``score`` (z, y, x) raised to ``threshold`` at ``radius_mm`` round the thread, and the length in mm of centreline
    outside of the lumen that was joined.

    ``by_faces``: voxels that share an edge or a corner only hold nothing together. Most do between the voxels, where a
    second way beside them would be a loop.
    """
    voxel_mm = min(geometry.spacing_xyz_mm)
    step_mm = STEP_VOXELS * voxel_mm
    inside = score >= threshold
    pieces, count = ndimage.label(inside, None if by_faces else np.ones((3, 3, 3)))
    piece_of = np.arange(count + 1)
    carried = np.zeros(len(tree.branches), int)
    wanted, bridged = [], 0
    for index, branch in enumerate(tree.branches):
        arc = np.linspace(0.0, branch.length_mm, max(int(np.ceil(branch.length_mm / step_mm)) + 1, 2))
        places = np.stack([np.interp(arc, branch.arc_mm, branch.points_lps_mm[:, k]) for k in range(3)], axis=1)
        labels = _labels_at(pieces, geometry, places)
        last = carried[branch.parent] if branch.parent >= 0 else 0
        begin = 0
        for at in np.flatnonzero(labels):
            here = labels[at]
            if last and piece_of[last] != piece_of[here]:
                wanted.append(places[begin:at + 1])
                bridged += at - begin
                piece_of[piece_of == piece_of[here]] = piece_of[last]
            last, begin = here, at
        carried[index] = last
        thin = sample(Volume(score, geometry), places) < threshold + THIN_VOXELS / (2.0 * REACH_VOXELS)
        wanted.append(places[thin & (labels > 0)])
    if radius_mm <= 0 or not any(len(some) for some in wanted):
        return score, 0.0
    return _raised(score, geometry, threshold, np.concatenate(wanted), radius_mm), bridged * step_mm


def _labels_at(pieces: np.ndarray, geometry: Geometry, places_mm: np.ndarray) -> np.ndarray:
    """Piece (n,) of the voxel each place lies in, 0 outside of the lumen or the grid."""
    index = np.rint(geometry.index_of(places_mm)[:, ::-1]).astype(int)
    within = ((index >= 0) & (index < pieces.shape)).all(1)
    labels = np.zeros(len(places_mm), int)
    labels[within] = pieces[tuple(index[within].T)]
    return labels


def _raised(score, geometry: Geometry, threshold: float, places_mm: np.ndarray, radius_mm: float) -> np.ndarray:
    index = np.rint(geometry.index_of(places_mm)[:, ::-1]).astype(int)
    index = index[((index >= 0) & (index < score.shape)).all(1)]
    near = np.zeros(score.shape, bool)
    near[tuple(index.T)] = True
    voxels = np.argwhere(grown(near, 2))
    distance, _ = cKDTree(places_mm).query(geometry.points_lps(voxels[:, ::-1]))
    value = threshold + 0.5 * (radius_mm - distance) / (REACH_VOXELS * max(geometry.spacing_xyz_mm))
    result = score.copy()
    result[tuple(voxels.T)] = np.maximum(result[tuple(voxels.T)], np.clip(value, 0.0, 1.0))
    return result
