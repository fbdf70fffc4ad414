"""Courses on the heart's surface: where grooves run, and curves that follow them in the epicardial fat.

A point of the surface is addressed by the angle round the left ventricle's long axis and the height along it; rays cast
outwards from the axis find it. The atrioventricular groove is the crease between atria and ventricles, the
interventricular grooves are where the outermost muscle changes from the right to the left ventricle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.interpolate import CubicSpline

from .heart import Heart

REACH_MM = np.arange(8.0, 95.0, 1.0)
STEP_MM = 0.3


@dataclass(frozen=True)
class Surface:
    """The heart's outer surface with its gradient, ready for ray casting and for pushing curves onto it."""

    heart: Heart
    gradient: np.ndarray

    @staticmethod
    def of(heart: Heart) -> Surface:
        """Prepare ``heart``; the gradient (3, z, y, x) holds the outward direction in x, y, z order."""
        smooth = ndimage.gaussian_filter(heart.obstacles, 1.0)
        gz, gy, gx = np.gradient(smooth, heart.lattice.spacing_mm)
        return Surface(heart, np.stack([gx, gy, gz]).astype("f4"))

    def outward(self, points: np.ndarray) -> np.ndarray:
        """Unit outward normals (n, 3) at points (n, 3)."""
        n = np.stack([self.heart.lattice.sample(g, points) for g in self.gradient], axis=1)
        return n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-6)

    def height(self, points: np.ndarray) -> np.ndarray:
        """Distance above the muscle or vessel wall, mm."""
        return self.heart.lattice.sample(self.heart.obstacles, points)

    def exit_radius(self, angles: np.ndarray, heights: np.ndarray) -> np.ndarray:
        """Distance from the long axis to the outermost surface for pairs of angle (rad) and height (mm)."""
        frame = self.heart.frame
        origin = frame.base + heights[:, None] * frame.apex
        points = origin[:, None, :] + REACH_MM[None, :, None] * frame.ray(angles)[:, None, :]
        inside = self.heart.lattice.sample(self.heart.surface, points.reshape(-1, 3)).reshape(points.shape[:2]) < 0
        last = inside.shape[1] - 1 - np.argmax(inside[:, ::-1], axis=1)
        return np.where(inside.any(axis=1), REACH_MM[last], REACH_MM[0])

    def point(self, angle_rad: float, height_mm: float) -> np.ndarray:
        """The surface point (3,) at an angle and a height, LPS mm."""
        frame = self.heart.frame
        radius = self.exit_radius(np.array([angle_rad]), np.array([height_mm]))[0]
        return frame.base + height_mm * frame.apex + radius * frame.ray(angle_rad)

    def atrioventricular_groove(self, angles: np.ndarray) -> Groove:
        """The crease between atria and ventricles: at each angle the height where the surface comes nearest to the
        axis."""
        candidates = np.linspace(-14.0, 22.0, 25)
        grid_a, grid_h = np.meshgrid(angles, candidates, indexing="ij")
        radius = self.exit_radius(grid_a.ravel(), grid_h.ravel()).reshape(grid_a.shape)
        radius = ndimage.gaussian_filter(radius, (1.5, 1.0)) + 0.02 * (candidates - 3.0) ** 2
        best = ndimage.median_filter(candidates[np.argmin(radius, axis=1)], 7, mode="nearest")
        # Two harmonics: a groove is a smooth ring; single jumps of the crease must not fold the artery.
        waves = np.stack([np.ones_like(angles), *[f(n * angles) for n in (1, 2) for f in (np.cos, np.sin)]], axis=1)
        heights = waves @ np.linalg.lstsq(waves, best, rcond=None)[0]
        reach = ndimage.median_filter(self.exit_radius(angles, heights), 11, mode="nearest")
        return Groove(self.heart, angles, heights, ndimage.gaussian_filter1d(reach, 2.5, mode="nearest"))

    def interventricular_groove(self, heights: np.ndarray, *, anterior: bool) -> np.ndarray:
        """Angle (rad) at each height where the outermost muscle turns from right to left ventricle."""
        walls = self.heart.walls
        angles = np.deg2rad(np.linspace(25.0, 130.0, 64)) * (1.0 if anterior else -1.0)
        grid_h, grid_a = np.meshgrid(heights, angles, indexing="ij")
        radius = self.exit_radius(grid_a.ravel(), grid_h.ravel())
        frame, lattice = self.heart.frame, self.heart.lattice
        points = frame.base + grid_h.reshape(-1, 1) * frame.apex + radius[:, None] * frame.ray(grid_a.ravel())
        left = (lattice.sample(walls["left"], points) < lattice.sample(walls["right"], points)).reshape(grid_a.shape)
        first = np.where(left.any(axis=1), np.argmax(left, axis=1), len(angles) // 2)
        return ndimage.gaussian_filter1d(angles[first], 1.5, mode="nearest")

    def lay(
        self,
        control: np.ndarray,
        rng: np.random.Generator,
        *,
        clearance_mm: float,
        wiggle_mm: float,
        wavelength_mm: float,
        hold_start: bool = True,
        iterations: int = 30,
        away_from: np.ndarray | None = None,
        apart_mm: float = 0.0,
    ) -> np.ndarray:
        """A smooth curve (n, 3) through ``control`` (m, 3) at ``clearance_mm`` above the muscle, about 0.3 mm a point.

        Tortuosity is a random sideways shift of SD ``wiggle_mm`` that varies over ``wavelength_mm``. The first point
        stays
        where it is. ``away_from`` keeps the curve ``apart_mm`` from other points (a vein beside an artery).
        """
        curve = resample(np.asarray(control, float), 1.0)
        arc = np.arange(len(curve), dtype=float)
        fade = np.clip(arc / 8.0, 0.0, 1.0)[:, None]
        for direction in range(2):
            shift = _wave(rng, len(curve), wavelength_mm) * wiggle_mm
            normal = self.outward(curve)
            tangent = np.gradient(curve, axis=0)
            side = np.cross(tangent, normal) if direction == 0 else normal
            side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-6)
            curve = curve + fade * shift[:, None] * side * (1.0 if direction == 0 else 0.3)
        target = clearance_mm + 0.6 * np.abs(_wave(rng, len(curve), 18.0))
        tree = None
        if away_from is not None and len(away_from):
            from scipy.spatial import cKDTree

            tree = cKDTree(away_from)
        for _ in range(iterations):
            lift = ndimage.gaussian_filter1d(np.clip(target - self.height(curve), -2.0, 2.0), 1.5, mode="nearest")
            normal = ndimage.gaussian_filter1d(self.outward(curve), 2.5, axis=0, mode="nearest")
            curve = curve + fade * lift[:, None] * normal
            if tree is not None:
                distance, nearest = tree.query(curve)
                push = np.clip(apart_mm - distance, 0.0, 2.0)
                away = curve - away_from[nearest]
                curve = curve + push[:, None] * away / np.maximum(distance[:, None], 1e-3)
            smooth = ndimage.gaussian_filter1d(curve, 1.2, axis=0, mode="nearest")
            curve = curve + fade * (smooth - curve)
        return resample(curve, STEP_MM) if hold_start else resample(curve[4:], STEP_MM)


