"""What smoothing took from the diameters, put back place by place.

A low-pass strong enough to take the voxels' steps off a wall takes some lumen too, more from thin vessels than from
wide ones; one number for the whole tree would give it back in the wrong places. The ruler knows the section that each
stretch of a branch should have, so the wall is moved there by the difference of the radii.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..reconstruction.mesh import vertex_normals
from .edges import edges_of, neighbours
from .ruler import Ruler

SMOOTH_MM = 1.0
"""Along a branch: corrections follow a narrowing, not the noise of single sections."""
LARGEST_SHIFT_MM = 0.15
"""More than this is no correction of smoothing any more; the rest of the loss is reported instead."""
SPREAD_ROUNDS = 6


def diameters_kept(
    points_mm: np.ndarray, triangles: np.ndarray, ruler: Ruler, wanted_mm: np.ndarray, found_mm: np.ndarray
) -> np.ndarray:
    """New vertex positions (n, 3): the wall moved along its normals until diameters ``found_mm`` are ``wanted_mm``.

    Both diameters have one value a place of the ruler, NaN where nothing is measured: there the branch's mean
    correction holds, and none in a branch without any.
    """
    shift = np.zeros(len(ruler.places_mm))
    for index in range(len(ruler.tree.branches)):
        here = np.flatnonzero(ruler.branch == index)
        known = np.isfinite(wanted_mm[here]) & np.isfinite(found_mm[here])
        if not known.any():
            continue
        arc = ruler.arc_mm[here]
        missing = 0.5 * (wanted_mm - found_mm)[here][known]
        # The outermost sections are the noisiest; what lies beyond them gets the branch's mean instead of theirs.
        mean = float(missing.mean())
        missing = np.interp(arc, arc[known], missing, left=mean, right=mean)
        shift[here] = ndimage.gaussian_filter1d(missing, SMOOTH_MM / ruler.length_mm[here[0]], mode="nearest")
    shift = np.clip(shift, -LARGEST_SHIFT_MM, LARGEST_SHIFT_MM)
    at_vertex = shift[ruler.place_of(points_mm)]
    matrix = neighbours(edges_of(triangles, len(points_mm)), len(points_mm))
    degree = np.maximum(matrix.sum(1), 1)
    for _ in range(SPREAD_ROUNDS):
        # Between two branches the correction changes gradually; a step would be an edge in the wall.
        at_vertex = 0.5 * (at_vertex + (matrix @ at_vertex) / degree)
    return points_mm + at_vertex[:, None] * vertex_normals(points_mm, triangles)
