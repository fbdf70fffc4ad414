"""Analytic vessels on any grid, and their truth.

A vessel is the union of spheres along a curve: the largest sphere that fits round a point of the axis has then exactly
the radius that was asked for, also where it changes, and free ends are round. ``mask_of`` and ``probability_of`` put a
shape on a grid; ``grid_round`` makes one of any spacing, rotation and handedness that holds the shape.

    vessel = stenosed(3.0, diameter_share=0.5)
    mask = mask_of(vessel, grid_round(vessel, (0.4, 0.4, 0.6), angles_deg=(20, 0, 35)))

Frame LPS mm; a Volume's array is (z, y, x).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import ndimage
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from CoronarySegLib.volume import Geometry, Volume

STEP_MM = 0.1
"""Between the points of a truth curve; the union of spheres is then smooth to a few micrometres."""
SPHERES = 20
"""Spheres looked at for one place: 1 mm to either side of the closest one."""
FAR_MM = 1.0
"""Distances to the wall are not told apart beyond this outside of a tube."""


@dataclass(frozen=True)
class Tube:
    """One branch of truth: ``points_lps_mm`` (n, 3) from proximal to distal, ``STEP_MM`` apart, ``radius_mm`` (n,);
    ``parent`` indexes the tubes of the shape, -1 at an ostium. A daughter begins on its parent's curve."""

    points_lps_mm: np.ndarray
    radius_mm: np.ndarray
    parent: int = -1

    @property
    def arc_mm(self) -> np.ndarray:
        return np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(self.points_lps_mm, axis=0), axis=1))]

    @property
    def length_mm(self) -> float:
        return float(self.arc_mm[-1])


@dataclass(frozen=True)
class Shape:
    """Tubes joined; the lumen is their union."""

    tubes: tuple[Tube, ...]

    @property
    def points_lps_mm(self) -> np.ndarray:
        return np.concatenate([tube.points_lps_mm for tube in self.tubes])

    @property
    def radius_mm(self) -> np.ndarray:
        return np.concatenate([tube.radius_mm for tube in self.tubes])

    @property
    def ostium_lps_mm(self) -> np.ndarray:
        return self.tubes[0].points_lps_mm[0]

    @property
    def free_ends_lps_mm(self) -> np.ndarray:
        """Distal end of every tube that ends freely (n, 3)."""
        ends = np.array([tube.points_lps_mm[-1] for tube in self.tubes])
        starts = [tube.points_lps_mm[0] for tube in self.tubes if tube.parent >= 0]
        return ends[cKDTree(starts).query(ends)[0] > 0.5 * STEP_MM] if starts else ends

    def distance_mm(self, points_lps_mm: np.ndarray) -> np.ndarray:
        """Signed distance (n,) of points (n, 3) to the wall, negative inside, at most ``FAR_MM``. Where tubes overlap
        it is that to the wall of one of them."""
        result = np.full(len(points_lps_mm), FAR_MM)
        for tube in self.tubes:
            tree, radius = cKDTree(tube.points_lps_mm), tube.radius_mm
            close, nearest = tree.query(points_lps_mm, distance_upper_bound=radius.max() + FAR_MM)
            here = np.flatnonzero(np.isfinite(close))
            distance = close[here] - radius[nearest[here]]
            if np.ptp(radius) > 1e-6:
                wall = np.abs(distance) < 0.5 * FAR_MM
                few = min(SPHERES, len(radius))
                away, which = tree.query(points_lps_mm[here[wall]], k=few)
                distance[wall] = (away - radius[which]).min(axis=1)
            result[here] = np.minimum(result[here], distance)
        return result

    def moved(self, shift_mm) -> Shape:
        return Shape(tuple(replace(t, points_lps_mm=t.points_lps_mm + np.asarray(shift_mm)) for t in self.tubes))

    def joined(self, other: Shape) -> Shape:
        """Both as one shape; the other's tubes come after."""
        shifted = (replace(t, parent=t.parent + len(self.tubes) if t.parent >= 0 else -1) for t in other.tubes)
        return Shape((*self.tubes, *shifted))


