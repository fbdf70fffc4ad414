"""The wall of the aorta round the ostia, open and flat at both ends, and kept off the coronaries that pass it by.

Coronaries run along the root for centimetres, and in two masks they touch it there. What lies nearer to a passing
coronary than the walls of two lumens can be is taken from the aorta; at the ostium itself nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ..centreline.tree import CentrelineTree
from ..errors import InputError
from ..postprocessing.boxes import blocks, points_of, spacing_zyx
from ..reconstruction.fields import padded
from ..reconstruction.from_labels import inside_score
from ..reconstruction.mesh import volume_and_area
from ..reconstruction.smoothing import volume_restored, windowed_sinc
from ..volume import Volume
from .aortic_root import AorticStretch, RootOptions, mouth_radius_mm
from .creases import without_creases
from .cuts import cut_at
from .ends import OpenedSurface, open_ends
from .field_surface import surface_in
from .intersections import without_self_intersections

APART_VOXELS, APART_MM = 1.5, 0.6
"""Between the aorta and a coronary that passes by."""
OSTIUM_RADII, OSTIUM_MM = 1.5, 1.5
"""A coronary passes by where it is farther from its ostium than this: the mouth of its lumen."""
PASS_BAND, ITERATIONS = 0.03, 50
ACROSS = 0.7
"""A wall whose normal is nearer to the axis than this cosine closes the aorta's mask and is no wall."""
INNER, NARROW = 0.7, 0.7
"""Of the usual radius: what is nearer to the axis is no wall; what is narrower is the end of the mask."""
CLEAR_MM, STRAY_PERCENT = 2.0, 10.0
"""The cuts keep clear of what closes the mask, but for a share of its faces, which are those of voxels' steps."""


@dataclass(frozen=True)
class AorticWall:
    """``closed``: points and triangles before the cuts; ``opened``: inlet below, outlet above, on ``tree``, that of the
    aorta alone. ``mask``: the aorta's voxels."""

    closed: tuple[np.ndarray, np.ndarray]
    opened: OpenedSurface
    tree: CentrelineTree
    mask: Volume


def aortic_wall(
    stretch: AorticStretch, coronaries: Volume, trees: Mapping[str, CentrelineTree], options: RootOptions,
    edge_of_radius: float,
) -> AorticWall:
    """The wall between the voxels of the aorta, with cuts at the ends of ``stretch`` or where its mask ends before.

    ``coronaries``: not 0 is a coronary. Raises InputError where too little aorta is left below or above the ostia,
    SurfaceError where it cannot be cut across.
    """
    mask = _kept_off(stretch.mask, coronaries, trees)
    points, triangles = _surface(mask)
    low, high = _free_of_lids(stretch, points, triangles)
    levels = stretch.levels_mm.values()
    if min(levels) - low < options.smallest_mm or high - max(levels) < options.smallest_mm:
        raise InputError(
            f"The aorta's mask ends less than {options.smallest_mm:g} mm above or below the ostia. Draw more of it, or "
            "export the trees without the aorta."
        )
    course = stretch.course
    tree = CentrelineTree("", (course,))
    arc = np.interp([low, high], stretch.height_of(course.points_lps_mm), course.arc_mm)
    inlet = cut_at(course, 0, arc[0], "inlet", f"{min(levels) - low:.0f} mm below the ostia", "inlet_Aorta")
    outlet = cut_at(course, 0, arc[1], "outlet", f"{high - max(levels):.0f} mm above the ostia", "outlet_Aorta")
    # Across the axis, not the course: near the end of the mask the slices that make the course are not whole.
    cuts = replace(inlet, normal=-stretch.axis), replace(outlet, normal=stretch.axis)
    opened = open_ends(points, triangles, tree, cuts, edge_per_radius=edge_of_radius)
    return AorticWall((points, triangles), opened, tree, stretch.mask)


