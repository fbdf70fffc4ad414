"""The model a flow solver gets: one closed surface whose triangles are divided among named patches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .cuts import Cut

WALL = "wall"


@dataclass(frozen=True)
class Patch:
    """One part of the surface. Frame LPS, lengths in mm.

    ``kind`` is "wall", "inlet" or "outlet". ``normal`` (3,) is the mean unit normal out of the lumen, zeros for the
    wall. ``radius_mm`` is that of the circle with the same area, NaN for the wall. ``flatness_mm`` is the largest
    distance of a vertex from the patch's own plane, NaN for the wall. ``cut`` is where the vessel itself was cut;
    ``extension_mm`` is how far the flow extension moved the patch away from there, along ``cut.normal``.
    """

    name: str
    kind: str
    triangles: int
    area_mm2: float
    centroid_lps_mm: np.ndarray
    normal: np.ndarray
    radius_mm: float
    flatness_mm: float
    cut: Cut | None = None
    extension_mm: float = 0.0


@dataclass(frozen=True)
class CfdModel:
    """Points (n, 3) LPS mm, triangles (m, 3) with normals out of the lumen, and for each triangle its place in
    ``patches`` (m,). The wall comes first, then inlets, then outlets."""

    points_lps_mm: np.ndarray
    triangles: np.ndarray
    patch: np.ndarray
    patches: tuple[Patch, ...]

    @property
    def openings(self) -> tuple[Patch, ...]:
        """Every patch but the wall."""
        return tuple(p for p in self.patches if p.kind != WALL)

    @property
    def inlets(self) -> tuple[Patch, ...]:
        return tuple(p for p in self.patches if p.kind == "inlet")

    @property
    def outlets(self) -> tuple[Patch, ...]:
        return tuple(p for p in self.patches if p.kind == "outlet")

    @cached_property
    def bounds_mm(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner."""
        return self.points_lps_mm.min(0), self.points_lps_mm.max(0)

    def triangles_of(self, name: str) -> np.ndarray:
        """Triangles (k, 3) of the patch called ``name``. KeyError when there is none."""
        for index, patch in enumerate(self.patches):
            if patch.name == name:
                return self.triangles[self.patch == index]
        raise KeyError(name)


def assembled(
    points: np.ndarray, wall: np.ndarray, caps: list[np.ndarray], cuts: list[Cut], extensions_mm: list[float]
) -> CfdModel:
    """A model of the wall's triangles and one set of triangles a cut, measured patch by patch."""
    order = sorted(range(len(cuts)), key=lambda i: cuts[i].kind != "inlet")  # stable: inlets first
    parts = [wall, *(caps[i] for i in order)]
    patches = [measured(points, wall, WALL, WALL)]
    patches += [measured(points, caps[i], cuts[i].name, cuts[i].kind, cuts[i], extensions_mm[i]) for i in order]
    numbers = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return CfdModel(points, np.concatenate(parts), numbers, tuple(patches))


def measured(
    points: np.ndarray, triangles: np.ndarray, name: str, kind: str, cut: Cut | None = None, extension_mm: float = 0.0
) -> Patch:
    """The patch of these triangles with its area, centroid, normal, radius and flatness."""
    a, b, c = points[triangles.T]
    normals = 0.5 * np.cross(b - a, c - a)
    areas = np.linalg.norm(normals, axis=1)
    area = float(areas.sum())
    centroid = ((a + b + c) / 3.0 * areas[:, None]).sum(0) / area
    if kind == WALL:
        return Patch(name, kind, len(triangles), area, centroid, np.zeros(3), np.nan, np.nan)
    normal = normals.sum(0) / np.linalg.norm(normals.sum(0))
    flatness = float(np.abs((points[np.unique(triangles)] - centroid) @ normal).max())
    radius = float(np.sqrt(area / np.pi))
    return Patch(name, kind, len(triangles), area, centroid, normal, radius, flatness, cut, extension_mm)
