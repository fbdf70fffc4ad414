"""Implicit shapes on a coarse lattice: signed distances in mm, negative inside.

All large structures of the phantom live as signed distances on one lattice of 1.5 mm and are interpolated to any
image grid later, so the anatomy itself knows no voxels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from scipy.interpolate import CubicSpline

FAR_MM = 15.0
"""Distances are exact to about this far from a tube; beyond it they are cut off."""


@dataclass(frozen=True)
class Lattice:
    """Regular axis-aligned LPS lattice. ``origin_lps_mm`` is the corner sample, arrays are (z, y, x)."""

    origin_lps_mm: tuple[float, float, float]
    shape_zyx: tuple[int, int, int]
    spacing_mm: float = 1.5

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sample coordinates (x, y, z) as broadcastable float32 arrays of shape (1,1,nx), (1,ny,1), (nz,1,1)."""
        x, y, z = (
            np.float32(self.origin_lps_mm[i])
            + np.float32(self.spacing_mm) * np.arange(self.shape_zyx[2 - i], dtype="f4")
            for i in range(3)
        )
        return x[None, None, :], y[None, :, None], z[:, None, None]

    def index(self, points_lps_mm: np.ndarray) -> np.ndarray:
        """Points (n, 3) LPS mm to continuous array indices (3, n) in z, y, x order, as scipy.ndimage takes them."""
        return ((np.asarray(points_lps_mm) - self.origin_lps_mm) / self.spacing_mm)[:, ::-1].T

    def sample(self, field: np.ndarray, points_lps_mm: np.ndarray) -> np.ndarray:
        """Trilinear value of ``field`` at points (n, 3)."""
        return ndimage.map_coordinates(field, self.index(points_lps_mm), order=1, mode="nearest")

    def full(self, value: float) -> np.ndarray:
        return np.full(self.shape_zyx, value, "f4")


def ellipsoid(
    lattice: Lattice, centre: np.ndarray, radii_mm: tuple[float, float, float], axes: np.ndarray | None = None
):
    """Approximate signed distance to an ellipsoid. ``axes`` are three unit row vectors (LPS), identity if None."""
    x, y, z = lattice.axes()
    x, y, z = x - np.float32(centre[0]), y - np.float32(centre[1]), z - np.float32(centre[2])
    axes = np.eye(3) if axes is None else np.asarray(axes)
    k0 = np.zeros(lattice.shape_zyx, "f4")
    k1 = np.zeros(lattice.shape_zyx, "f4")
    for row, radius in zip(axes.astype("f4"), radii_mm, strict=True):
        q = (x * row[0] + y * row[1] + z * row[2]) / np.float32(radius)
        q *= q
        k0 += q
        k1 += q / np.float32(radius) ** 2
    k0 = np.sqrt(k0)
    return k0 * (k0 - 1.0) / np.sqrt(np.maximum(k1, 1e-8))


def half_space(lattice: Lattice, point: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Signed distance to a plane, negative on the side opposite to ``normal``."""
    x, y, z = lattice.axes()
    return ((x - point[0]) * normal[0] + (y - point[1]) * normal[1] + (z - point[2]) * normal[2]).astype("f4")


def tube(lattice: Lattice, points_lps_mm: np.ndarray, radii_mm: np.ndarray | float) -> np.ndarray:
    """Signed distance to a tube along a smooth curve through ``points`` with interpolated radii."""
    curve, radii = dense_curve(points_lps_mm, radii_mm, lattice.spacing_mm)
    field = lattice.full(FAR_MM)
    stamp_spheres(field, lattice.origin_lps_mm, (lattice.spacing_mm,) * 3, curve, radii, FAR_MM)
    return field


def dense_curve(points: np.ndarray, radii: np.ndarray | float, step_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Cubic spline through ``points`` sampled about every ``step_mm``; radii follow linearly."""
    points = np.asarray(points, float)
    chord = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    count = max(2, int(np.ceil(chord[-1] / step_mm)) + 1)
    t = np.linspace(0.0, chord[-1], count)
    curve = CubicSpline(chord, points)(t) if len(points) > 2 else np.c_[[np.interp(t, chord, p) for p in points.T]].T
    radii = np.broadcast_to(np.asarray(radii, float), len(points))
    return curve, np.interp(t, chord, radii)


def stamp_spheres(
    field: np.ndarray,
    origin_xyz: tuple[float, float, float],
    spacing_xyz: tuple[float, float, float],
    centres: np.ndarray,
    radii: np.ndarray,
    margin_mm: float,
) -> None:
    """Lower ``field`` (z, y, x) to the distance from the nearest sphere, within ``margin_mm`` of each sphere.

    ``origin_xyz``, ``spacing_xyz`` and ``centres`` share one axis-aligned frame. A curve sampled more finely than its
    radius becomes a tube; the ripple is step²/(8 radius).
    """
    origin, spacing = np.asarray(origin_xyz), np.asarray(spacing_xyz)
    size = np.asarray(field.shape[::-1])
    reach = np.asarray(radii)[:, None] + margin_mm
    low = np.maximum(np.floor((centres - reach - origin) / spacing).astype(int), 0)
    high = np.minimum(np.ceil((centres + reach - origin) / spacing).astype(int) + 1, size)
    coords = [origin[i] + spacing[i] * np.arange(size[i]) for i in range(3)]
    for centre, radius, lo, hi in zip(centres, radii, low, high, strict=True):
        if (hi <= lo).any():
            continue
        dx, dy, dz = (coords[i][lo[i] : hi[i]] - centre[i] for i in range(3))
        distance = np.sqrt((dz * dz)[:, None, None] + (dy * dy)[None, :, None] + (dx * dx)[None, None, :]) - radius
        window = field[lo[2] : hi[2], lo[1] : hi[1], lo[0] : hi[0]]
        np.minimum(window, distance, out=window, casting="same_kind")


def smooth_union(a: np.ndarray, b: np.ndarray, blend_mm: float) -> np.ndarray:
    """Polynomial smooth minimum of two signed distances; the crease is rounded over ``blend_mm``."""
    h = np.clip(0.5 + 0.5 * (b - a) / blend_mm, 0.0, 1.0)
    return b + (a - b) * h - blend_mm * h * (1.0 - h)


def closed_surface(lattice: Lattice, field: np.ndarray, radius_mm: float) -> np.ndarray:
    """Signed distance to the morphological closing of ``field`` < 0 by ``radius_mm``: hollows filled, bulges kept."""
    spacing = lattice.spacing_mm
    outer = ndimage.distance_transform_edt(field > 0) * spacing - radius_mm
    inside = ndimage.distance_transform_edt(outer < 0) * spacing
    outside = ndimage.distance_transform_edt(outer >= 0) * spacing
    return (radius_mm + outside - inside).astype("f4")


def smooth_noise(lattice: Lattice, rng: np.random.Generator, wavelength_mm: float) -> np.ndarray:
    """Random field of mean 0, SD 1 that varies over about ``wavelength_mm``."""
    cells = [max(4, int(np.ceil(n * lattice.spacing_mm / (0.45 * wavelength_mm))) + 2) for n in lattice.shape_zyx]
    coarse = ndimage.gaussian_filter(rng.standard_normal(cells).astype("f4"), 0.5)
    field = torch.nn.functional.interpolate(
        torch.from_numpy(coarse)[None, None], size=lattice.shape_zyx, mode="trilinear", align_corners=True
    )[0, 0].numpy()
    return (field - field.mean()) / max(float(field.std()), 1e-6)
