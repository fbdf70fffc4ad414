"""Chambers, great vessels and pericardium of one random heart, as signed distances in LPS mm.

The frame's origin is about the heart's centre. Positions are set relative to the centre of the left ventricle's base;
``apex``, ``right`` and ``up`` are the ventricle's own axes: towards the apex, towards the right ventricle, and across
both (about anterior-superior). Sizes follow published adult means with their spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from .shapes import Lattice, closed_surface, ellipsoid, half_space, smooth_noise, smooth_union, tube


@dataclass(frozen=True)
class HeartFrame:
    """Where the heart lies. All vectors LPS; unit vectors are orthonormal and right-handed up to sign."""

    base: np.ndarray
    apex: np.ndarray
    right: np.ndarray
    up: np.ndarray
    annulus: np.ndarray
    root_axis: np.ndarray
    root_radius_mm: float
    pulmonary_valve: np.ndarray
    crux: np.ndarray

    def local(self, right: float, up: float, apex: float) -> np.ndarray:
        """A point given along the ventricle's axes, mm from the centre of its base."""
        return self.base + right * self.right + up * self.up + apex * self.apex

    def ray(self, angle_rad: float | np.ndarray) -> np.ndarray:
        """Unit direction(s) across the long axis; 0 looks at the right ventricle, +90° upwards."""
        angle = np.asarray(angle_rad)[..., None]
        return np.cos(angle) * self.right + np.sin(angle) * self.up


@dataclass(frozen=True)
class Heart:
    """Signed distances (z, y, x) on ``lattice``; negative inside. ``walls`` are outer surfaces of chambers."""

    lattice: Lattice
    frame: HeartFrame
    cavities: dict[str, np.ndarray]
    walls: dict[str, np.ndarray]
    vessels: dict[str, np.ndarray]
    trabeculae: np.ndarray
    surface: np.ndarray
    obstacles: np.ndarray
    pericardium: np.ndarray


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)


def place_heart(rng: np.random.Generator) -> HeartFrame:
    """Draw position and axes of a heart."""
    turn = Rotation.from_rotvec(rng.normal(0.0, np.deg2rad(7.0), 3))
    apex = _unit(turn.apply(_unit(np.array([0.60, -0.62, -0.50]))))
    right = turn.apply(np.array([-0.72, -0.60, 0.10]))
    right = _unit(right - apex * (right @ apex))
    up = np.cross(apex, right)
    up = up if up[2] > 0 else -up
    base = np.array([9.0, 10.0, 4.0]) + rng.normal(0.0, 2.5, 3)
    annulus = base + 9.0 * right + 14.0 * up - 5.0 * apex + rng.normal(0.0, 1.5, 3)
    root_axis = _unit(np.array([-0.30, -0.22, 0.92]) + rng.normal(0.0, 0.07, 3))
    valve = annulus + np.array([13.0, -24.0, 14.0]) + rng.normal(0.0, 2.0, 3)
    return HeartFrame(
        base, apex, right, up, annulus, root_axis, float(np.clip(rng.normal(16.0, 1.2), 13.5, 19.0)), valve, base
    )


