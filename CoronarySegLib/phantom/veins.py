"""Cardiac veins: the strongest look-alikes of coronary arteries, in the same grooves and often touching them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .courses import Surface, resample
from .tree import CoronaryTree


@dataclass(frozen=True)
class Tube:
    """A curve with radii. ``points_lps_mm`` (n, 3), ``radius_mm`` (n,)."""

    points_lps_mm: np.ndarray
    radius_mm: np.ndarray


def grow_veins(
    surface: Surface, tree: CoronaryTree, rng: np.random.Generator, calibre: float = 1.0
) -> tuple[Tube, ...]:
    """Great, middle and small cardiac vein, marginal veins, anterior veins and the coronary sinus, ``calibre`` times
    as wide as usual."""
    frame = surface.heart.frame
    arteries = np.concatenate([b.points_lps_mm[::2] for b in tree.branches if b.radius_mm[0] > 0.55])
    size = calibre * rng.uniform(0.75, 1.3)
    veins: list[Tube] = []

    def lay(control, start: float, end: float, wiggle: float = 1.0, clearance: float | None = None) -> np.ndarray:
        clearance = rng.uniform(1.0, 3.0) if clearance is None else clearance
        apart = 0.5 * (start + end) * size + rng.uniform(1.2, 2.6)
        course = surface.lay(
            np.asarray(control),
            rng,
            clearance_mm=clearance + 0.3 * calibre * max(start, end),
            wiggle_mm=wiggle,
            wavelength_mm=30.0,
            away_from=arteries,
            apart_mm=apart,
        )
        veins.append(Tube(course, np.linspace(start, end, len(course)) * size))
        return course

    heights = np.linspace(4.0, 74.0, 15)
    anterior = surface.interventricular_groove(heights, anterior=True)
    posterior = surface.interventricular_groove(heights, anterior=False)
    av = surface.atrioventricular_groove(np.deg2rad(np.linspace(-110.0, 260.0, 75))).point

    shift = rng.uniform(0.06, 0.16) * (1.0 if rng.random() < 0.7 else -1.0)
    climb = [surface.point(float(np.interp(h, heights, anterior)) + shift, h) for h in np.arange(62.0, 6.0, -8.0)]
    around = [av(a, rng.uniform(-4.0, -1.0)) for a in np.arange(112.0, 215.0, 12.0)]
    great = lay([*climb, *around], 0.8, 2.3)
    sinus = lay([great[-1], *[av(a, -4.0) for a in (225.0, 238.0, 250.0, 260.0)]], 2.6, 4.6, 0.3)
    groove_way = [surface.point(float(np.interp(h, heights, posterior)) + 0.12, h) for h in np.arange(60.0, 8.0, -8.0)]
    lay([*groove_way, sinus[-12]], 0.8, 2.1)
    for _ in range(rng.integers(1, 4)):
        target = great[int(rng.uniform(0.55, 0.98) * len(great))]
        spoke = target - frame.base
        theta = float(np.arctan2(spoke @ frame.up, spoke @ frame.right))
        drift = rng.uniform(-0.06, 0.06)
        way = [
            surface.point(theta + drift * j, float(spoke @ frame.apex) + 11.0 * j)
            for j in range(int(rng.integers(4, 6)), 0, -1)
        ]
        lay([*way, target], 0.6, 1.5)
    if rng.random() < 0.7:
        lay([*[av(a, rng.uniform(3.0, 5.0)) for a in np.arange(0.0, -90.0, -14.0)], sinus[-6]], 0.6, 1.4)
    for _ in range(rng.integers(1, 4)):
        theta = rng.uniform(-0.5, 0.5)
        end = av(np.rad2deg(theta), -4.0)
        spoke = end - frame.base
        way = [surface.point(theta + 0.05 * j, float(spoke @ frame.apex) + 11.0 * j) for j in range(4, 0, -1)]
        lay([*way, end], 0.6, 1.2)
    for _ in range(rng.integers(4, 12)):
        host = veins[int(rng.integers(0, len(veins)))]
        i = int(rng.integers(5, len(host.points_lps_mm) - 5))
        start = host.points_lps_mm[i]
        heading = rng.normal(0, 1, 3)
        normal = surface.outward(start[None])[0]
        heading -= normal * (heading @ normal)
        heading /= np.linalg.norm(heading)
        lay(
            [start + heading * t for t in (0.0, 6.0, 12.0, rng.uniform(16.0, 30.0))],
            min(1.0, host.radius_mm[i] / calibre),
            0.45,
            1.2,
        )
    return tuple(veins)


def straight(points: np.ndarray, radii: tuple[float, float]) -> Tube:
    """A tube along a spline through ``points``."""
    course = resample(np.asarray(points, float), 0.5)
    return Tube(course, np.linspace(*radii, len(course)))
