"""Everything round the heart: chest wall, ribs, spine, sternum, lungs with vessels and bronchi, liver, great vessels
beyond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .heart import Heart
from .shapes import ellipsoid, half_space, smooth_noise, tube
from .veins import Tube, straight


@dataclass(frozen=True)
class Thorax:
    """Signed distances on the heart's lattice, and tubes by what they carry. All LPS mm."""

    fields: dict[str, np.ndarray]
    lung_arteries: tuple[Tube, ...]
    lung_veins: tuple[Tube, ...]
    bronchi: tuple[Tube, ...]
    mammary: tuple[Tube, ...]
    leads: tuple[Tube, ...]


def build_thorax(heart: Heart, rng: np.random.Generator) -> Thorax:
    """Surroundings of ``heart``; the midline lies about 13 mm to the right of the heart's centre."""
    lattice = heart.lattice
    midline, spine_y = -13.0 + rng.normal(0, 4), 92.0 + rng.normal(0, 4)
    front_y = -82.0 + rng.normal(0, 4)
    centre = np.array([midline, 0.5 * (front_y + spine_y) - 4.0, 0.0])
    half_depth = 0.5 * (spine_y - front_y) + 3.0
    half_width = rng.uniform(118.0, 138.0)
    cage = ellipsoid(lattice, centre, (half_width, half_depth, 400.0)) + 1.5 * smooth_noise(lattice, rng, 60.0)
    muscle_mm, fat_mm = rng.uniform(10.0, 18.0), rng.uniform(6.0, 30.0)
    fields = {"muscle": cage - muscle_mm, "skin": cage - muscle_mm - fat_mm, "cage": cage}

    # Ribs: bands of the cage's shell, tilted, with marrow; sternum in front; vertebrae behind.
    x, y, z = lattice.axes()
    pitch, tilt = rng.uniform(24.0, 30.0), rng.uniform(0.25, 0.5)
    phase = rng.uniform(0, pitch)
    band = np.abs(np.mod(z - tilt * (y - centre[1]) + phase, pitch) - 0.5 * pitch) - rng.uniform(4.5, 6.5)
    rib = np.maximum(band, np.abs(cage - 5.0) - rng.uniform(3.0, 4.5))
    near_sternum = np.abs(x - midline) - 16.0 + 0.0 * y + 0.0 * z
    rib = np.maximum(rib, -np.maximum(near_sternum, y - centre[1]))
    sternum = np.maximum(np.abs(x - midline) - rng.uniform(13.0, 18.0), np.abs(y - (front_y - 4.0)) - 5.0) + 0.0 * z
    segment = np.abs(np.mod(z + rng.uniform(0, 26), 26.0) - 13.0) - 11.0
    body = np.maximum(ellipsoid(lattice, np.array([midline, spine_y + 8.0, 0.0]), (19.0, 15.0, 500.0)), segment)
    arch = np.maximum(np.hypot(np.abs(x - midline) - 15.0, y - (spine_y + 27.0)) - 7.0, np.abs(segment) - 9.0)
    process = np.maximum(np.abs(x - midline) - 3.5, np.abs(y - (spine_y + 42.0)) - 14.0) + 0.0 * z
    bone = np.minimum.reduce([rib, sternum, body, arch, process]).astype("f4")
    fields["bone"], fields["marrow"] = bone, bone + rng.uniform(1.2, 2.2)

    # Diaphragm: a dome under the heart; liver to the right, stomach gas sometimes to the left.
    lowest = float(np.min(np.where(heart.pericardium < 0, z + 0.0 * heart.pericardium, 999.0)))
    dome = (
        z - (lowest + rng.uniform(8.0, 20.0)) + 0.0035 * ((x - midline - 12.0) ** 2 + 0.8 * (y - centre[1] + 15) ** 2)
    ).astype("f4")
    dome = np.maximum(dome + 1.2 * smooth_noise(lattice, rng, 60.0), 0.5 - (heart.pericardium - 0.5))
    fields["liver"] = np.maximum(dome, cage + 3.0)
    stomach = ellipsoid(lattice, np.array([midline + 75.0, 5.0, lowest - 25.0]), (32.0, 28.0, 24.0))
    fields["stomach_gas"] = np.maximum(stomach, dome + 4.0) if rng.random() < 0.6 else lattice.full(20.0)
    fields["oesophagus"] = tube(
        lattice,
        np.array([[midline + 6, spine_y - 32, -120], [midline + 4, spine_y - 30, 0], [midline + 2, spine_y - 28, 120]]),
        rng.uniform(5.0, 8.0),
    )
    descending = tube(
        lattice,
        np.array(
            [
                [midline + 12, spine_y - 14, -130],
                [midline + 20, spine_y - 16, -20],
                [midline + 22, spine_y - 16, 50],
                [midline + 18, spine_y - 22, 130],
            ]
        ),
        rng.uniform(10.5, 14.0),
    )
    fields["descending_aorta"] = descending

    # Lungs: the cage without mediastinum, heart and what lies under the diaphragm.
    half = 17.0 + 0.0045 * np.maximum(z - 20.0, 0.0) ** 2 * 0.6
    middle = np.maximum(np.abs(x - midline - 3.0) - np.minimum(half, 34.0), y - (spine_y - 4.0)) + 0.0 * y
    hilum = np.minimum(heart.vessels["pulmonary"], heart.cavities["left_atrium"]) - 2.5
    solid = np.minimum.reduce(
        [
            heart.pericardium - 1.2,
            heart.vessels["aorta_wall"] - 3.0,
            heart.vessels["superior_cava"] - 2.5,
            heart.vessels["inferior_cava"] - 2.0,
            descending - 2.5,
            fields["oesophagus"] - 2.0,
            hilum,
        ]
    )
    behind = np.maximum(middle, -(y - (spine_y - 40.0)) + 0.0 * z)
    front = np.maximum(np.abs(x - midline) - rng.uniform(4.0, 16.0), y - (front_y + 14.0)) + 0.0 * z
    above = np.maximum(middle, 45.0 - z)
    lung = np.maximum.reduce([cage + 1.5, -solid, -behind, -front, -above, -(dome - 0.5)]).astype("f4")
    fields["lung"] = lung

    arteries, veins, bronchi = _lung_trees(heart, rng, midline)
    mammary = tuple(
        straight(
            np.array(
                [[midline + s * rng.uniform(17, 22), front_y + rng.uniform(5, 8), h] for h in (-110, -40, 30, 110)]
            ),
            (1.3, 1.2),
        )
        for s in (-1, 1)
    )
    leads = ()
    if rng.random() < 0.08:
        inlet = np.array([heart.frame.annulus[0] - 36, heart.frame.annulus[1] + 8, heart.frame.annulus[2] + 80])
        leads = (
            straight(
                np.array([inlet, inlet + [2, -2, -60], heart.frame.local(30, 0, 5), heart.frame.local(26, -8, 48)]),
                (0.9, 0.9),
            ),
        )
    floor = half_space(lattice, np.array([0, 0, -1e3]), np.array([0, 0, 1.0]))
    fields = {k: np.broadcast_to(v, floor.shape).astype("f4") for k, v in fields.items()}
    return Thorax(fields, arteries, veins, bronchi, mammary, leads)


