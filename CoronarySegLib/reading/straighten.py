"""Sheared grids (gantry tilt, NRRD axes not at right angles) resampled onto right angles.

Everything after reading assumes a rotation as direction; a shear kept in the header would bend the vessels unnoticed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..volume import Geometry, Volume

# Header rounding stays below; a tilt of 0.1 degrees moves the last of 300 slices by half a voxel.
ORTHOGONAL_TOLERANCE = 1e-3
AIR_HU = -1024.0


def shear_degrees(geometry: Geometry) -> float:
    """The largest deviation from a right angle between two index axes; infinity for a singular or NaN direction."""
    axes = np.reshape(geometry.direction, (3, 3))
    if not np.isfinite(axes).all() or abs(np.linalg.det(axes)) < 1e-3:
        return float("inf")
    axes = axes / np.linalg.norm(axes, axis=0)
    cosines = axes.T @ axes
    largest = np.abs(cosines[np.triu_indices(3, 1)]).max()
    return float(np.degrees(np.arcsin(min(largest, 1.0))))


def is_orthogonal(geometry: Geometry) -> bool:
    axes = np.reshape(geometry.direction, (3, 3))
    return bool(np.isfinite(axes).all() and np.abs(axes.T @ axes - np.eye(3)).max() < ORTHOGONAL_TOLERANCE)


def straighten(volume: Volume, fill: float = AIR_HU) -> Volume:
    """Resample a sheared volume onto the smallest right-angled grid that holds all of it.

    x and y keep their directions, z becomes their normal; the spacing is kept (along z the distance of the slices).
    The type of the values is kept; voxels that no slice covers get ``fill``.
    """
    target = straight_grid(volume.geometry)
    image = sitk.Resample(
        volume.to_image(), target.size_xyz, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLinear,
        target.origin_lps_mm, target.spacing_xyz_mm, target.direction, fill, sitk.sitkFloat32,
    )
    array = sitk.GetArrayFromImage(image)
    if np.issubdtype(volume.array.dtype, np.integer):
        array = np.rint(array).astype(volume.array.dtype)
    return replace(volume, array=array, geometry=target)


def straight_grid(geometry: Geometry) -> Geometry:
    """The right-angled grid :func:`straighten` resamples onto."""
    axes = np.reshape(geometry.direction, (3, 3))
    x = axes[:, 0] / np.linalg.norm(axes[:, 0])
    y = axes[:, 1] - x * (axes[:, 1] @ x)
    y /= np.linalg.norm(y)
    z = np.cross(x, y)
    z *= np.sign(z @ axes[:, 2])
    frame = np.stack([x, y, z], axis=1)
    step = geometry.index_to_lps[:3, :3]
    spacing = np.abs(np.einsum("ij,ij->j", frame, step))
    corners = geometry.corners_lps() @ frame
    lower, upper = corners.min(0), corners.max(0)
    size = np.ceil((upper - lower) / spacing - 1e-3).astype(int) + 1
    return Geometry(
        tuple(int(n) for n in reversed(size)), tuple(float(v) for v in spacing),
        tuple(float(v) for v in frame @ lower), tuple(float(v) for v in frame.ravel()),
    )
