"""What a surface is worth, in numbers: closed, manifold, and what each step did to volume and diameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from vtkmodules.vtkFiltersCore import vtkFeatureEdges

from ..postprocessing.boxes import points_of as points_at
from ..postprocessing.boxes import ridge, spacing_zyx
from ..volume import Geometry
from .mesh import parts_of, polydata_of, volume_and_area

THIN_MM = 1.5
ASCENT_MM = (0.15, 0.1, 0.06, 0.03)


@dataclass(frozen=True)
class SurfaceStep:
    """The surface after one step; changes in percent against the step before.

    ``mean_diameter_mm`` is the mean over points on the vessels' axes of twice the distance to the wall;
    ``thin_diameter_change_percent`` looks at those below 1.5 mm only (None where there are none), because a trunk hides
    what smoothing does to a branch.
    """

    name: str
    volume_mm3: float
    mean_diameter_mm: float
    volume_change_percent: float = 0.0
    diameter_change_percent: float = 0.0
    thin_diameter_change_percent: float | None = None


@dataclass(frozen=True)
class SurfaceReport:
    """Quality of one surface. ``closed``: no free edge; ``manifold``: no edge with more than two triangles.

    ``equivalent_diameter_mm`` is 4 volume / area, the diameter of a long tube with both. ``voxel_volume_mm3`` is the
    volume of the label voxels it was made from.
    """

    closed: bool
    manifold: bool
    components: int
    removed_parts: int
    triangles: int
    volume_mm3: float
    area_mm2: float
    equivalent_diameter_mm: float
    voxel_volume_mm3: float
    steps: tuple[SurfaceStep, ...] = ()

    @property
    def watertight(self) -> bool:
        return self.closed and self.manifold

    def summary(self) -> str:
        """A few lines for a log: the state, then one line per step."""
        state = "watertight" if self.watertight else "NOT watertight"
        lines = [
            f"{state}, {self.components} part(s), {self.triangles} triangles, {self.volume_mm3:.0f} mm³ "
            f"(voxels {self.voxel_volume_mm3:.0f}), {self.area_mm2:.0f} mm²"
        ]
        for step in self.steps:
            thin = step.thin_diameter_change_percent
            thin_text = "" if thin is None else f", thin vessels {thin:+.1f} %"
            lines.append(
                f"  {step.name}: volume {step.volume_change_percent:+.1f} %, "
                f"diameter {step.diameter_change_percent:+.1f} %{thin_text}"
            )
        return "\n".join(lines)


class Ledger:
    """Keeps the account of the steps. The axis points come from the mask once, so that every step is measured at the
    same places."""

    def __init__(self, mask: np.ndarray, geometry: Geometry):
        self._axis_mm = _axis_points(mask, geometry)
        self._diameters: np.ndarray | None = None
        self.voxel_volume_mm3 = float(np.count_nonzero(mask) * geometry.voxel_mm3)
        self.steps: list[SurfaceStep] = []

    def add(self, name: str, points: np.ndarray, triangles: np.ndarray) -> None:
        """Measure the surface after step ``name``."""
        volume, _ = volume_and_area(points, triangles)
        tree = cKDTree(points)
        if self._diameters is None:
            self._axis_mm = _centred(self._axis_mm, tree)
        diameters = 2.0 * tree.query(self._axis_mm)[0]
        mean = float(diameters.mean())
        if self._diameters is None:
            self.steps.append(SurfaceStep(name, volume, mean))
        else:
            before = self.steps[-1]
            thin = self._diameters < THIN_MM
            thin_change = _percent(diameters[thin].mean(), self._diameters[thin].mean()) if thin.any() else None
            self.steps.append(
                SurfaceStep(
                    name, volume, mean, _percent(volume, before.volume_mm3), _percent(mean, before.mean_diameter_mm),
                    thin_change,
                )
            )
        self._diameters = diameters

    @property
    def axis_points_lps_mm(self) -> np.ndarray:
        return self._axis_mm

    def report(self, points: np.ndarray, triangles: np.ndarray, removed_parts: int) -> SurfaceReport:
        volume, area = volume_and_area(points, triangles)
        free, shared = edge_faults(points, triangles)
        return SurfaceReport(
            closed=len(triangles) > 0 and free == 0,
            manifold=shared == 0,
            components=parts_of(len(points), triangles)[0],
            removed_parts=removed_parts,
            triangles=len(triangles),
            volume_mm3=volume,
            area_mm2=area,
            equivalent_diameter_mm=4.0 * volume / area if area > 0 else 0.0,
            voxel_volume_mm3=self.voxel_volume_mm3,
            steps=tuple(self.steps),
        )


def edge_faults(points: np.ndarray, triangles: np.ndarray) -> tuple[int, int]:
    """Edges of only one triangle, and edges of more than two, by VTK's own count."""
    found = []
    for boundary in (True, False):
        edges = vtkFeatureEdges()
        edges.SetInputData(polydata_of(points, triangles))
        edges.SetBoundaryEdges(boundary)
        edges.SetNonManifoldEdges(not boundary)
        edges.FeatureEdgesOff()
        edges.ManifoldEdgesOff()
        edges.ColoringOff()
        edges.Update()
        found.append(edges.GetOutput().GetNumberOfCells())
    return found[0], found[1]


def _percent(now: float, before: float) -> float:
    return float(100.0 * (now / before - 1.0)) if before > 0 else 0.0


def _axis_points(mask: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Ridge of the distance inside the mask, LPS mm (n, 3)."""
    index, _ = ridge(mask, spacing_zyx(geometry))
    return points_at(geometry, index)


def _centred(points_mm: np.ndarray, wall: cKDTree) -> np.ndarray:
    """Each point stepped away from its nearest wall while that wall recedes: voxel centres become axis points."""
    distance, nearest = wall.query(points_mm)
    for step_mm in ASCENT_MM:
        away = points_mm - wall.data[nearest]
        moved = points_mm + step_mm * away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
        new_distance, new_nearest = wall.query(moved)
        better = new_distance > distance
        points_mm = np.where(better[:, None], moved, points_mm)
        distance, nearest = np.where(better, new_distance, distance), np.where(better, new_nearest, nearest)
    return points_mm