def _lung_trees(
    heart: Heart, rng: np.random.Generator, midline: float
) -> tuple[tuple[Tube, ...], tuple[Tube, ...], tuple[Tube, ...]]:
    """Branching vessels and bronchi from both hila outwards."""
    valve = heart.frame.pulmonary_valve
    hila = {1.0: valve + [44, 60, 30], -1.0: valve + [-68, 48, 22]}
    trees: dict[str, list[Tube]] = {"artery": [], "vein": [], "bronchus": []}
    counts = {"artery": rng.integers(5, 9), "vein": rng.integers(5, 9), "bronchus": 3}
    start_radius = {"artery": 4.2, "vein": 3.8, "bronchus": 4.0}
    for kind, found in trees.items():
        for side, hilum in hila.items():
            for _ in range(counts[kind]):
                start = hilum + rng.normal(0, [6, 10, 14])
                heading = np.array([side * 1.0, rng.normal(0.0, 0.7), rng.normal(-0.3, 0.8)])
                _branch(
                    found, start, heading / np.linalg.norm(heading), start_radius[kind] * rng.uniform(0.6, 1.0), rng, 5
                )
    return tuple(map(tuple, trees.values()))


def _branch(
    found: list[Tube], start: np.ndarray, heading: np.ndarray, radius: float, rng: np.random.Generator, depth: int
) -> None:
    length = rng.uniform(9.0, 24.0) * (0.6 + 0.12 * depth)
    bend = rng.normal(0, 0.12 * length, 3)
    end = start + heading * length
    t = np.linspace(0.0, 1.0, max(4, int(length / 0.5)))[:, None]
    found.append(
        Tube(start + t * (end - start) + 4.0 * t * (1.0 - t) * bend, np.linspace(radius, 0.82 * radius, len(t)))
    )
    if depth == 0 or radius < 0.6:
        return
    for _ in range(2):
        turn = heading + rng.normal(0, 0.45, 3)
        _branch(found, end, turn / np.linalg.norm(turn), radius * rng.uniform(0.6, 0.85), rng, depth - 1)
