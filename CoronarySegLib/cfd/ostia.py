"""Where a coronary tree begins when the aorta is known: at the aorta, and nowhere else.

Without the aorta the ostium is the thickest free end. A left main of a few millimetres in front of a wide bifurcation
is hardly an end, and another end of the same lump may then be taken for it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..centreline.tree import CentrelineTree
from ..postprocessing.boxes import inside_distance, points_of, spacing_zyx
from ..volume import Volume
from .aortic_root import mouth_radius_mm

AWAY_MM = 1.5
"""A root farther than its own radius and this much from the aorta is not at the ostium."""
TOUCH_MM = 1.2
CALIBRE_MM = 3.0
LONG_RADII = 4.0
"""A contact longer than this many radii of the vessel is one that runs along the aorta, not one that leaves it."""
ALONG_SHARE = 0.5
"""What a contact along the aorta counts against one across."""
NEAR_TREE_MM = 3.0


def ostia_at_the_aorta(
    labels: Volume, aorta: Volume, trees: Mapping[str, CentrelineTree]
) -> dict[str, np.ndarray]:
    """A better ostium (3,) LPS mm for each of ``trees`` that is not rooted at the ``aorta`` but touches it elsewhere.

    ``labels``: not 0 is a coronary; both masks on one grid.
    """
    aortic = points_of(aorta.geometry, np.argwhere(aorta.array))
    wall = cKDTree(aortic)
    found = {}
    for key, tree in trees.items():
        root = tree.branches[0]
        gap, _ = wall.query(root.points_lps_mm[0])
        if gap <= mouth_radius_mm(root) + AWAY_MM:
            continue
        place = _widest_contact(labels, wall, tree)
        if place is not None:
            found[key] = place
    return found


def _widest_contact(labels: Volume, wall: cKDTree, tree: CentrelineTree) -> np.ndarray | None:
    """Middle of the contact with the aorta at which the tree's vessel is widest; None when there is no contact."""
    places_of_tree = cKDTree(np.concatenate([branch.points_lps_mm for branch in tree.branches]))
    index, depth_mm = inside_distance(labels.array != 0, spacing_zyx(labels.geometry))
    places = points_of(labels.geometry, index)
    away, _ = places_of_tree.query(places, distance_upper_bound=2.0 * NEAR_TREE_MM)
    own = away < depth_mm + NEAR_TREE_MM
    index, depth_mm, places = index[own], depth_mm[own], places[own]
    reach_mm = max(TOUCH_MM, 1.5 * max(labels.geometry.spacing_xyz_mm))
    touching = np.isfinite(wall.query(places, distance_upper_bound=reach_mm)[0])
    if not touching.any():
        return None
    array = np.zeros(labels.array.shape, bool)
    array[tuple(index[touching].T)] = True
    contact, count = ndimage.label(array, np.ones((3, 3, 3)))
    of_voxel = contact[tuple(index.T)]
    scores, middles = [], []
    for number in range(1, count + 1):
        here = places[of_voxel == number]
        middle = here.mean(0)
        radius = float(depth_mm[np.linalg.norm(places - middle, axis=1) < CALIBRE_MM].max(initial=0.0))
        along = np.linalg.norm(here - middle, axis=1).max() > 0.5 * LONG_RADII * radius
        scores.append(radius * (ALONG_SHARE if along else 1.0))
        middles.append(here[np.argmin(np.linalg.norm(here - middle, axis=1))])
    return middles[int(np.argmax(scores))]
