"""What lies round the vessels: the chest of the phantom as attenuation, and its shadow on the detector."""

from __future__ import annotations

import numpy as np
import torch

from ...phantom.anatomy import Anatomy
from ...phantom.shapes import stamp_spheres
from .camera import CArm

STEP_MM = 2.0
RAYS = 192
"""Rays a side: the body's shadow is smooth, and 192 show the edge of a rib."""
PER_MM = {"fat": 0.0175, "soft": 0.0205, "lung": 0.0060, "liver": 0.0212, "bone": 0.0360, "marrow": 0.0240}
"""Linear attenuation per mm near 60 keV, the mean of a 90 kV cardiac beam behind a chest (NIST tables);
ribs less than solid bone, for most of a rib is spongy."""


def attenuation_of(anatomy: Anatomy) -> np.ndarray:
    """Attenuation per mm (z, y, x) float32 on the lattice of the heart. Blood holds no contrast yet."""
    thorax, heart = anatomy.thorax.fields, anatomy.heart
    lattice = heart.lattice
    mu = np.zeros(lattice.shape_zyx, np.float32)

    def fill(field: np.ndarray, value: float) -> None:
        share = np.clip(0.5 - field / lattice.spacing_mm, 0.0, 1.0)
        mu[...] += share * (value - mu)

    fill(thorax["skin"], PER_MM["fat"])
    fill(thorax["muscle"], PER_MM["soft"])
    fill(thorax["cage"], PER_MM["fat"])
    fill(thorax["liver"], PER_MM["liver"])
    fill(thorax["lung"], PER_MM["lung"])
    lung_vessels = lattice.full(15.0)
    for tube in (*anatomy.thorax.lung_arteries, *anatomy.thorax.lung_veins):
        step = max(1, int(tube.radius_mm.min()))
        stamp_spheres(
            lung_vessels, lattice.origin_lps_mm, (lattice.spacing_mm,) * 3, tube.points_lps_mm[::step],
            tube.radius_mm[::step], 1.5,
        )
    fill(np.maximum(lung_vessels, thorax["lung"]), PER_MM["soft"])
    fill(thorax["stomach_gas"], 0.0)
    fill(heart.pericardium, 0.6 * PER_MM["fat"] + 0.4 * PER_MM["soft"])
    solid = [heart.obstacles, *heart.cavities.values(), *heart.vessels.values(), thorax["descending_aorta"]]
    fill(np.minimum.reduce(solid), PER_MM["soft"])
    fill(thorax["bone"], PER_MM["bone"])
    fill(thorax["marrow"], PER_MM["marrow"])
    return mu


def shadow(attenuation: np.ndarray, anatomy: Anatomy, camera: CArm) -> np.ndarray:
    """Line integrals of ``attenuation`` (y, x) float32 over the detector, rays sampled every 2 mm.

    The isocentre is the heart's centre, the origin of the anatomy.
    """
    lattice = anatomy.heart.lattice
    rays = torch.from_numpy(camera.rays(RAYS).astype(np.float32))
    reach = 0.5 * lattice.spacing_mm * float(np.linalg.norm(lattice.shape_zyx))
    depth = np.arange(-reach, reach, STEP_MM) + camera.source_to_patient_mm
    source = torch.from_numpy((camera.source_lps_mm - lattice.origin_lps_mm).astype(np.float32))
    half = 0.5 * lattice.spacing_mm * torch.tensor([n - 1 for n in lattice.shape_zyx[::-1]], dtype=torch.float32)
    volume = torch.from_numpy(attenuation)[None, None]
    total = torch.zeros(RAYS, RAYS)
    for chunk in np.array_split(depth, 16):
        points = source + rays[None] * torch.from_numpy(chunk.astype(np.float32))[:, None, None, None]
        values = torch.nn.functional.grid_sample(volume, (points / half - 1.0)[None], align_corners=True)
        total += STEP_MM * values[0, 0].sum(0)
    size = (camera.size_px, camera.size_px)
    return torch.nn.functional.interpolate(total[None, None], size, mode="bicubic", align_corners=False)[0, 0].numpy()