@dataclass(frozen=True)
class Groove:
    """The atrioventricular groove as a smooth ring: height and distance from the long axis at each angle."""

    heart: Heart
    angles_rad: np.ndarray
    heights_mm: np.ndarray
    radii_mm: np.ndarray

    def point(self, angle_deg: float, lift_mm: float = 0.0) -> np.ndarray:
        """Point (3,) of the ring, moved by ``lift_mm`` towards the apex."""
        angle, frame = np.deg2rad(angle_deg), self.heart.frame
        height = np.interp(angle, self.angles_rad, self.heights_mm) + lift_mm
        return frame.base + height * frame.apex + np.interp(angle, self.angles_rad, self.radii_mm) * frame.ray(angle)


def resample(points: np.ndarray, step_mm: float) -> np.ndarray:
    """Cubic spline through ``points`` (n, 3) at even arc steps."""
    keep = np.r_[True, np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-3]
    points = points[keep]
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    spline = (
        CubicSpline(arc, points)
        if len(points) > 2
        else (lambda t: points[0] + t[:, None] / arc[-1] * (points[1] - points[0]))
    )
    fine = spline(np.linspace(0.0, arc[-1], max(8, int(arc[-1] / (0.5 * step_mm)))))
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))]
    even = np.arange(0.0, arc[-1], step_mm)
    return np.stack([np.interp(even, arc, c) for c in fine.T], axis=1)


def arc_length(points: np.ndarray) -> np.ndarray:
    """Distance along the curve (n,) from its first point, mm."""
    return np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]


def _wave(rng: np.random.Generator, count: int, wavelength_mm: float) -> np.ndarray:
    """Random curve of SD 1 at 1 mm steps that turns about every half ``wavelength_mm``."""
    sigma = wavelength_mm / 5.0
    pad = int(4 * sigma)
    wave = ndimage.gaussian_filter1d(rng.standard_normal(count + 2 * pad), sigma)[pad : pad + count]
    return wave / (1.0 / np.sqrt(2.0 * np.sqrt(np.pi) * sigma))
