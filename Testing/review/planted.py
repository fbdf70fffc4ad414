"""A phantom's coronary trees as a network would hand them over, with twenty defects planted whose places are known.

    planted = plant(seed)
    planted.case, planted.defects

The anatomy (arteries with stenoses, veins) is the library's phantom. The probability is drawn, not predicted: sure in
wide vessels, less sure in thin ones, never quite zero in veins; vessels below half a millimetre of radius are not seen.
Then come five defects of each kind: a gap (every other one with the distal part dropped from the labels), a vein that
hangs on an artery, a leak (the first at an ostium), a spur; where a phantom has fewer veins near an artery, more spurs.
Centrelines are extracted from what that gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from CoronarySegLib.centreline import extract_centrelines
from CoronarySegLib.centreline.naming import name_trees
from CoronarySegLib.phantom.anatomy import Anatomy, make_anatomy
from CoronarySegLib.phantom.shapes import stamp_spheres
from CoronarySegLib.review import Kind, ReviewCase, Suspect
from CoronarySegLib.volume import Geometry, Volume

OF_EACH = 5
SPACING_MM = 0.6
MARGIN_MM = 16.0
SEEN_MM = 0.5
"""Radius below which a network loses a vessel."""
APART_MM = 9.0
HIT_MM = 4.0
"""One click brings this much into the middle of every view."""
FAT_HU, MUSCLE_HU, NOISE_HU = -90.0, 110.0, 30.0
SHORTEST_MM = 7.0


@dataclass(frozen=True)
class Defect:
    """``points_lps_mm`` (n, 3) is where it lies."""

    kind: Kind
    points_lps_mm: np.ndarray

    def hit_by(self, suspect: Suspect) -> bool:
        """Whether the place of an entry shows the defect."""
        return bool(cKDTree(self.points_lps_mm).query(suspect.place_lps_mm)[0] <= HIT_MM)


@dataclass(frozen=True)
class Planted:
    """``case`` without a vein probability; ``vein`` is what a network with such an output would say."""

    case: ReviewCase
    vein: Volume
    defects: tuple[Defect, ...]


def plant(seed: int, *, of_each: int = OF_EACH) -> Planted:
    """The same seed gives the same voxels."""
    rng = np.random.default_rng([seed, 4211])
    anatomy = make_anatomy(seed)
    field = _Field(anatomy, rng)
    defects: list[Defect] = []
    for number in range(of_each):
        defects.append(_gap(field, rng, defects, dropped=number % 2 == 0))
    for number in range(of_each):
        defects.append(_leak(field, rng, defects, number))
    for _ in range(of_each):
        vein = _vein(field, rng, defects)
        defects += [vein] if vein else []
    while len(defects) < 4 * of_each:  # a spur more for a vein that this phantom does not have
        defects.append(_spur(field, rng, defects))
    labels, probability, ct, vein = field.volumes()
    trees = name_trees(extract_centrelines(labels, values={"left": 1, "right": 2}, probability=probability))
    return Planted(ReviewCase(labels, trees, probability, ct), vein, tuple(defects))


def found_among(defects: tuple[Defect, ...], queue: tuple[Suspect, ...], first: int = 30) -> list[bool]:
    """For each defect whether one of the ``first`` entries shows it."""
    return [any(defect.hit_by(suspect) for suspect in queue[:first]) for defect in defects]


# --- the image that is there before anything is planted -------------------------------------------------------------

class _Field:
    """Probability and what made it, while defects are put in."""

    def __init__(self, anatomy: Anatomy, rng: np.random.Generator):
        self.vessels = [_seen(branch) for branch in anatomy.tree.branches]
        self.sides = [1 if branch.side == "left" else 2 for branch in anatomy.tree.branches]
        self.parents = [branch.parent for branch in anatomy.tree.branches]
        self.veins = [(tube.points_lps_mm, tube.radius_mm) for tube in anatomy.veins]
        everything = np.concatenate([points for points, _ in self.vessels if len(points)])
        low, high = everything.min(0) - MARGIN_MM, everything.max(0) + MARGIN_MM
        size = np.ceil((high - low) / SPACING_MM).astype(int)
        self.grid = Geometry(tuple(int(n) for n in size[::-1]), (SPACING_MM,) * 3, tuple(low.tolist()))
        self.artery = self.tube(*self._all())
        self.vein = np.max([self.tube(points, radius) for points, radius in self.veins], axis=0)
        self.side = self._sides()
        self.sure = self._sureness(rng)
        veil = 0.05 + 0.2 * ndimage.gaussian_filter(rng.normal(size=self.artery.shape).astype(np.float32), 3.0) * 8
        self.probability = np.maximum(self.artery * self.sure, self.vein * np.clip(veil, 0.0, 0.3))
        self.dropped = np.zeros(self.artery.shape, bool)
        self.extra = np.zeros(self.artery.shape, np.float32)  # contrast that leaks add to the image
        self.rng = rng

    def tube(self, points: np.ndarray, radius: np.ndarray) -> np.ndarray:
        """Share of each voxel inside spheres along a curve (float32)."""
        distance = np.full(self.grid.shape_zyx, 2.0, np.float32)
        stamp_spheres(distance, self.grid.origin_lps_mm, self.grid.spacing_xyz_mm, points, radius, 1.0)
        return np.clip(0.5 - distance / SPACING_MM, 0.0, 1.0)

    def near(self, points: np.ndarray, reach_mm: np.ndarray | float) -> np.ndarray:
        """Voxels within ``reach_mm`` of a curve."""
        return self.tube(points, np.broadcast_to(reach_mm, len(points)).astype(float)) > 0.5

    def add(self, shape: np.ndarray, sure: float, side: int) -> None:
        grown = shape * sure
        new = (grown > self.probability) & (grown > 0.2)
        self.probability = np.maximum(self.probability, grown)
        self.side[new] = side

    def volumes(self) -> tuple[Volume, Volume, Volume, Volume]:
        noise = ndimage.gaussian_filter(self.rng.normal(size=self.probability.shape).astype(np.float32), 1.0) * 0.25
        soft = ndimage.gaussian_filter(self.probability, 0.4)
        probability = np.clip(soft + noise * (soft > 0.03) * 0.5, 0.0, 1.0).astype(np.float32)
        labels = np.where((probability >= 0.5) & ~self.dropped, self.side, 0).astype(np.uint8)
        pieces, count = ndimage.label(labels > 0, np.ones((3, 3, 3)))
        small = np.bincount(pieces.ravel(), minlength=count + 1) * SPACING_MM**3 < 5.0  # as post-processing drops them
        labels[small[pieces]] = 0
        artery_hu = float(self.rng.uniform(350.0, 480.0))
        vein_hu = artery_hu * float(self.rng.uniform(0.6, 0.95))
        ct = FAT_HU + (artery_hu - FAT_HU) * np.maximum(self.artery, self.extra)
        ct = np.maximum(ct, FAT_HU + (vein_hu - FAT_HU) * self.vein)
        ct = ndimage.gaussian_filter(ct.astype(np.float32), 0.7)
        ct += ndimage.gaussian_filter(self.rng.normal(size=ct.shape).astype(np.float32), 0.7) * NOISE_HU * 4.0
        vein = ndimage.gaussian_filter(self.vein, 0.6) * 0.5 * (self.artery < 0.3)
        return tuple(
            Volume(array, self.grid) for array in (labels, probability, ct.astype(np.float32), vein.astype(np.float32))
        )

    def _all(self) -> tuple[np.ndarray, np.ndarray]:
        kept = [one for one in self.vessels if len(one[0])]
        return np.concatenate([points for points, _ in kept]), np.concatenate([radius for _, radius in kept])

    def _sides(self) -> np.ndarray:
        """1 or 2 for every voxel: the side of the nearest vessel, within reach."""
        points = np.concatenate([points for points, _ in self.vessels])
        number = np.repeat(self.sides, [len(points) for points, _ in self.vessels])
        side = np.zeros(self.grid.shape_zyx, np.uint8)
        index = np.argwhere(self.artery > 0.05)
        side[tuple(index.T)] = number[cKDTree(points).query(self.grid.points_lps(index[:, ::-1]))[1]]
        return side

    def _sureness(self, rng: np.random.Generator) -> np.ndarray:
        """0.95 in wide vessels, about 0.7 in thin ones, with slow variation along the way."""
        points, radius = self._all()
        index = np.argwhere(self.artery > 0.05)
        nearest = cKDTree(points).query(self.grid.points_lps(index[:, ::-1]))[1]
        slow = np.zeros(self.grid.shape_zyx, np.float32)
        slow[tuple(index.T)] = np.clip(0.62 + 0.3 * radius[nearest], 0.7, 0.96)
        wave = ndimage.gaussian_filter(rng.normal(size=self.grid.shape_zyx).astype(np.float32), 6.0)
        return np.clip(slow + 0.05 * wave / wave.std(), 0.0, 0.99)


def _seen(branch) -> tuple[np.ndarray, np.ndarray]:
    """Points and radii of a branch as far as a network follows it."""
    thin = np.flatnonzero(branch.healthy_radius_mm < SEEN_MM)
    stop = int(thin[0]) if len(thin) else len(branch.radius_mm)
    points, radius = branch.points_lps_mm[:stop], np.maximum(branch.radius_mm[:stop], 0.35)
    long_enough = branch.parent < 0 or (stop > 2 and _arc(points)[-1] > SHORTEST_MM)
    return (points, radius) if long_enough else (points[:0], radius[:0])


# --- defects --------------------------------------------------------------------------------------------------------

def _free(place: np.ndarray, defects: list[Defect], apart_mm: float = APART_MM) -> bool:
    return all(cKDTree(defect.points_lps_mm).query(place)[0] > apart_mm for defect in defects)


def _arc(points: np.ndarray) -> np.ndarray:
    return np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]


def _spot(field: _Field, rng, defects, *, shares=(0.1, 0.9), least_mm=0.7, shortest_mm=20.0) -> tuple[int, int]:
    """A vessel and a point of it that is still labelled, away from all other defects."""
    for _ in range(4000):
        vessel = int(rng.integers(len(field.vessels)))
        points, radius = field.vessels[vessel]
        if len(points) < 10 or _arc(points)[-1] < shortest_mm:
            continue
        at = int(rng.uniform(*shares) * (len(points) - 1))
        index = tuple(np.rint(field.grid.index_of(points[at])[::-1]).astype(int))
        if radius[at] >= least_mm and _free(points[at], defects) and not field.dropped[index]:
            return vessel, at
    raise RuntimeError("no place is left for a defect")


def _gap(field: _Field, rng, defects, *, dropped: bool) -> Defect:
    """3 to 7 mm of a vessel are nearly gone; with ``dropped`` the rest of it is not labelled either."""
    while True:
        vessel, at = _spot(field, rng, defects, shares=(0.3, 0.75), shortest_mm=30.0)
        points, radius = field.vessels[vessel]
        arc = _arc(points)
        inside = np.abs(arc - arc[at]) < 0.5 * rng.uniform(3.0, 7.0)
        distal = _distal(field, vessel, int(np.flatnonzero(inside)[-1]))
        planted = any(cKDTree(distal).query(defect.points_lps_mm)[0].min() < APART_MM for defect in defects)
        if len(distal) > 15 and (not dropped or not planted):
            break
    hole = field.near(points[inside], radius[inside] + 1.0)
    field.probability[hole] *= rng.uniform(0.02, 0.25)
    if dropped:
        field.dropped |= field.near(distal, 3.0) & ~_others(field, vessel, at)
    return Defect(Kind.GAP, points[inside])


def _distal(field: _Field, vessel: int, start: int) -> np.ndarray:
    """Points of a vessel from ``start`` on, with every vessel that leaves it there."""
    found = [field.vessels[vessel][0][start:]]
    for number, parent in enumerate(field.parents):
        points = field.vessels[number][0]
        if parent == vessel and len(points):
            leaves = int(np.argmin(((field.vessels[vessel][0] - points[0]) ** 2).sum(1)))
            if leaves >= start:
                found.append(_distal(field, number, 0))
    return np.concatenate(found)


def _others(field: _Field, vessel: int, at: int) -> np.ndarray:
    """Voxels of everything that is not distal of a place: it must not be dropped along."""
    distal = cKDTree(_distal(field, vessel, at))
    points, radius = field._all()
    stays = distal.query(points)[0] > 0.05
    return field.near(points[stays], radius[stays])


def _leak(field: _Field, rng, defects, number: int) -> Defect:
    """A ball of contrast: the first round an ostium, the others on the side of a larger vessel."""
    if number == 0:
        trunk = field.vessels[0][0]
        radius, side = float(rng.uniform(3.8, 4.8)), field.sides[0]
        outwards = trunk[0] - trunk[min(8, len(trunk) - 1)]
        centre = trunk[0] + outwards / np.linalg.norm(outwards) * 2.0
    else:
        vessel, at = _spot(field, rng, defects, least_mm=0.9)
        points, radii = field.vessels[vessel]
        radius = float(rng.uniform(2.2, 3.6))
        centre = points[at] + _across(points, at, rng) * (radii[at] + 0.55 * radius)
        side = field.sides[vessel]
    ball = field.tube(centre[None], np.array([radius]))
    field.add(ball, float(rng.uniform(0.65, 0.95)), side)
    field.extra = np.maximum(field.extra, ball)
    away = np.random.default_rng(0).normal(size=(60, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return Defect(Kind.LEAK, np.concatenate([centre[None], centre + 0.6 * radius * away]))


def _vein(field: _Field, rng, defects) -> Defect | None:
    """20 to 45 mm of a vein are labelled, joined to the artery where they come closest; None when this phantom has no
    further vein near an artery."""
    points, _ = field._all()
    owner = np.repeat(np.arange(len(field.vessels)), [len(points) for points, _ in field.vessels])
    arteries = cKDTree(points)
    taken = cKDTree(np.concatenate([defect.points_lps_mm for defect in defects]))
    for tries in range(600):
        away_mm, apart_mm = (5.5, APART_MM) if tries < 400 else (9.0, 0.6 * APART_MM)
        course, radius = field.veins[int(rng.integers(len(field.veins)))]
        length, step = rng.uniform(20.0, 45.0), _arc(course)
        start = rng.uniform(0.0, max(step[-1] - length, 0.0))
        part = (step >= start) & (step <= start + length)
        stretch, radii = course[part], radius[part]
        if step[-1] < 20.0 or np.median(radii) <= 0.6:
            continue
        place = field.grid.index_of(stretch)
        if (place < 1).any() or (place > np.array(field.grid.size_xyz) - 2).any():
            continue
        distance, nearest = arteries.query(stretch)
        touch = int(np.argmin(distance))
        meets = points[nearest[touch]]
        dropped = field.dropped[tuple(np.rint(field.grid.index_of(meets)[::-1]).astype(int))]
        if distance[touch] < away_mm and taken.query(stretch)[0].min() > apart_mm and not dropped:
            bridge = np.linspace(stretch[touch], meets, 20)
            shape = np.maximum(field.tube(stretch, radii), field.tube(bridge, np.full(20, 0.6)))
            field.add(shape, float(rng.uniform(0.62, 0.85)), field.sides[int(owner[nearest[touch]])])
            return Defect(Kind.VEIN, stretch)
    return None


def _spur(field: _Field, rng, defects) -> Defect:
    """A stub of 2.5 to 5 mm on the side of a vessel."""
    vessel, at = _spot(field, rng, defects)
    points, radii = field.vessels[vessel]
    direction = _across(points, at, rng)
    length = float(rng.uniform(2.5, 5.0))
    line = points[at] + direction * np.linspace(0.0, radii[at] + length, 25)[:, None]
    field.add(field.tube(line, np.full(25, rng.uniform(0.6, 0.85))), float(rng.uniform(0.75, 0.9)), field.sides[vessel])
    return Defect(Kind.SPUR, line[5:])


def _across(points: np.ndarray, at: int, rng) -> np.ndarray:
    course = points[min(at + 3, len(points) - 1)] - points[max(at - 3, 0)]
    course /= np.linalg.norm(course)
    direction = rng.normal(size=3)
    direction -= (direction @ course) * course
    return direction / np.linalg.norm(direction)
