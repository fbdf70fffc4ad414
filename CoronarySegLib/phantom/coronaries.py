"""A random coronary tree with named branches on the surface of a given heart.

Diameters, lengths and the bifurcation law (D_m^k = D_1^k + D_2^k, k about 2.4) follow published angiography and CT
figures.
The left main's diameter results from its daughters; every side branch takes its share out of the trunk.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .courses import STEP_MM, Surface, arc_length, resample
from .tree import USUAL_BUILD, Branch, CoronaryTree, Dominance, Side, TreeBuild

MIN_DIAMETER_MM = 1.2
"""What a reader can still follow on a good CT; expert trees end at about this calibre."""

USUAL_RADIUS_MM = 1.2
"""Of a trunk: by so much more a vessel of twice the calibre runs above the muscle."""


@dataclass
class _Growing:
    """A branch under construction: its course, and where daughters leave with which diameter."""

    name: str
    side: Side
    parent: int
    points: np.ndarray
    start_diameter_mm: float
    daughters: list[tuple[float, float]] = field(default_factory=list)


class _Grower:
    def __init__(self, surface: Surface, rng: np.random.Generator, dominance: Dominance, build: TreeBuild):
        self.surface, self.rng, self.dominance, self.build = surface, rng, dominance, build
        self.frame = surface.heart.frame
        self.exponent = float(np.clip(rng.normal(2.4, 0.15), 2.1, 2.7))
        self.taper_share = rng.uniform(0.03, 0.12)
        self.wiggle = rng.uniform(0.7, 1.9)
        self.branches: list[_Growing] = []

    def size(self, mean: float, sd: float, low: float, high: float) -> float:
        return float(np.clip(self.rng.normal(mean, sd), low, high))

    def lay(
        self, control, wiggle: float = 1.0, wavelength: float = 26.0, clearance: float | None = None, **kw
    ) -> np.ndarray:
        clearance = self.rng.uniform(0.7, 3.0) if clearance is None else clearance
        return self.surface.lay(
            np.asarray(control),
            self.rng,
            clearance_mm=clearance + (self.build.calibre - 1.0) * USUAL_RADIUS_MM,
            wiggle_mm=wiggle * self.wiggle,
            wavelength_mm=wavelength * self.rng.uniform(0.75, 1.3),
            **kw,
        )

    def add(self, name: str, side: Side, parent: int, points: np.ndarray, diameter: float, at_mm: float = 0.0) -> int:
        self.branches.append(_Growing(name, side, parent, points, diameter))
        if parent >= 0 and at_mm > 0.0:
            self.branches[parent].daughters.append((at_mm, diameter))
        return len(self.branches) - 1

    def diameter_along(self, index: int, arc: np.ndarray) -> np.ndarray:
        """Healthy diameter: linear taper, and the bifurcation law at each daughter passed."""
        branch, k = self.branches[index], self.exponent
        taper = self.taper_share * branch.start_diameter_mm / max(self.length(index), 20.0)
        diameter = np.full(len(arc), branch.start_diameter_mm)
        current, last = branch.start_diameter_mm, 0.0
        for at, daughter in [*sorted(branch.daughters), (np.inf, 0.0)]:
            part = (arc >= last) & (arc <= at)
            diameter[part] = np.maximum(current - taper * (arc[part] - last), MIN_DIAMETER_MM)
            if np.isfinite(at):
                before = max(current - taper * (at - last), MIN_DIAMETER_MM)
                current, last = max(before**k - daughter**k, (0.55 * before) ** k) ** (1 / k), at
        return diameter

    def at(self, index: int, arc_mm: float) -> tuple[np.ndarray, np.ndarray, float]:
        """Point, tangent and present diameter of a branch at an arc position."""
        points = self.branches[index].points
        i = int(np.clip(arc_mm / STEP_MM, 4, len(points) - 5))
        tangent = points[i + 4] - points[i - 4]
        return (
            points[i],
            tangent / np.linalg.norm(tangent),
            float(self.diameter_along(index, np.array([i * STEP_MM]))[0]),
        )

    def length(self, index: int) -> float:
        return float(arc_length(self.branches[index].points)[-1])

    def daughter(
        self,
        name: str,
        parent: int,
        at_mm: float,
        waypoints,
        diameter: float,
        length_mm: float,
        narrows_parent: bool = True,
        **kw,
    ) -> int:
        """A side branch that leaves ``parent`` and runs over ``waypoints`` on the surface, cut to ``length_mm``."""
        start, tangent, trunk = self.at(parent, at_mm)
        waypoints = np.atleast_2d(waypoints)
        first = waypoints[0] - start
        bend = start + 3.0 * (0.6 * tangent + first / max(np.linalg.norm(first), 1e-6))
        points = self.lay(np.vstack([start, bend, waypoints]), **kw)[: max(20, int(length_mm / STEP_MM))]
        diameter = float(np.clip(diameter, MIN_DIAMETER_MM, 0.85 * trunk))
        return self.add(name, self.branches[parent].side, parent, points, diameter, at_mm if narrows_parent else 0.0)


def grow_tree(
    surface: Surface, rng: np.random.Generator, dominance: Dominance, build: TreeBuild = USUAL_BUILD
) -> CoronaryTree:
    """Both trees without lesions."""
    g = _Grower(surface, rng, dominance, build)
    ostia = _ostia(g)
    groove = surface.atrioventricular_groove(np.deg2rad(np.linspace(-110.0, 260.0, 75)))
    _left(g, ostia["left"], groove.point)
    _right(g, ostia["right"], groove.point)
    _twigs(g)
    branches = []
    for i, b in enumerate(g.branches):
        radius = 0.5 * build.calibre * g.diameter_along(i, arc_length(b.points))
        left = arc_length(b.points)[-1] - arc_length(b.points)
        tip = 1.0 if b.name == "LM" else np.clip(left / 2.0, 0.7, 1.0)
        branches.append(Branch(b.name, b.side, b.parent, b.points, radius * tip, radius * tip))
    return CoronaryTree(tuple(branches), ostia, dominance)


def _ostia(g: _Grower) -> dict[str, np.ndarray]:
    """One ostium in the left and one in the right sinus, 12 to 16 mm above the annulus."""
    f = g.frame
    ostia = {}
    for side, aim in (("left", np.array([0.92, 0.10, 0.0])), ("right", np.array([-0.45, -0.88, 0.0]))):
        level = f.annulus + g.rng.uniform(12.0, 16.0) * f.root_axis
        direction = aim + g.rng.normal(0.0, 0.12, 3) * [1, 1, 0]
        direction = direction - f.root_axis * (direction @ f.root_axis)
        direction /= np.linalg.norm(direction)
        reach = np.arange(4.0, 30.0, 0.25)
        depth = g.surface.heart.lattice.sample(g.surface.heart.vessels["aorta"], level + reach[:, None] * direction)
        ostia[side] = level + reach[int(np.argmax(depth > 0.0))] * direction
    return ostia


def _left(g: _Grower, ostium: np.ndarray, av_point) -> None:
    rng, s, f = g.rng, g.surface, g.frame
    lad_size, ramus = g.size(3.5, 0.45, 2.5, 4.6), rng.random() < 0.25
    lcx_size = g.size(*((3.1, 0.5, 2.2, 4.2) if g.dominance == "right" else (3.9, 0.4, 3.0, 4.8)))
    ri_size = g.size(2.0, 0.3, 1.5, 2.6) if ramus else 0.0
    k = g.exponent
    lm_size = (lad_size**k + lcx_size**k + ri_size**k) ** (1 / k)

    heights = np.linspace(4.0, 74.0, 15)
    anterior = s.interventricular_groove(heights, anterior=True)
    lcx_start = float(rng.uniform(108.0, 120.0))
    away = ostium - f.annulus
    away -= f.root_axis * (away @ f.root_axis)
    away /= np.linalg.norm(away)
    lm_length = g.size(14.0, 4.5, 7.0, 25.0)
    goal = 0.5 * (s.point(anterior[1], heights[1]) + av_point(lcx_start))
    towards = goal - (ostium + 4 * away)
    lm_end = ostium + 4.0 * away + max(lm_length - 4.0, 1.0) * towards / np.linalg.norm(towards)
    lm = g.add("LM", "left", -1, g.lay([ostium, ostium + 3.0 * away, lm_end], wiggle=0.15, iterations=6), lm_size)
    end = g.branches[lm].points[-1]

    reach = min(rng.uniform(66.0, 82.0), 82.0)
    hs = np.r_[np.arange(10.0, reach, 7.0)]
    way = [s.point(np.interp(h, heights, anterior) + rng.normal(0, 0.03), h) for h in hs]
    posterior_tip = [f.local(-2.0, -12.0 - 6 * j, reach - 8.0 * j) for j in range(1)] if rng.random() < 0.6 else []
    lad = g.add("LAD", "left", lm, g.lay([end, *way, *posterior_tip], wiggle=0.75, wavelength=24.0), lad_size)

    stop = {"right": rng.uniform(185.0, 225.0), "left": 275.0, "co-dominant": rng.uniform(250.0, 265.0)}[g.dominance]
    way = [av_point(a) for a in np.arange(lcx_start, stop, 12.0)]
    lcx = g.add("LCx", "left", lm, g.lay([end, *way], wavelength=24.0), lcx_size)

    lateral = np.deg2rad(165.0)
    if ramus:
        angle = np.deg2rad(rng.uniform(112.0, 124.0))
        way = [s.point(angle + 0.05 * j, 12.0 + 12.0 * j) for j in range(5)]
        g.add("RI", "left", lm, g.lay([end, *way])[: int(rng.uniform(35, 70) / STEP_MM)], ri_size)

    length = g.length(lad)
    for number, share in enumerate(sorted(rng.uniform([0.12, 0.32, 0.52], [0.28, 0.46, 0.68]))[: rng.integers(2, 4)]):
        at = share * length
        start, _, _ = g.at(lad, at)
        height = float((start - f.base) @ f.apex)
        theta = float(np.interp(height, heights, anterior))
        drift = rng.uniform(0.22, 0.40)
        way = [s.point(theta + drift * j, min(height + 6 + 11.0 * j, 72.0)) for j in range(1, 5)]
        g.daughter(f"D{number + 1}", lad, at, way, g.size(2.1, 0.3, 1.6, 2.7), g.size(44, 12, 20, 75))
    for number, share in enumerate(np.sort(rng.uniform(0.1, 0.6, rng.integers(1, 4)))):
        start, _, _ = g.at(lad, share * length)
        inward = f.local(28.0, 0.0, float((start - f.base) @ f.apex) + 14.0) - start
        tip = start + inward / np.linalg.norm(inward) * rng.uniform(18, 34)
        points = (
            np.linspace(start, tip, 12)
            + np.cumsum(rng.normal(0, 0.35, (12, 3)), axis=0) * np.linspace(0, 1, 12)[:, None]
        )
        g.add(f"S{number + 1}", "left", lad, resample(points, STEP_MM), g.size(1.2, 0.1, 1.1, 1.4))

    length = g.length(lcx)
    for number, share in enumerate(sorted(rng.uniform([0.18, 0.45, 0.7], [0.38, 0.62, 0.88]))[: rng.integers(1, 4)]):
        at = share * length
        start, _, _ = g.at(lcx, at)
        spoke = start - f.base
        theta = float(np.arctan2(spoke @ f.up, spoke @ f.right)) % (2 * np.pi)
        height = float(spoke @ f.apex)
        drift = rng.uniform(-0.06, 0.10) + 0.06 * (lateral - theta)
        way = [s.point(theta + drift * j, height + 6 + 11.5 * j) for j in range(1, 6)]
        g.daughter(f"OM{number + 1}", lcx, at, way, g.size(2.15, 0.35, 1.6, 2.8), g.size(45, 12, 20, 72))
    if g.dominance != "right":
        _crux_branches(g, lcx, "left", pda=g.dominance == "left")


def _right(g: _Grower, ostium: np.ndarray, av_point) -> None:
    rng, s, f = g.rng, g.surface, g.frame
    size = g.size(*((3.9, 0.5, 2.8, 5.0) if g.dominance != "left" else (2.8, 0.4, 2.0, 3.6)))
    away = ostium - f.annulus
    away -= f.root_axis * (away @ f.root_axis)
    away /= np.linalg.norm(away)
    stop = -58.0 if g.dominance != "left" else rng.uniform(-55.0, -30.0)
    start_angle = rng.uniform(18.0, 34.0)
    way = [av_point(a) for a in np.arange(start_angle, stop, -11.0)]
    rca = g.add(
        "RCA",
        "right",
        -1,
        g.lay([ostium, ostium + 5.0 * away + [-2.0, 0, -1.0], *way], wiggle=0.35, wavelength=34.0),
        size,
    )
    length = g.length(rca)

    def branch(name: str, share: float, drift: float, diameter: tuple, reach: tuple, climb: float) -> None:
        start, _, _ = g.at(rca, share * length)
        spoke = start - f.base
        theta = float(np.arctan2(spoke @ f.up, spoke @ f.right))
        way = [s.point(theta + drift * j, float(spoke @ f.apex) + climb * j) for j in range(1, 6)]
        g.daughter(name, rca, share * length, way, g.size(*diameter), g.size(*reach))

    branch("CB", rng.uniform(0.04, 0.09), 0.16, (1.35, 0.2, 1.1, 1.8), (28, 8, 12, 45), 8.0)
    branch("SN", rng.uniform(0.08, 0.14), -0.02, (1.25, 0.15, 1.1, 1.6), (30, 8, 15, 45), -9.0)
    for j in range(rng.integers(1, 3)):
        branch(
            f"RV{j + 1}",
            rng.uniform(0.2, 0.5) if j == 0 else rng.uniform(0.25, 0.65),
            rng.uniform(0.0, 0.12),
            (1.6, 0.25, 1.2, 2.2),
            (38, 12, 15, 65),
            10.0,
        )
    branch("AM", rng.uniform(0.52, 0.68), rng.uniform(-0.12, 0.02), (1.8, 0.3, 1.4, 2.4), (45, 12, 20, 75), 11.5)
    if g.dominance != "left":
        _crux_branches(g, rca, "right", pda=True, lateral=g.dominance == "right")


def _crux_branches(g: _Grower, trunk: int, side: Side, *, pda: bool, lateral: bool = True) -> None:
    """The posterior descending artery in its groove and posterolateral branches, from whichever trunk reaches the
    crux."""
    rng, s = g.rng, g.surface
    heights = np.linspace(6.0, 66.0, 13)
    posterior = s.interventricular_groove(heights, anterior=False)
    length = g.length(trunk)
    if pda:
        way = [s.point(float(np.interp(h, heights, posterior)), h) for h in np.arange(14.0, 62.0, 8.0)]
        g.daughter(
            "PDA",
            trunk,
            (0.90 if side == "right" else 0.93) * length,
            way,
            g.size(2.1, 0.35, 1.6, 2.8),
            g.size(52, 10, 30, 75),
        )
    if lateral:
        for number, share in enumerate((0.975, 0.86)[: rng.integers(1, 3)] if side == "right" else (0.82,)):
            base_angle = float(posterior[1])
            turn = -rng.uniform(0.35, 0.65) - 0.25 * number
            way = [s.point(base_angle + turn * min(1.0, 0.5 + 0.2 * j), 8.0 + 10.0 * j) for j in range(1, 6)]
            g.daughter(
                f"PLB{number + 1}" if number else "PLB",
                trunk,
                share * length,
                way,
                g.size(2.0, 0.35, 1.5, 2.7),
                g.size(45, 12, 20, 70),
            )


def _twigs(g: _Grower) -> None:
    """Small unnamed side branches along everything that is wide enough; real trees are full of them."""
    rng, s = g.rng, g.surface
    density = rng.uniform(*g.build.twigs)
    for index in range(len(g.branches)):
        branch = g.branches[index]
        if branch.name in ("LM",) or branch.name.startswith("S"):
            continue
        length = g.length(index)
        for at in rng.uniform(0.1, 0.92, rng.poisson(density * length / 26.0)) * length:
            start, tangent, trunk = g.at(index, at)
            if trunk < 1.4:
                continue
            normal = s.outward(start[None])[0]
            side = np.cross(tangent, normal) * (1.0 if rng.random() < 0.5 else -1.0)
            heading = side * rng.uniform(0.6, 1.0) + tangent * rng.uniform(0.3, 1.0)
            heading /= np.linalg.norm(heading)
            reach = rng.uniform(10.0, 32.0)
            way = [start + heading * reach * t for t in (0.35, 0.7, 1.1)]
            g.daughter(
                "twig",
                index,
                float(at),
                way,
                rng.uniform(1.2, max(1.25, min(1.8, 0.8 * trunk))),
                reach,
                narrows_parent=False,
                wiggle=0.9,
                wavelength=16.0,
                iterations=8,
            )