def tube(knots_mm, radius_mm, parent: int = -1) -> Tube:
    """A smooth curve through ``knots_mm`` (n, 3); ``radius_mm`` is a number, one value a knot, or a function of the arc
    (mm) and the length (mm)."""
    knots = np.asarray(knots_mm, float)
    chord = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))]
    fine = np.linspace(0.0, chord[-1], max(int(chord[-1] / STEP_MM) * 4, 2))
    curve = CubicSpline(chord, knots)(fine) if len(knots) > 2 else np.linspace(knots[0], knots[-1], len(fine))
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))]
    even = np.linspace(0.0, arc[-1], max(round(arc[-1] / STEP_MM) + 1, 2))
    points = np.stack([np.interp(even, arc, curve[:, i]) for i in range(3)], axis=1)
    if callable(radius_mm):
        radius = np.asarray(radius_mm(even, arc[-1]), float)
    elif np.ndim(radius_mm):
        radius = np.interp(even, np.interp(chord, fine, arc), radius_mm)
    else:
        radius = np.full(len(even), float(radius_mm))
    return Tube(points, radius, parent)


def straight(diameter_mm: float = 3.0, length_mm: float = 24.0) -> Shape:
    """Along z, ostium on top."""
    return Shape((tube([[0, 0, length_mm], [0, 0, 0]], diameter_mm / 2.0),))


def bent(diameter_mm: float = 3.0, bend_radius_mm: float = 10.0, degrees: float = 180.0) -> Shape:
    """A circular arc in the x-z plane."""
    angle = np.radians(np.linspace(0.0, degrees, 61))
    knots = bend_radius_mm * np.stack([np.cos(angle), np.zeros_like(angle), -np.sin(angle)], axis=1)
    return Shape((tube(knots, diameter_mm / 2.0),))


def helix(diameter_mm: float = 2.0, winding_radius_mm: float = 6.0, rise_mm: float = 12.0, turns: float = 1.5) -> Shape:
    """Curvature R / (R² + c²) and torsion c / (R² + c²) with c = rise / 2 pi, rise per turn; a right-handed screw."""
    angle = np.linspace(0.0, 2.0 * np.pi * turns, int(60 * turns))
    x, y = winding_radius_mm * np.cos(angle), winding_radius_mm * np.sin(angle)
    return Shape((tube(np.stack([x, y, rise_mm * angle / (2.0 * np.pi)], axis=1), diameter_mm / 2.0),))


def tapered(first_mm: float = 4.0, last_mm: float = 1.2, length_mm: float = 40.0) -> Shape:
    """Diameter falls linearly from the ostium on, on a slightly bent course."""
    knots = [[0, 0, length_mm], [3, 1, 0.5 * length_mm], [0, 0, 0]]
    return Shape((tube(knots, lambda s, whole: 0.5 * (first_mm + (last_mm - first_mm) * s / whole)),))


def stenosed(
    diameter_mm: float = 3.0, diameter_share: float = 0.5, width_mm: float = 6.0, length_mm: float = 30.0
) -> Shape:
    """Straight, with one smooth narrowing in the middle: ``diameter_share`` of the diameter is gone there, over a full
    width of ``width_mm``. The smallest diameter is diameter * (1 - share)."""

    def radius(s, whole):
        place = np.clip((s - 0.5 * whole) / (0.5 * width_mm), -1.0, 1.0)
        return 0.5 * diameter_mm * (1.0 - diameter_share * 0.5 * (1.0 + np.cos(np.pi * place)))

    return Shape((tube([[0, 0, length_mm], [0, 0, 0]], radius),))


