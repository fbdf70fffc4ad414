"""The two values every step shares: where voxels are (:class:`Geometry`) and what they hold (:class:`Volume`).

Frame: LPS millimetres (x to the patient's left, y to posterior, z to superior), as SimpleITK.
Arrays: axis order (z, y, x). Tuples named ``*_xyz`` are in SimpleITK's order, ``shape_zyx`` in numpy's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import SimpleITK as sitk

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Geometry:
    """A regular voxel grid in LPS space. ``direction`` is row-major 3x3, its columns are the x, y, z index axes."""

    shape_zyx: tuple[int, int, int]
    spacing_xyz_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = IDENTITY

    @property
    def size_xyz(self) -> tuple[int, int, int]:
        return tuple(reversed(self.shape_zyx))

    @property
    def voxel_mm3(self) -> float:
        return float(np.prod(self.spacing_xyz_mm))

    @property
    def index_to_lps(self) -> np.ndarray:
        """4x4 matrix from homogeneous index (i, j, k) = (x, y, z) order to LPS mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.reshape(self.direction, (3, 3)) * np.asarray(self.spacing_xyz_mm)
        matrix[:3, 3] = self.origin_lps_mm
        return matrix

    @property
    def centre_lps_mm(self) -> np.ndarray:
        return self.points_lps((np.asarray(self.size_xyz) - 1) / 2.0)

    def points_lps(self, index_xyz: np.ndarray) -> np.ndarray:
        """Continuous index (..., 3) in x, y, z order to LPS mm (..., 3)."""
        matrix = self.index_to_lps
        return np.asarray(index_xyz, float) @ matrix[:3, :3].T + matrix[:3, 3]

    def index_of(self, points_lps_mm: np.ndarray) -> np.ndarray:
        """LPS mm (..., 3) to continuous index (..., 3) in x, y, z order."""
        inverse = np.linalg.inv(self.index_to_lps)
        return np.asarray(points_lps_mm, float) @ inverse[:3, :3].T + inverse[:3, 3]

    def corners_lps(self) -> np.ndarray:
        """The eight corners of the outermost voxels' centres, (8, 3) LPS mm."""
        size = np.asarray(self.size_xyz) - 1
        grid = np.array(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij")).reshape(3, -1).T
        return self.points_lps(grid * size)

    def same_grid(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """True when both describe the same voxels (size equal, corners within ``tolerance_mm``)."""
        return self.shape_zyx == other.shape_zyx and bool(
            np.abs(self.corners_lps() - other.corners_lps()).max() < tolerance_mm
        )

    @staticmethod
    def of_image(image: sitk.Image) -> Geometry:
        return Geometry(
            tuple(reversed(image.GetSize())), tuple(image.GetSpacing()), tuple(image.GetOrigin()),
            tuple(image.GetDirection()),
        )


@dataclass(frozen=True)
class Volume:
    """Voxels with their grid. ``array`` is (z, y, x); for a CT in HU, for a probability 0..1, for labels uint8.

    ``source`` says where it came from (file, series) for the report; ``warnings`` travel with the data.
    """

    array: np.ndarray
    geometry: Geometry
    source: str = ""
    warnings: tuple[str, ...] = field(default=())

    def with_array(self, array: np.ndarray) -> Volume:
        """Other values on the same grid."""
        if array.shape != self.geometry.shape_zyx:
            raise ValueError(f"array {array.shape} does not fit grid {self.geometry.shape_zyx}")
        return replace(self, array=array)

    def to_image(self) -> sitk.Image:
        image = sitk.GetImageFromArray(np.ascontiguousarray(self.array))
        image.SetSpacing(self.geometry.spacing_xyz_mm)
        image.SetOrigin(self.geometry.origin_lps_mm)
        image.SetDirection(self.geometry.direction)
        return image

    @staticmethod
    def of_image(image: sitk.Image, source: str = "", warnings: tuple[str, ...] = ()) -> Volume:
        return Volume(sitk.GetArrayFromImage(image), Geometry.of_image(image), source, warnings)
