"""One straight artery with a side branch on a small grid, and what can be put beside it. Frame LPS mm."""

from __future__ import annotations

import numpy as np

from CoronarySegLib.centreline import CentrelineBranch, CentrelineTree
from CoronarySegLib.phantom.shapes import stamp_spheres
from CoronarySegLib.review import ReviewCase
from CoronarySegLib.volume import Geometry, Volume

GRID = Geometry((60, 80, 120), (0.5, 0.5, 0.5))
START, FORK, END, SIDE_END = (4.0, 20.0, 15.0), (22.0, 20.0, 15.0), (52.0, 20.0, 15.0), (40.0, 34.0, 15.0)
RADIUS_MM, DISTAL_MM, SIDE_MM = 1.6, 1.3, 1.1
TIP_MM = 0.6
"""Where the samples' branches end: as thin as a vessel that nobody can follow further."""
LUMEN_HU, FAT_HU = 400.0, -90.0


def line(start, end, step_mm: float = 0.4) -> np.ndarray:
    start, end = np.asarray(start, float), np.asarray(end, float)
    return np.linspace(start, end, max(2, round(np.linalg.norm(end - start) / step_mm) + 1))


def tube(points, radius) -> np.ndarray:
    """Share of each voxel inside spheres along a line (float32)."""
    points = np.atleast_2d(np.asarray(points, float))
    distance = np.full(GRID.shape_zyx, 2.0, np.float32)
    radii = np.broadcast_to(radius, len(points)).astype(float)
    stamp_spheres(distance, GRID.origin_lps_mm, GRID.spacing_xyz_mm, points, radii, 1.0)
    return np.clip(0.5 - distance / 0.5, 0.0, 1.0)


def branch(parent: int, start, end, radius, name: str = "") -> CentrelineBranch:
    points = line(start, end)
    radii = np.broadcast_to(radius, len(points)).astype(float) if np.ndim(radius) == 0 else \
        np.interp(np.linspace(0, 1, len(points)), np.linspace(0, 1, len(radius)), radius)
    return CentrelineBranch(parent, points, radii, np.pi * radii**2, name, 0.9)


TRUNK = branch(-1, START, FORK, RADIUS_MM, "LAD")
DISTAL = branch(0, FORK, END, (DISTAL_MM, DISTAL_MM, TIP_MM), "LAD")
SIDE = branch(0, FORK, SIDE_END, (SIDE_MM, SIDE_MM, TIP_MM), "D1")
HEALTHY = (TRUNK, DISTAL, SIDE)


def lumen_of(*branches: CentrelineBranch) -> np.ndarray:
    return np.max([tube(one.points_lps_mm, one.radius_mm) for one in branches], axis=0)


def case(lumen: np.ndarray, branches=HEALTHY, *, probability=None, ct=None, **more) -> ReviewCase:
    """A result on GRID; the probability is nearly sure of ``lumen`` and the CT shows it, unless given."""
    probability = 0.95 * lumen if probability is None else probability
    ct = FAT_HU + (LUMEN_HU - FAT_HU) * lumen if ct is None else ct
    volumes = {name: Volume(array.astype(np.float32), GRID) for name, array in more.items()}
    return ReviewCase(
        Volume((lumen >= 0.5).astype(np.uint8), GRID), {"left": CentrelineTree("left", tuple(branches))},
        Volume(probability.astype(np.float32), GRID), Volume(ct.astype(np.float32), GRID), **volumes,
    )
