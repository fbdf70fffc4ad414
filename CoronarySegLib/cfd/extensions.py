"""Straight pieces of tube before inlets and behind outlets, so that the boundary condition does not sit in the vessel.

A profile that is imposed at a rim, or an outlet pressure, disturbs the flow for some diameters. The piece begins with
the vessel's own cross-section and turns into the circle of the same area, straight along the normal of the cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from .cuts import Cut
from .ends import OpenedSurface
from .intersections import self_intersections
from .section import plane_axes, polygon_area, polygon_centroid

TRANSITION_DIAMETERS = 1.0
SHORTEST_DIAMETERS = 0.5
TRIES = 5
CLEARANCE_MM = 3.0


@dataclass(frozen=True)
class ExtensionOptions:
    """Lengths in diameters of the opening; 0 leaves the opening at the cut. ``of`` overrides them by patch name."""

    inlet_diameters: float = 5.0
    outlet_diameters: float = 5.0
    of: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if min(self.inlet_diameters, self.outlet_diameters, *(length for _, length in self.of)) < 0:
            raise ValueError("extensions are 0 or more diameters long")

    def diameters(self, cut: Cut) -> float:
        return dict(self.of).get(cut.name, self.inlet_diameters if cut.kind == "inlet" else self.outlet_diameters)


def extended(opened: OpenedSurface, options: ExtensionOptions) -> tuple[OpenedSurface, tuple[str, ...]]:
    """The openings moved out by their extensions, and a sentence for each that had to be shorter than asked.

    A straight tube may run into a neighbouring vessel: it is then shortened until half a diameter lies between, or left
    away below half a diameter. What still cuts anything, the wall it begins at included, is left away as well.
    """
    circles = [_circle(opened.rim_points(i), cut.normal) for i, cut in enumerate(opened.cuts)]
    wanted = [options.diameters(cut) * 2.0 * radius for cut, (_, radius) in zip(opened.cuts, circles, strict=True)]
    moved, owner = _with_tubes(opened, circles, wanted)
    while any(moved.extensions_mm):
        pairs = self_intersections(moved.points_lps_mm, moved.triangles)
        guilty = np.unique(owner[moved.triangles[pairs]])
        guilty = guilty[guilty >= 0]
        if not len(guilty):
            break
        allowed = [0.0 if i in guilty else length for i, length in enumerate(moved.extensions_mm)]
        moved, owner = _with_tubes(opened, circles, allowed)
    notes = [
        f"{cut.name}: extension of {length / (2 * radius):.1f} instead of {asked / (2 * radius):.1f} diameters, as it "
        "would run into another vessel"
        for cut, length, asked, (_, radius) in zip(opened.cuts, moved.extensions_mm, wanted, circles, strict=True)
        if length < asked
    ]
    return moved, tuple(notes)


def _with_tubes(
    opened: OpenedSurface, circles: list[tuple[np.ndarray, float]], wanted_mm: list[float]
) -> tuple[OpenedSurface, np.ndarray]:
    """The surface with a tube on every opening, and for each vertex the tube it is of (-1: none)."""
    points, triangles = opened.points_lps_mm, opened.triangles
    owner = np.full(len(points), -1)
    rims, lengths = [], []
    for index, cut in enumerate(opened.cuts):
        rim, (centre, radius) = opened.rims[index], circles[index]
        length = _free_length(points, cut.normal, centre, radius, wanted_mm[index])
        lengths.append(length)
        if length <= 0.0:
            rims.append(rim)
            continue
        tube, strips, last = _tube(points[rim], rim, len(points), cut.normal, centre, radius, length)
        points = np.concatenate([points, tube])
        owner = np.concatenate([owner, np.full(len(tube), index)])
        triangles = np.concatenate([triangles, sewn_rings(np.stack(strips))])
        rims.append(last)
    moved = replace(
        opened, points_lps_mm=points, triangles=triangles, rims=tuple(rims), extensions_mm=tuple(lengths)
    )
    return moved, owner


def sewn_rings(rings: np.ndarray) -> np.ndarray:
    """Triangles of a tube through rings of vertex numbers (r, n), anticlockwise seen from the last one, every other
    ring turned by half an edge (ring 1 forward against ring 0)."""
    made = []
    for step, (near, far) in enumerate(pairwise(np.asarray(rings))):
        ahead, beyond = np.roll(near, -1), np.roll(far, -1)
        if step % 2 == 0:
            made += [np.stack([near, ahead, far], axis=1), np.stack([ahead, beyond, far], axis=1)]
        else:
            made += [np.stack([near, ahead, beyond], axis=1), np.stack([near, beyond, far], axis=1)]
    return np.concatenate(made)


def _circle(ring: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, float]:
    axes = plane_axes(normal)
    origin = ring.mean(0)
    flat = (ring - origin) @ axes.T
    return origin + polygon_centroid(flat) @ axes, float(np.sqrt(abs(polygon_area(flat)) / np.pi))


def _tube(ring, rim, start, normal, centre, radius, length):
    """Points of all rings behind the first, the rings as vertex numbers (the first is ``rim``), the last ring."""
    count = len(ring)
    axes = plane_axes(normal)
    flat = (ring - centre) @ axes.T
    # Even angles, turned so that they fit the rim's own best: no ring twists against the next.
    even = 2 * np.pi * np.arange(count) / count
    turn = np.angle(np.sum((flat[:, 0] + 1j * flat[:, 1]) * np.exp(-1j * even)))
    # A polygon has less area than its circle: widened so that the extension keeps the area of the opening.
    widened = radius * np.sqrt(2 * np.pi / count / np.sin(2 * np.pi / count))
    edge = 2 * np.pi * radius / count
    steps = max(2, round(length / (edge * np.sqrt(0.75))))
    made, rings = [], [rim]
    for step in range(1, steps + 1):
        along = length * step / steps
        blend = _smooth(along / min(length, TRANSITION_DIAMETERS * 2 * radius))
        half = 0.5 * (step % 2) * 2 * np.pi / count  # every other ring is turned by half an edge: equilateral triangles
        circle = widened * np.stack([np.cos(even + turn + half), np.sin(even + turn + half)], axis=1)
        shape = (1 - blend) * _turned(flat, 0.5 * (step % 2)) + blend * circle
        made.append(centre + along * normal + shape @ axes)
        rings.append(start + (step - 1) * count + np.arange(count))
    return np.concatenate(made), rings, rings[-1]


def _turned(flat: np.ndarray, share: float) -> np.ndarray:
    """The ring's points moved on by ``share`` of an edge, put out again from the chord to the curve."""
    between = (1 - share) * flat + share * np.roll(flat, -1, axis=0)
    return between / np.cos(share * 2 * np.pi / len(flat))


def _smooth(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


def _free_length(points, normal, centre, radius: float, wanted: float) -> float:
    """The longest length up to ``wanted`` for which the tube keeps half a diameter, but at most ``CLEARANCE_MM``, from
    the rest of the wall."""
    if wanted <= 0.0:
        return 0.0
    reach = radius + min(radius, CLEARANCE_MM)
    tree = cKDTree(points)
    length = wanted
    for _ in range(TRIES):
        along = np.linspace(0.0, length, max(3, int(length / (0.5 * radius))))
        axis = centre + along[:, None] * normal
        near = np.unique(np.concatenate([np.array(p, int) for p in tree.query_ball_point(axis, reach)]))
        height = (points[near] - centre) @ normal
        # What lies behind the cut is the vessel itself; what is ahead of it is another one.
        ahead = height > 0.25 * radius
        if not ahead.any():
            return length
        length = float(height[ahead].min()) - reach
        if length < SHORTEST_DIAMETERS * 2 * radius:
            return 0.0
    return 0.0