def _kept_off(aorta: Volume, coronaries: Volume, trees: Mapping[str, CentrelineTree]) -> Volume:
    """The aorta's mask without what lies at a coronary beyond its ostium, in one piece."""
    geometry = aorta.geometry
    apart_mm = max(APART_MM, APART_VOXELS * max(geometry.spacing_xyz_mm))
    reach = np.ceil(apart_mm / spacing_zyx(geometry)).astype(int)
    places = points_of(coronaries.geometry, np.argwhere(coronaries.array != 0))
    for tree in trees.values():
        root = tree.branches[0]
        mouth_mm = OSTIUM_RADII * mouth_radius_mm(root) + OSTIUM_MM
        places = places[np.linalg.norm(places - root.points_lps_mm[0], axis=1) > mouth_mm]
    index = np.rint(geometry.index_of(places)[:, ::-1]).astype(int) + reach
    free = np.ones(np.array(aorta.array.shape) + 2 * reach, bool)
    free[tuple(index[((index >= 0) & (index < free.shape)).all(1)].T)] = False
    if free.all():
        return aorta
    away_mm = ndimage.distance_transform_edt(free, sampling=spacing_zyx(geometry))
    inner = tuple(slice(k, k + n) for k, n in zip(reach, aorta.array.shape, strict=True))
    array = np.where(away_mm[inner] < apart_mm, 0, aorta.array)
    pieces, count = ndimage.label(array)
    if count > 1:
        array[pieces != 1 + np.argmax(np.bincount(pieces.ravel())[1:])] = 0
    return aorta.with_array(array)


def _surface(mask: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Closed wall between the voxels, with the voxels' volume; at their own sampling, which is fine for an aorta."""
    array, geometry = padded(mask.array, mask.geometry)
    score = inside_score(array > 0, geometry)
    points, triangles, _ = surface_in(score, 0.5, geometry, 1, blocks(score > 0), None)
    volume_mm3, _ = volume_and_area(points, triangles)
    points = windowed_sinc(points, triangles, PASS_BAND, ITERATIONS)
    points, _ = without_creases(points, triangles)
    points = volume_restored(points, triangles, volume_mm3)
    mended = without_self_intersections(points, triangles, or_refuse=False)
    return mended.points_mm, mended.triangles


def _free_of_lids(stretch: AorticStretch, points: np.ndarray, triangles: np.ndarray) -> tuple[float, float]:
    """Heights between which a section is that of the aorta: not where its mask or the volume ends, however oblique."""
    levels = list(stretch.levels_mm.values())
    course = stretch.height_of(stretch.curve_lps_mm)
    usual = np.median(stretch.radius_mm[(course >= min(levels)) & (course <= max(levels) + 1.0)])
    wide = course[stretch.radius_mm > NARROW * usual]
    a, b, c = points[triangles.T]
    faces = np.cross(b - a, c - a)
    normals = faces / np.maximum(np.linalg.norm(faces, axis=1, keepdims=True), 1e-12)
    middles = (a + b + c) / 3.0
    height = stretch.height_of(middles)
    axial = np.stack([np.interp(height, course, stretch.curve_lps_mm[:, k]) for k in range(3)], axis=1)
    out = middles - axial
    out -= (out @ stretch.axis)[:, None] * stretch.axis
    # Grooves and sinuses have shoulders that face up or down as well; they lie at the wall, a lid goes across.
    inner = np.linalg.norm(out, axis=1) < INNER * usual
    low, high = max(stretch.low_mm, float(wide.min())), min(stretch.high_mm, float(wide.max()))
    below = inner & (normals @ stretch.axis < -ACROSS) & (height < min(levels))
    above = inner & (normals @ stretch.axis > ACROSS) & (height > max(levels))
    if below.any():
        reach = _reach(normals[below], height[below], out[below], stretch.axis, -usual)
        low = max(low, float(np.percentile(reach, 100 - STRAY_PERCENT)) + CLEAR_MM)
    if above.any():
        reach = _reach(normals[above], height[above], out[above], stretch.axis, usual)
        high = min(high, float(np.percentile(reach, STRAY_PERCENT)) - CLEAR_MM)
    return low, high


def _reach(
    normals: np.ndarray, height: np.ndarray, out: np.ndarray, axis: np.ndarray, radius_mm: float
) -> np.ndarray:
    """Height (n,) at which the plane of each face of a lid meets the wall on its nearer side, mm.

    ``out`` (n, 3): from the axis to the face. Face by face, as a mask may end by two lids: its own and the volume's.
    """
    along = normals @ axis
    lean = normals - along[:, None] * axis
    at_axis = height + (out * lean).sum(1) / along
    return at_axis - radius_mm * np.linalg.norm(lean, axis=1) / np.abs(along)
