"""Diameters of a lumen along its centreline, the same way for voxels and for every surface made of them.

Two diameters a branch. By area: what lies inside is shared out among the places of the centreline, and area is volume
by length; voxels are counted, triangles summed by Gauss' theorem in the plane across the vessel. By inscribed sphere:
twice the distance to the nearest wall, at places centred once. Near junctions, where a section belongs to two vessels,
and at free ends nothing is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..centreline.tree import CentrelineTree
from ..reconstruction.vectors import corners_of, cross, dot, mean
from ..volume import Geometry
from .nearest import SurfaceSearch

STEP_MM = 0.4
SMALLEST_RADIUS_MM = 0.2
SHORTEST_MM = 1.0
"""Less than this between the junctions of a branch is no stretch with a section of its own."""
CENTRING_MM = (0.15, 0.1, 0.06, 0.03)
PROFILE_MM = 0.5
"""Least standard deviation of the smoothing of areas along a branch; a bin of 0.4 mm holds few triangles."""


@dataclass(frozen=True)
class BranchDiameter:
    """One branch: mean area-equivalent diameter, mean inscribed diameter, and the smallest of either, over
    ``measured_mm`` of its length. NaN where no place is far enough from its junctions and ends."""

    index: int
    name: str
    area_mm: float
    inscribed_mm: float
    smallest_area_mm: float
    smallest_inscribed_mm: float
    measured_mm: float


@dataclass(frozen=True)
class Profile:
    """``area_mm`` (n,) and ``inscribed_mm`` (n,): diameters at the ruler's places; NaN for what was not measured."""

    area_mm: np.ndarray
    inscribed_mm: np.ndarray


@dataclass(frozen=True)
class Shares:
    """What voxels have at each place (n,): ``volume_mm3`` counted, ``through_mm3`` the same from their outer faces."""

    volume_mm3: np.ndarray
    through_mm3: np.ndarray