def build_heart(lattice: Lattice, rng: np.random.Generator) -> Heart:
    """All structures of one heart. A few seconds on the usual lattice."""
    frame = place_heart(rng)
    size = float(np.clip(rng.normal(1.0, 0.06), 0.86, 1.16))
    own_axes = np.stack([frame.right, frame.up, frame.apex])

    def rough(amplitude_mm: float, wavelength_mm: float) -> np.ndarray:
        return amplitude_mm * smooth_noise(lattice, rng, wavelength_mm)

    # Left ventricle: a truncated ellipsoid; its papillary muscles and trabeculae are cut into the cavity.
    wall = rng.uniform(9.0, 11.0)
    short = 24.0 * size * rng.uniform(0.92, 1.08)
    long = 47.0 * size * rng.uniform(0.93, 1.07)
    centre = frame.local(0.0, 0.0, 22.0 * size)
    bumps = rough(1.0, 30.0)
    lv_epi = ellipsoid(lattice, centre, (short + wall, short + wall, long + 0.8 * wall), own_axes) + bumps
    lv = ellipsoid(lattice, centre, (short, short, long), own_axes) + rough(0.8, 18.0)
    base_cut = half_space(lattice, frame.local(0, 0, -9.0 * size), -frame.apex)
    lv, lv_epi = np.maximum(lv, base_cut), np.maximum(lv_epi, base_cut)

    # Right ventricle: an ellipsoid from which the left one is taken away; the septum belongs to the left.
    rv_wall = rng.uniform(3.0, 4.0)
    rv_centre = frame.local(27.0 * size, 3.0, 20.0 * size)
    rv_radii = (30.0 * size * rng.uniform(0.92, 1.08), 37.0 * size * rng.uniform(0.93, 1.07), 46.0 * size)
    rv = ellipsoid(lattice, rv_centre, rv_radii, own_axes) + rough(1.2, 25.0)
    outflow_points = np.array(
        [
            frame.local(30.0, 18.0, 18.0),
            0.5 * (frame.local(24.0, 34.0, 8.0) + frame.pulmonary_valve),
            frame.pulmonary_valve,
        ]
    )
    outflow = tube(lattice, outflow_points, np.array([17.0, 15.0, 13.0]) * size)
    rv = smooth_union(rv, outflow, 6.0)
    rv = np.maximum(rv, half_space(lattice, frame.local(0, 0, -4.0), -frame.apex) - 22.0 * (outflow < 6.0))
    rv_epi = rv - rv_wall
    rv = np.maximum(rv, -lv_epi)

    # Atria behind the base.
    la_centre = frame.base + np.array([-15.0, 26.0, 14.0]) * size + rng.normal(0, 2.0, 3)
    la = ellipsoid(lattice, la_centre, (30.0 * size, 19.0 * size * rng.uniform(0.9, 1.15), 24.0 * size)) + rough(
        1.2, 30.0
    )
    ra_centre = frame.base + np.array([-41.0, -4.0, -4.0]) * size + rng.normal(0, 2.0, 3)
    ra = ellipsoid(lattice, ra_centre, (21.0 * size, 24.0 * size, 29.0 * size)) + rough(1.5, 25.0)

    # Aortic root with three sinuses, ascending aorta; pulmonary trunk; caval veins; pulmonary veins; appendages.
    axis, annulus, radius = frame.root_axis, frame.annulus, frame.root_radius_mm
    ascending = [
        annulus - 6.0 * axis,
        annulus + 9.0 * axis,
        annulus + 21.0 * axis,
        annulus + 45.0 * axis,
        annulus + 75.0 * axis + np.array([6.0, 12.0, 4.0]),
    ]
    aorta_radii = np.array([0.78, 1.0, 0.88, 0.96, 0.95]) * radius
    aorta = tube(lattice, np.array(ascending), aorta_radii)
    for turn in range(3):
        direction = Rotation.from_rotvec(axis * (2.0944 * turn + 0.6)).apply(_unit(np.cross(axis, [0.3, 1.0, 0.2])))
        aorta = smooth_union(
            aorta, ellipsoid(lattice, annulus + 9.0 * axis + 0.45 * radius * direction, (0.72 * radius,) * 3), 3.0
        )
    valve = frame.pulmonary_valve
    trunk_points = np.array([valve, valve + [4.0, 5.0, 17.0], valve + [8.0, 24.0, 33.0], valve + [10.0, 38.0, 38.0]])
    trunk_radius = rng.uniform(12.0, 14.5)
    left_pa = np.array([valve + [10, 38, 38], valve + [26, 54, 40], valve + [48, 66, 32]])
    right_pa = np.array([valve + [6, 32, 37], valve + [-18, 44, 32], valve + [-48, 46, 26], valve + [-72, 50, 22]])
    pulmonary = np.minimum.reduce(
        [
            tube(lattice, trunk_points, trunk_radius),
            tube(lattice, left_pa, np.array([11.0, 10.0, 7.0])),
            tube(lattice, right_pa, np.array([10.5, 9.5, 8.5, 6.5])),
        ]
    )
    svc_x = annulus[0] - 36.0 + rng.normal(0, 2)
    svc = tube(
        lattice,
        np.array(
            [
                [svc_x - 2, annulus[1] + 8, annulus[2] + 95],
                [svc_x, annulus[1] + 6, annulus[2] + 35],
                ra_centre + [3, 4, 20],
            ]
        ),
        rng.uniform(8.0, 10.5),
    )
    ivc = tube(
        lattice,
        np.array([ra_centre + [6, 14, -75], ra_centre + [5, 10, -36], ra_centre + [3, 4, -18]]),
        rng.uniform(10.0, 13.0),
    )
    veins = [
        np.array([la_centre + [-20, 4, 10], la_centre + [-42, 8, 16], la_centre + [-66, 12, 24]]),
        np.array([la_centre + [-20, 8, -7], la_centre + [-42, 16, -12], la_centre + [-62, 26, -22]]),
        np.array([la_centre + [20, 6, 10], la_centre + [40, 12, 20], la_centre + [60, 16, 32]]),
        np.array([la_centre + [20, 10, -6], la_centre + [38, 22, -10], la_centre + [56, 34, -20]]),
    ]
    pulmonary_veins = np.minimum.reduce(
        [tube(lattice, v + rng.normal(0, 2, v.shape), np.array([8.0, 6.5, 5.0])) for v in veins]
    )
    corner = la_centre + np.array([24.0, -8.0, 6.0])
    left_appendage = tube(
        lattice,
        np.array([corner, corner + [8, -11, 5], corner + [13, -23, 2], corner + [11, -33, -3]])
        + rng.normal(0, 1.5, (4, 3)),
        np.array([8.0, 7.5, 7.0, 4.5]) * rng.uniform(0.85, 1.1),
    ) + rough(1.3, 9.0)
    left_appendage[left_appendage > 9.0] = 15.0
    corner = ra_centre + np.array([5.0, -16.0, 18.0])
    right_appendage = tube(
        lattice,
        np.array([corner, corner + [7, -13, 7], corner + [16, -20, 11], corner + [24, -22, 11]]),
        np.array([11.0, 10.0, 8.0, 4.5]) * rng.uniform(0.85, 1.1),
    ) + rough(1.3, 9.0)
    right_appendage[right_appendage > 9.0] = 15.0

    # What must not overlap is cut in the order of rank: aorta and pulmonary trunk keep their round shape.
    aorta_wall, trunk_wall = aorta - 1.6, pulmonary - 1.2
    keep_out = np.minimum(aorta_wall, trunk_wall)
    lv_open = tube(lattice, np.array([frame.local(2, 6, 14), annulus - 2.0 * axis]), np.array([13.0, 0.75 * radius]))
    mitral = tube(
        lattice, np.array([frame.local(-3, -5, 6), 0.45 * frame.base + 0.55 * la_centre]), np.array([16.0, 15.0])
    )
    lv = np.minimum(lv, np.minimum(lv_open, mitral + 2.0))
    atrial_wall = rng.uniform(1.5, 2.5)
    left_atrium = np.minimum(
        np.minimum(smooth_union(la, pulmonary_veins, 5.0), smooth_union(la, left_appendage, 3.0)), mitral
    )
    left_atrium = np.maximum(left_atrium, -(keep_out - atrial_wall))
    tricuspid = tube(lattice, np.array([ra_centre + [8, -8, 0], frame.local(26, 0, 8)]), np.array([15.0, 16.0]))
    right_atrium = np.minimum(
        smooth_union(ra, ivc + 1.0, 4.0), np.minimum(smooth_union(ra, right_appendage, 3.0), tricuspid)
    )
    right_atrium = np.maximum(right_atrium, -(np.minimum(keep_out, left_atrium - 1.5) - atrial_wall))
    right_atrium = np.maximum(right_atrium, -(lv_epi - 0.5))
    left_atrium = np.maximum(left_atrium, -(np.minimum(lv_epi, rv_epi) - 0.5) * (mitral > 0) - 50.0 * (mitral <= 0))
    rv_epi = np.maximum(rv_epi, -(np.minimum(keep_out, left_atrium - 1.0) - 0.5))
    rv = np.maximum(rv, -(np.minimum(keep_out, left_atrium - 1.0) - 2.5))

    trabeculae = _trabeculae(lattice, rng, frame, lv, rv, centre, short, long, size)
    ventricles = np.minimum(lv_epi, rv_epi)
    atria = np.minimum(left_atrium, right_atrium) - atrial_wall
    # Courses are cast on ventricles and atria alone: vessels and appendages would pull the grooves away with them.
    surface = smooth_union(ventricles, np.minimum(la, ra) - atrial_wall, 3.0)
    obstacles = np.minimum.reduce([surface, atria, keep_out])
    upper = half_space(lattice, annulus + 38.0 * axis, axis)
    core = np.minimum.reduce([ventricles, la, ra, left_appendage, right_appendage]) - atrial_wall
    pericardium = closed_surface(lattice, np.maximum(np.minimum(core, keep_out), upper), 15.0) - rng.uniform(1.0, 6.0)
    pericardium = np.minimum(pericardium, np.minimum(core, keep_out) - 1.0 + 60.0 * (upper > 8.0)) + rough(0.8, 40.0)

    crux = frame.local(20.0 * size, -26.0 * size, -4.0)
    frame = HeartFrame(**{**frame.__dict__, "crux": crux})
    return Heart(
        lattice,
        frame,
        cavities={
            "left_ventricle": lv,
            "right_ventricle": rv,
            "left_atrium": left_atrium,
            "right_atrium": right_atrium,
        },
        walls={
            "myocardium": np.minimum(lv_epi, np.maximum(rv_epi, -rv)),
            "atria": atria,
            "left": lv_epi,
            "right": rv_epi,
        },
        vessels={
            "aorta": aorta,
            "aorta_wall": aorta_wall,
            "pulmonary": pulmonary,
            "pulmonary_wall": trunk_wall,
            "superior_cava": svc,
            "inferior_cava": ivc,
        },
        trabeculae=trabeculae,
        surface=surface,
        obstacles=obstacles,
        pericardium=pericardium,
    )


