"""The C-arm: where its source and detector stand for an angulation, and where a point of the patient is seen.

Frame: LPS mm with the isocentre as origin, the patient on the back. At 0°/0° the source is below the table, the
detector in front of the chest, and the patient's left is on the right of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class CArm:
    """Perspective projection onto a square detector.

    ``source_to_patient_mm`` reaches to the isocentre, ``source_to_detector_mm`` beyond it; ``imager_spacing_mm`` is the
    size of a pixel on the detector. ``centre_px`` (y, x) is where the isocentre is seen.
    """

    primary_degrees: float
    secondary_degrees: float
    source_to_patient_mm: float
    source_to_detector_mm: float
    imager_spacing_mm: float
    size_px: int
    centre_px: tuple[float, float]

    @property
    def magnification(self) -> float:
        return self.source_to_detector_mm / self.source_to_patient_mm

    @property
    def spacing_mm(self) -> float:
        """Size of a pixel at the isocentre."""
        return self.imager_spacing_mm / self.magnification

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Unit vectors (LPS): to the right of the picture, down the picture, from the isocentre to the detector."""
        a, b = np.deg2rad([self.primary_degrees, self.secondary_degrees])
        towards = np.array([np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), np.sin(b)])
        right = np.array([np.cos(a), np.sin(a), 0.0])
        return right, -np.cross(towards, right), towards

    @property
    def source_lps_mm(self) -> np.ndarray:
        return -self.source_to_patient_mm * self.axes[2]

    def project(self, points_lps_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points (n, 3) to pixels (n, 2) in (y, x), depth from the source (n,) in mm, pixels per mm there (n,)."""
        right, down, towards = self.axes
        depth = points_lps_mm @ towards + self.source_to_patient_mm
        scale = self.source_to_detector_mm / (depth * self.imager_spacing_mm)
        pixels = np.stack([points_lps_mm @ down * scale, points_lps_mm @ right * scale], axis=1)
        return pixels + self.centre_px, depth, scale

    def rays(self, count: int) -> np.ndarray:
        """Unit directions (count, count, 3) from the source through an even grid over the detector."""
        right, down, towards = self.axes
        place = (np.arange(count) + 0.5) * self.size_px / count - 0.5
        y, x = ((place - c) * self.imager_spacing_mm for c in self.centre_px)
        ray = self.source_to_detector_mm * towards + y[:, None, None] * down + x[None, :, None] * right
        return ray / np.linalg.norm(ray, axis=-1, keepdims=True)

    def centred_on(self, points_lps_mm: np.ndarray, jitter_px: tuple[float, float] = (0.0, 0.0)) -> CArm:
        """The table moved so that the middle of the points is in the middle of the picture, off by ``jitter_px``."""
        pixels = self.project(points_lps_mm)[0] - self.centre_px
        middle = 0.5 * (pixels.min(0) + pixels.max(0))
        wanted = 0.5 * (self.size_px - 1) - middle + jitter_px
        return replace(self, centre_px=(float(wanted[0]), float(wanted[1])))