@dataclass(frozen=True)
class Ruler:
    """Places along a tree: ``places_mm`` (n, 3), ``tangents`` (n, 3), ``radius_mm``, ``branch``, ``arc_mm``,
    ``length_mm`` (what a place stands for) and ``measured`` (n,) bool. ``profile_mm``: over what length areas are
    averaged; voxels say nothing about what is shorter than they are."""

    tree: CentrelineTree
    places_mm: np.ndarray
    tangents: np.ndarray
    radius_mm: np.ndarray
    branch: np.ndarray
    arc_mm: np.ndarray
    length_mm: np.ndarray
    measured: np.ndarray
    profile_mm: float = PROFILE_MM

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.places_mm)

    def place_of(self, points_mm: np.ndarray, candidates: int = 8) -> np.ndarray:
        """The place (n,) each point belongs to: that whose sphere reaches farthest towards it."""
        near_mm, near = self._tree.query(points_mm, k=min(candidates, len(self.places_mm)))
        near, near_mm = near.reshape(len(points_mm), -1), near_mm.reshape(len(points_mm), -1)
        # Power distance: planes between spheres, as between Voronoi cells, but between vessels of unlike calibre too.
        best = np.argmin(near_mm**2 - self.radius_mm[near] ** 2, axis=1)
        return near[np.arange(len(near)), best]

    def of_voxels(self, inside: np.ndarray, geometry: Geometry) -> Shares:
        """What the True voxels of a mask (z, y, x) have at each place."""
        index = np.argwhere(inside)
        place = self.place_of(geometry.points_lps(index[:, ::-1]))
        volume = np.bincount(place, minlength=len(self.places_mm)) * geometry.voxel_mm3
        middles, faces = voxel_faces(inside, geometry)
        return Shares(volume, self._through(middles, faces, self.place_of(middles)))

    def of_surface(
        self, points_mm: np.ndarray, triangles: np.ndarray, place: np.ndarray, voxels: Shares, centres_mm: np.ndarray
    ) -> Profile:
        """Profile of a closed surface (points (n, 3), triangles (m, 3)) that was made from those voxels, with inscribed
        spheres round ``centres_mm`` (one a place). ``place`` (m,): what each triangle belongs to (:meth:`place_of`).

        Where two branches share a lumen, the plane between their places belongs to neither surface. It is the same for
        the voxels and for what was made of them, so only the difference between the two is taken from the walls.
        """
        corners = corners_of(points_mm, triangles)
        faces = 0.5 * cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        volume = voxels.volume_mm3 + self._through(mean(corners), faces, place) - voxels.through_mm3
        inscribed = 2.0 * SurfaceSearch(points_mm, triangles)(centres_mm).distance_mm
        return Profile(self._area_diameters(volume), np.where(self.measured, inscribed, np.nan))

    def profile_of(self, voxels: Shares) -> Profile:
        """The voxels' own profile; they have no inscribed sphere finer than themselves."""
        return Profile(self._area_diameters(voxels.volume_mm3), np.full(len(self.places_mm), np.nan))

    def _through(self, at_mm: np.ndarray, faces_mm2: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Volume (n places,) by Gauss' theorem in the plane across: half of offset times outward face, summed."""
        out = at_mm - self.places_mm.take(place, axis=0)
        tangents = self.tangents.take(place, axis=0)
        out -= dot(out, tangents)[:, None] * tangents
        return np.bincount(place, 0.5 * dot(out, faces_mm2), minlength=len(self.places_mm))

    def branches(self, profile: Profile) -> tuple[BranchDiameter, ...]:
        """Means of a profile a branch, in the tree's order."""
        result = []
        for index, branch in enumerate(self.tree.branches):
            here = (self.branch == index) & self.measured
            if not here.any():
                result.append(BranchDiameter(index, branch.name, *[float("nan")] * 4, 0.0))
                continue
            length = self.length_mm[here]
            area = np.sqrt(np.average(profile.area_mm[here] ** 2, weights=length))
            inscribed = profile.inscribed_mm[here]
            result.append(BranchDiameter(
                index, branch.name, float(area), float(np.average(inscribed, weights=length)),
                float(profile.area_mm[here].min()), float(inscribed.min()), float(length.sum()),
            ))
        return tuple(result)

    def centred(self, points_mm: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """Each place stepped across the vessel away from its nearest wall while that wall recedes (n, 3): the centre of
        the largest inscribed sphere. Found once, so that every step is measured at the same places."""
        search = SurfaceSearch(points_mm, triangles)
        places = self.places_mm
        found = search(places)
        wall, distance = found.points_mm, found.distance_mm
        for step_mm in np.repeat(CENTRING_MM, 2):
            away = places - wall
            away -= (away * self.tangents).sum(1)[:, None] * self.tangents
            away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
            moved = places + step_mm * away
            other = search(moved)
            better = other.distance_mm > distance
            places = np.where(better[:, None], moved, places)
            wall, distance = np.where(better[:, None], other.points_mm, wall), np.maximum(other.distance_mm, distance)
        return places

    def _area_diameters(self, volume_mm3: np.ndarray) -> np.ndarray:
        result = np.full(len(volume_mm3), np.nan)
        for index in range(len(self.tree.branches)):
            here = np.flatnonzero(self.branch == index)
            length, ours = self.length_mm[here], self.measured[here].astype(float)
            smooth = self.profile_mm / max(float(np.median(length)), 1e-6)
            # Volume and length are smoothed alike, with nothing from outside of the measured stretch.
            volume = ndimage.gaussian_filter1d(volume_mm3[here] * ours, smooth, mode="constant")
            length = ndimage.gaussian_filter1d(length * ours, smooth, mode="constant")
            area = np.maximum(volume, 0.0) / np.maximum(length, 1e-12)
            result[here] = np.where(ours > 0, 2.0 * np.sqrt(area / np.pi), np.nan)
        return result


def ruler_along(tree: CentrelineTree, step_mm: float = STEP_MM, profile_mm: float = PROFILE_MM) -> Ruler:
    """Places every ``step_mm`` along the branches of ``tree``; areas are averaged over ``profile_mm`` along them."""
    places, tangents, radii, branches, arcs, lengths, measured = [], [], [], [], [], [], []
    for index, branch in enumerate(tree.branches):
        count = max(int(np.ceil(branch.length_mm / step_mm)), 1)
        edge = np.linspace(0.0, branch.length_mm, count + 1)
        arc = 0.5 * (edge[:-1] + edge[1:])
        place = _at(branch.arc_mm, branch.points_lps_mm, arc)
        span = 2.0 * step_mm
        ahead = _at(branch.arc_mm, branch.points_lps_mm, np.minimum(arc + span, branch.length_mm))
        behind = _at(branch.arc_mm, branch.points_lps_mm, np.maximum(arc - span, 0.0))
        tangent = ahead - behind
        radius = np.maximum(np.interp(arc, branch.arc_mm, branch.radius_mm), SMALLEST_RADIUS_MM)
        start, stop = _unmeasured_mm(tree, index)
        places.append(place)
        tangents.append(tangent / np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12))
        radii.append(radius)
        branches.append(np.full(count, index))
        arcs.append(arc)
        lengths.append(np.diff(edge))
        middle = (arc > start) & (arc < branch.length_mm - stop)
        measured.append(middle & (branch.length_mm - start - stop >= SHORTEST_MM))
    columns = (places, tangents, radii, branches, arcs, lengths, measured)
    return Ruler(tree, *(np.concatenate(column) for column in columns), profile_mm)


def voxel_faces(inside: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Middles (n, 3) LPS mm and outward area vectors (n, 3) mm² of the faces between True and False voxels."""
    wide = np.pad(inside, 1).astype(np.int8)
    axes = np.reshape(geometry.direction, (3, 3)).T
    spacing = np.asarray(geometry.spacing_xyz_mm)
    middles, faces = [], []
    for axis in range(3):
        step = np.diff(wide, axis=axis)
        xyz = 2 - axis
        area = geometry.voxel_mm3 / spacing[xyz] * axes[xyz]
        for sign in (1, -1):
            # +1: from outside to inside along the axis, so outward is backward.
            index = np.argwhere(step == sign).astype(float) - 1.0
            index[:, axis] += 0.5
            middles.append(geometry.points_lps(index[:, ::-1]))
            faces.append(np.tile(-sign * area, (len(index), 1)))
    return np.concatenate(middles), np.concatenate(faces)


def _unmeasured_mm(tree: CentrelineTree, index: int) -> tuple[float, float]:
    """Lengths at the start and the end of a branch where its section is not its own."""
    branch = tree.branches[index]
    start = branch.radius_mm[0] if branch.parent < 0 else max(
        [tree.branches[branch.parent].radius_mm[-1], *(_mouth(tree, i) for i in tree.children[branch.parent])]
    )
    stop = max([branch.radius_mm[-1], *(_mouth(tree, i) for i in tree.children[index])])
    return 1.2 * float(start), 1.2 * float(stop)


def _mouth(tree: CentrelineTree, index: int) -> float:
    """Radius of a daughter beyond its parent's lumen: at its first point it still is the parent's."""
    return float(np.median(tree.branches[index].radius_mm))


def _at(arc: np.ndarray, points: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(wanted, arc, points[:, k]) for k in range(3)], axis=1)