def _trabeculae(lattice, rng, frame, lv, rv, centre, short, long, size) -> np.ndarray:
    """Papillary muscles of the left and strands of the right ventricle: thin muscle inside the blood."""
    strands = []
    for angle in (np.deg2rad(-110.0), np.deg2rad(125.0)):
        direction = frame.ray(angle + rng.normal(0, 0.15))
        root = centre + 0.80 * short * direction + 0.30 * long * frame.apex
        tip = centre + 0.42 * short * direction - 0.18 * long * frame.apex
        strands.append(
            tube(lattice, np.array([root, 0.5 * (root + tip) + rng.normal(0, 1, 3), tip]), np.array([6.0, 4.5, 3.0]))
        )
    for _ in range(14):
        angle, height = rng.uniform(-np.pi, np.pi), rng.uniform(10.0, 52.0)
        start = frame.local(rng.uniform(24, 30), 0.0, height) + 30.0 * size * frame.ray(angle)
        end = frame.local(28.0, 2.0, height + rng.uniform(-12, 12)) + rng.normal(0, 12, 3)
        strands.append(tube(lattice, np.array([start, end]), rng.uniform(1.2, 2.6)))
    ridge = 1.0 - np.abs(smooth_noise(lattice, rng, 7.0)) * 2.6
    cavity = np.minimum(lv, rv)
    near_wall = np.maximum(cavity, -cavity - 4.0)
    strands.append(np.maximum(near_wall, -ridge))
    return np.minimum.reduce(strands)