def bifurcating(
    diameter_mm: float = 4.0, daughters_mm: tuple[float, float] = (3.2, 2.6), degrees: float = 70.0,
    trunk_mm: float = 14.0, length_mm: float = 20.0,
) -> Shape:
    """A trunk down the z axis that splits into two daughters in the x-z plane, ``degrees`` between them."""
    half = np.radians(degrees / 2.0)
    tubes = [tube([[0, 0, trunk_mm], [0, 0, 0]], diameter_mm / 2.0)]
    for sign, diameter in zip((1.0, -1.0), daughters_mm, strict=True):
        end = [sign * np.sin(half) * length_mm, 0, -np.cos(half) * length_mm]
        tubes.append(tube([[0, 0, 0], end], diameter / 2.0, 0))
    return Shape(tuple(tubes))


def coronary_like() -> Shape:
    """Seven branches like a left tree: a short trunk, two main vessels that taper and wind, and their side branches
    down to 1.2 mm."""
    tubes = [tube([[0, 0, 40], [5, -3, 39], [10, -5, 36]], [2.2, 2.1, 2.0])]
    lad = [[10, -5, 36], [14, -12, 30], [15, -20, 18], [13, -24, 4], [9, -22, -10]]
    lcx = [[10, -5, 36], [17, 0, 33], [22, 9, 26], [22, 17, 14], [18, 20, 2]]
    first = tube(lad, [1.8, 1.6, 1.4, 1.1, 0.8], 0)
    second = tube(lcx, [1.7, 1.5, 1.3, 1.0, 0.75], 0)
    tubes += _split(first, [0.25, 0.55], 1)
    tubes += _split(second, [0.45], 4)
    sides = ((1, [8, -1, -9], [1.1, 0.8]), (2, [9, 3, -9], [0.9, 0.65]), (4, [6, -2, -12], [1.0, 0.7]))
    for above, direction, radii in sides:
        start = tubes[above].points_lps_mm[-1]
        way = np.asarray(direction, float)
        knots = [start, start + 0.5 * way + [0.5, 0.5, 1.0], start + 1.2 * way]
        tubes.append(tube(knots, [radii[0], np.mean(radii), radii[1]], above))
    return Shape(tuple(tubes))


def two_systems(apart_mm: float = 25.0) -> Shape:
    """A left-like tree and a single bent vessel to its right (towards smaller x), not connected. Tubes of the second
    have their root last."""
    other = tube([[-6, -6, 38], [-12, -2, 30], [-14, 8, 18], [-8, 16, 8]], [1.9, 1.7, 1.4, 1.0])
    return coronary_like().joined(Shape((other,)).moved([-apart_mm + 10.0, 0.0, 0.0]))


def touching_branches(gap_mm: float = -0.3) -> Shape:
    """A bifurcation whose daughters bow out and touch again at their far third: a loop in every mask. ``gap_mm`` is
    that between their walls at the touch; negative ones overlap."""
    radius, offset = 1.0, 1.0 + 0.5 * gap_mm
    tubes = [tube([[0, 0, 10], [0, 0, 0]], 1.6)]
    for sign in (1.0, -1.0):
        knots = [[0, 0, 0], [sign * 5, 0, -6], [sign * 5, 0, -12], [sign * offset, 0, -18], [sign * 5, 0, -24],
                 [sign * 8, 0, -30]]
        tubes.append(tube(knots, radius, 0))
    return Shape(tuple(tubes))


def island(bow_mm: float = 2.0, radius_mm: float = 0.9, island_mm: float = 12.0) -> Shape:
    """A vessel that splits round an island and is one again behind it, with a distal part that only both lead to."""
    tubes = [tube([[0, 0, 10], [0, 0, 0]], 1.2)]
    for sign in (1.0, -1.0):
        knots = [[0, 0, 0], [sign * bow_mm, 0, -0.5 * island_mm], [0, 0, -island_mm]]
        tubes.append(tube(knots, radius_mm, 0))
    tubes.append(tube([[0, 0, -island_mm], [0, 0, -island_mm - 18]], 1.0, 1))
    return Shape(tuple(tubes))


def with_twig(length_mm: float = 4.8, radius_mm: float = 0.5) -> Shape:
    """A trunk that widens towards its bifurcation, where a short twig stands up; the ostium is thinner than that."""
    tubes = [tube([[0, 0, 10], [12, 0, 8]], [1.5, 2.2])]
    tubes += [tube([[12, 0, 8], [20, y, 0], [24, 2 * y, -14]], [1.7, 1.4, 1.0], 0) for y in (6, -6)]
    tubes.append(tube([[12, 0, 8], [12, 0, 8 + length_mm]], radius_mm, 0))
    return Shape(tuple(tubes))


