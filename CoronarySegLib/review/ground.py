"""What every search stands on: the lumen's voxels and the centrelines' points of a case, as tables made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..centreline.tree import CentrelineTree
from ..postprocessing.boxes import bounding_box, cropped, inside_distance, points_of, sample, spacing_zyx
from ..volume import Volume
from .suspects import ReviewCase

MARGIN_MM = 14.0
"""Round the labels: as far as a lost piece is looked for."""
WINDOW_MM = 12.0
"""To either side of a place: what its calibre is compared with."""
PIECE = "piece"
"""Keys of trees of pieces apart begin with it."""
USUAL = 0.4
"""Quantile: a leak at an ostium may fill nearly half of the window that is left there."""


@dataclass(frozen=True)
class Ground:
    """``case`` cropped to the labels and their surroundings, with what the searches share."""

    case: ReviewCase

    @cached_property
    def lumen(self) -> np.ndarray:
        """Any label (bool, z, y, x): calcium fills the vessel, and a vessel is not broken by it."""
        return self.case.labels.array > 0

    @cached_property
    def spacing_zyx_mm(self) -> np.ndarray:
        return spacing_zyx(self.case.labels.geometry)

    @cached_property
    def depths(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Voxels of the lumen (n, 3) z, y, x, their places LPS mm (n, 3) and their distance to the wall in mm (n,)."""
        index, distance = inside_distance(self.lumen, self.spacing_zyx_mm)
        return index, self.places(index), distance - 0.5 * float(self.spacing_zyx_mm.min())

    @cached_property
    def pieces(self) -> tuple[np.ndarray, int]:
        """Pieces of the lumen, corners connect: int32 (z, y, x) and how many."""
        return ndimage.label(self.lumen, np.ones((3, 3, 3)))

    @cached_property
    def followed(self) -> np.ndarray:
        """Which voxels of :attr:`depths` lie in pieces that a centreline runs through (n,)."""
        index, places, _ = self.depths
        ids = self.pieces[0][tuple(index.T)]
        return np.isin(ids, ids[cKDTree(places).query(self.points.points_lps_mm)[1]])

    @cached_property
    def points(self) -> TreePoints:
        return tree_points(self.case.trees)

    def places(self, index_zyx: np.ndarray) -> np.ndarray:
        """Array indices (n, 3) as LPS mm."""
        return points_of(self.case.labels.geometry, index_zyx)

    def along(self, volume: Volume | None, points_lps_mm: np.ndarray) -> np.ndarray:
        """Values of a volume at places (n,); NaN everywhere when there is no such volume."""
        return np.full(len(points_lps_mm), np.nan) if volume is None else sample(volume, points_lps_mm)


def ground_of(case: ReviewCase) -> Ground | None:
    """The ground of a case, None where nothing is labelled."""
    margin = int(np.ceil(MARGIN_MM / min(case.labels.geometry.spacing_xyz_mm)))
    box = bounding_box(case.labels.array > 0, margin)
    if box is None:
        return None
    parts = {"labels": cropped(case.labels, box)}
    for name in ("probability", "ct", "vein", "variance"):
        if getattr(case, name) is not None:
            part = cropped(getattr(case, name), box)
            # Sampling needs float32; converted here it is converted once.
            parts[name] = part.with_array(part.array.astype(np.float32, copy=False))
    return Ground(replace(case, **parts))


@dataclass(frozen=True)
class TreePoints:
    """All points of all trees in one table: one row a point (n, ...), LPS mm.

    ``expected_mm`` is the radius the vessel has round about: a quantile over ``WINDOW_MM`` to either side within its
    branch and those above it, so that a bulge of a few millimetres does not change it, even at an ostium. ``system``
    indexes ``keys``, ``branch`` the tree's branches; ``arc_mm`` runs along the branch.
    """

    points_lps_mm: np.ndarray
    radius_mm: np.ndarray
    expected_mm: np.ndarray
    tangents: np.ndarray
    system: np.ndarray
    branch: np.ndarray
    arc_mm: np.ndarray
    keys: tuple[str, ...]

    @cached_property
    def search(self) -> cKDTree:
        return cKDTree(self.points_lps_mm)

    def nearest(self, place_lps_mm: np.ndarray) -> tuple[str, int]:
        """System and branch whose centreline passes closest to a place; ("", -1) without trees."""
        if not len(self.points_lps_mm):
            return "", -1
        row = int(self.search.query(place_lps_mm)[1])
        return self.keys[int(self.system[row])], int(self.branch[row])

    def rows(self, key: str, branch: int) -> np.ndarray:
        """Rows of one branch, proximal first."""
        return np.flatnonzero((self.system == self.keys.index(key)) & (self.branch == branch))


def tree_points(trees: Mapping[str, CentrelineTree]) -> TreePoints:
    """The table of all points. Without trees it is empty."""
    keys = tuple(sorted(trees))
    columns: list[list[np.ndarray]] = [[np.zeros((0, 3))], [], [], [np.zeros((0, 3))], [], [], []]
    for number, key in enumerate(keys):
        tree = trees[key]
        for index, branch in enumerate(tree.branches):
            count = len(branch.points_lps_mm)
            radius = np.nan_to_num(branch.radius_mm)
            values = (
                branch.points_lps_mm, radius, _expected(tree, index), _tangents(branch.points_lps_mm),
                np.full(count, number), np.full(count, index), branch.arc_mm,
            )
            for column, value in zip(columns, values, strict=True):
                column.append(value)
    return TreePoints(*(np.concatenate(column) if column else np.zeros(0) for column in columns), keys)


def _expected(tree: CentrelineTree, index: int) -> np.ndarray:
    """Usual radius round each point of a branch, over the way from the ostium to the branch's end."""
    branch = tree.branches[index]
    way = tree.curve(tree.path_from_ostium(index))
    radius, offset = np.nan_to_num(way.radius_mm), way.length_mm - branch.length_mm
    return np.array([
        np.quantile(radius[np.abs(way.arc_mm - (offset + arc)) <= WINDOW_MM], USUAL) for arc in branch.arc_mm
    ])


def _tangents(points: np.ndarray) -> np.ndarray:
    """Unit direction of the course at each point (n, 3), over about a millimetre."""
    ahead = np.minimum(np.arange(len(points)) + 2, len(points) - 1)
    behind = np.maximum(np.arange(len(points)) - 2, 0)
    course = points[ahead] - points[behind]
    return course / np.maximum(np.linalg.norm(course, axis=1, keepdims=True), 1e-9)


def label_of(case: ReviewCase, key: str, branch: int) -> str:
    """What people call a branch: its name, or "a side branch of the LAD"."""
    if key not in case.trees or branch < 0:
        return "the vessel"
    if key.startswith(PIECE):
        return "a piece apart"
    tree = case.trees[key]
    for index in reversed(tree.path_from_ostium(branch)):
        name = tree.branches[index].name
        if name:
            return f"the {name}" if index == branch else f"a side branch of the {name}"
    return f"branch {branch} of the {key} tree"
