"""A copy of the volume at about 3 mm in anatomical order: enough to see lungs and chambers, and quick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..volume import Geometry, Volume

COARSE_MM = 3.0
# Outside the scanner's circle some makers store far less than air.
LOWEST_HU = -1100.0


@dataclass(frozen=True)
class CoarseCT:
    """Block means of a CT, float32 (z, y, x), axes nearest to superior, posterior, left; values as stored (perhaps HU).

    ``geometry`` is the coarse grid in LPS. Averaging some hundred voxels leaves little noise.
    """

    array: np.ndarray
    geometry: Geometry

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        return tuple(reversed(self.geometry.spacing_xyz_mm))

    @property
    def voxel_ml(self) -> float:
        return self.geometry.voxel_mm3 / 1000.0

    @property
    def extent_zyx_mm(self) -> tuple[float, float, float]:
        return tuple(n * s for n, s in zip(self.array.shape, self.spacing_zyx_mm, strict=True))


def coarse_copy(volume: Volume) -> CoarseCT:
    """Average blocks of voxels down to about 3 mm; a volume that is coarser already stays as it is."""
    factors = tuple(
        int(min(max(round(COARSE_MM / spacing), 1), size))
        for spacing, size in zip(volume.geometry.spacing_xyz_mm, volume.geometry.size_xyz, strict=True)
    )
    image = volume.to_image()
    if max(factors) > 1:
        image = sitk.BinShrink(image, factors)
    image = sitk.DICOMOrient(image, "LPS")
    return CoarseCT(sitk.GetArrayFromImage(image).astype(np.float32), Geometry.of_image(image))
