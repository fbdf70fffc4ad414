"""Tubes onto the detector: how much contrast a ray passes, and which pixels a vessel covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import CArm

SLAB_MM = 5.0
"""Spheres of one tube overlap and must count once, vessels behind each other must add up: within a slab of this depth
the largest path counts, slabs add up."""


@dataclass(frozen=True)
class Drawn:
    """``path_mm`` (y, x) is the way through full contrast in mm; ``distance_px`` (y, x) the signed distance to the
    nearest outline, negative inside; ``nearest`` (y, x) the number of the tube it belongs to, -1 where none is near."""

    path_mm: np.ndarray
    distance_px: np.ndarray
    nearest: np.ndarray


class Canvas:
    """Collects tubes for one frame."""

    def __init__(self, camera: CArm, depth_range_mm: tuple[float, float]):
        self.camera = camera
        self.first_mm = depth_range_mm[0] - SLAB_MM
        count = int(np.ceil((depth_range_mm[1] - self.first_mm) / SLAB_MM)) + 2
        size = camera.size_px
        self.slabs = np.zeros((count, size, size), np.float32)
        self.distance_px = np.full((size, size), 99.0, np.float32)
        self.nearest = np.full((size, size), -1, np.int16)

    def add(
        self, points_lps_mm: np.ndarray, radius_mm: np.ndarray, strength: np.ndarray, number: int = -1,
        labelled: np.ndarray | None = None,
    ) -> None:
        """A tube (n, 3) with radii (n,) whose content weakens the beam by ``strength`` (n,) of full contrast.

        Where ``labelled`` (n,) is true it also belongs to the outline, under ``number``.
        """
        pixels, depth, scale = self.camera.project(points_lps_mm)
        radius_px = radius_mm * scale
        place = (depth - self.first_mm) / SLAB_MM
        slab = np.clip(np.floor(place).astype(int), 0, len(self.slabs) - 2)
        share = np.clip(place - slab, 0.0, 1.0)
        size, reach = self.camera.size_px, radius_px + 2.0
        low = np.maximum(np.ceil(pixels - reach[:, None]).astype(int), 0)
        high = np.minimum(np.floor(pixels + reach[:, None]).astype(int) + 1, size)
        axis = np.arange(size, dtype=np.float32)
        for i in np.flatnonzero((high > low).all(1) & ((strength > 1e-3) | (labelled is not None))):
            rows, columns = slice(low[i, 0], high[i, 0]), slice(low[i, 1], high[i, 1])
            dy, dx = axis[rows] - np.float32(pixels[i, 0]), axis[columns] - np.float32(pixels[i, 1])
            squared = (dy * dy)[:, None] + (dx * dx)[None, :]
            if strength[i] > 1e-3:
                # The pixel's own width softens the outline, so that a vessel thinner than a pixel is not lost.
                path = np.sqrt(np.maximum(radius_px[i] ** 2 - squared + 0.1, 0.0)) * np.float32(
                    2.0 * strength[i] / scale[i]
                )
                for k, weight in ((slab[i], 1.0 - share[i]), (slab[i] + 1, share[i])):
                    window = self.slabs[k, rows, columns]
                    np.maximum(window, path * np.float32(weight), out=window)
            if labelled is not None and labelled[i]:
                distance = np.sqrt(squared) - np.float32(radius_px[i])
                window = self.distance_px[rows, columns]
                closer = distance < window
                window[closer] = distance[closer]
                self.nearest[rows, columns][closer] = number

    def drawn(self) -> Drawn:
        return Drawn(self.slabs.sum(0), self.distance_px, self.nearest)