def grid_round(
    shape: Shape, spacing_xyz_mm=(0.4, 0.4, 0.4), angles_deg=(0.0, 0.0, 0.0), mirrored: bool = False,
    margin_mm: float = 3.0, offset_voxels=(0.3, 0.1, 0.45),
) -> Geometry:
    """A grid that holds the shape with a margin, turned about x, y and z. ``offset_voxels`` keeps axes off the voxels'
    centres, as in a patient."""
    direction = Rotation.from_euler("xyz", angles_deg, degrees=True).as_matrix()
    direction = direction @ np.diag([1.0, 1.0, -1.0 if mirrored else 1.0])
    spacing = np.asarray(spacing_xyz_mm, float)
    local = shape.points_lps_mm @ direction
    reach = margin_mm + shape.radius_mm.max()
    low, high = local.min(0) - reach, local.max(0) + reach
    size = np.ceil((high - low) / spacing).astype(int) + 1
    origin = direction @ (low + np.asarray(offset_voxels) * spacing)
    return Geometry(tuple(int(n) for n in size[::-1]), tuple(spacing), tuple(origin), tuple(direction.ravel()))


def mask_of(shape: Shape, grid: Geometry) -> Volume:
    """uint8: 1 where a voxel's centre lies in the lumen."""
    array = np.zeros(grid.shape_zyx, np.uint8)
    index = _near(shape, grid)
    array[tuple(index.T)] = shape.distance_mm(grid.points_lps(index[:, ::-1])) < 0.0
    return Volume(array, grid, "analytic")


def probability_of(shape: Shape, grid: Geometry, sub: int = 4) -> Volume:
    """float32: share of each voxel inside the lumen, ``sub`` samples a side where the wall passes."""
    array = np.zeros(grid.shape_zyx, np.float32)
    index = _near(shape, grid)
    at_centre = shape.distance_mm(grid.points_lps(index[:, ::-1]))
    share = (at_centre < 0.0).astype(np.float32)
    split = np.abs(at_centre) <= 0.5 * np.linalg.norm(grid.spacing_xyz_mm)
    steps = (np.arange(sub) + 0.5) / sub - 0.5
    offsets = np.array(np.meshgrid(steps, steps, steps)).reshape(3, -1).T
    inside = [shape.distance_mm(grid.points_lps(index[split][:, ::-1] + offset)) < 0.0 for offset in offsets]
    share[split] = np.mean(inside, axis=0)
    array[tuple(index.T)] = share
    return Volume(array, grid, "analytic")


def _near(shape: Shape, grid: Geometry) -> np.ndarray:
    """Indices (n, 3) z, y, x of the voxels that can touch the lumen."""
    marked = np.zeros(grid.shape_zyx, np.uint8)
    index = np.rint(grid.index_of(shape.points_lps_mm)[:, ::-1]).astype(int)
    index = index[((index >= 0) & (index < grid.shape_zyx)).all(axis=1)]
    marked[tuple(index.T)] = 1
    reach = np.ceil(shape.radius_mm.max() / np.asarray(grid.spacing_xyz_mm[::-1])).astype(int) + 2
    return np.argwhere(ndimage.maximum_filter(marked, size=tuple(2 * reach + 1), mode="constant"))


def _split(whole: Tube, shares: list[float], index: int) -> list[Tube]:
    """One vessel as the branches between its junctions, which follow one another from ``index`` on."""
    count = len(whole.points_lps_mm)
    cuts = [0, *(int(s * count) for s in shares), count - 1]
    return [
        Tube(whole.points_lps_mm[a:b + 1], whole.radius_mm[a:b + 1], whole.parent if k == 0 else index + k - 1)
        for k, (a, b) in enumerate(pairwise(cuts))
    ]
