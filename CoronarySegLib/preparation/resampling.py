"""Between the scanner's grid and the grids the networks work on, both ways.

The work is SimpleITK's, on all cores. Ours is what it does not do by itself: low-pass filtering before a coarser grid,
so that a 2 mm vessel sampled at 2 mm fades instead of vanishing between samples; and touching only the part of source
and target that overlap, so that a heart-sized region costs a heart-sized effort.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..volume import Geometry, Volume

INTERPOLATORS = {"nearest": sitk.sitkNearestNeighbor, "linear": sitk.sitkLinear, "cubic": sitk.sitkBSpline}

# Voxels kept round the needed part of the source; the cubic B-spline's prefilter has decayed below 1e-6 by then.
MARGIN_VOXELS = {"nearest": 1, "linear": 2, "cubic": 12}

# Box of k voxels followed by linear interpolation over k voxels has a standard deviation of k/2 voxels. The usual
# Gaussian for a downsampling by f has f/2.355, so k = 0.85 f. Smaller aliases, larger loses the thin vessels.
BOX_PER_FACTOR = 0.85


def resample(
    volume: Volume, geometry: Geometry, *, interpolation: str = "linear", fill: float | None = None
) -> Volume:
    """The volume on another grid.

    ``interpolation``: "linear" and "cubic" (B-spline) give float32, "nearest" keeps the type (labels). A coarser target
    is anti-aliased for linear and cubic. ``fill`` is the value outside the source's field; None takes the lowest value
    of the source (air for a CT, 0 for labels and probabilities).
    Raises ValueError for an unknown interpolation.
    """
    if interpolation not in INTERPOLATORS:
        raise ValueError(f"interpolation {interpolation!r}; known are {', '.join(INTERPOLATORS)}")
    array = _sitk_array(volume.array)
    dtype = volume.array.dtype if interpolation == "nearest" else np.dtype(np.float32)
    if fill is None:
        fill = float(array.min())
    source_box = _overlap(volume.geometry, geometry, MARGIN_VOXELS[interpolation] + _box_of(volume.geometry, geometry))
    target_box = _overlap(geometry, volume.geometry, 1)
    result = None
    if source_box is not None and target_box is not None:
        target = _cropped_geometry(geometry, target_box)
        source = volume.with_array(array)
        part = _resample_image(_cropped(source, source_box), target, interpolation, fill)
        result = part if target.shape_zyx == geometry.shape_zyx else None
        if result is None:
            result = np.full(geometry.shape_zyx, fill, dtype)
            result[_slices(target_box)] = part
    if result is None:
        result = np.full(geometry.shape_zyx, fill, dtype)
    return replace(volume, array=result.astype(dtype, copy=False), geometry=geometry)


def isotropic_grid(
    geometry: Geometry,
    spacing_mm: float,
    *,
    lower_lps_mm: np.ndarray | tuple[float, float, float] | None = None,
    upper_lps_mm: np.ndarray | tuple[float, float, float] | None = None,
) -> Geometry:
    """An isotropic grid with identity direction that covers ``geometry``, or the LPS box given.

    The first voxel centre lies on the lower corner, the last on or less than one spacing beyond the upper corner. A
    missing bound is taken from the voxel centres of ``geometry``. The box may reach outside of ``geometry``.
    Raises ValueError for a spacing that is not positive or a box that is inside out.
    """
    if not spacing_mm > 0:
        raise ValueError(f"spacing_mm must be positive, not {spacing_mm}")
    corners = geometry.corners_lps()
    lower = np.asarray(corners.min(0) if lower_lps_mm is None else lower_lps_mm, float)
    upper = np.asarray(corners.max(0) if upper_lps_mm is None else upper_lps_mm, float)
    if (upper < lower).any():
        raise ValueError(f"the box ends ({upper}) before it begins ({lower})")
    size_xyz = np.ceil((upper - lower) / spacing_mm - 1e-6).astype(int) + 1
    return Geometry(
        shape_zyx=tuple(int(n) for n in reversed(size_xyz)),
        spacing_xyz_mm=(float(spacing_mm),) * 3,
        origin_lps_mm=tuple(float(v) for v in lower),
    )


def resized_grid(geometry: Geometry, shape_zyx: tuple[int, int, int]) -> Geometry:
    """A grid of ``shape_zyx`` voxels that fills the same box (outer voxel faces, not centres) as ``geometry``."""
    size, new_size = np.asarray(geometry.size_xyz, float), np.asarray(shape_zyx[::-1], float)
    spacing = np.asarray(geometry.spacing_xyz_mm) * size / new_size
    first_centre = geometry.points_lps(size / new_size / 2 - 0.5)
    return replace(
        geometry, shape_zyx=tuple(shape_zyx), spacing_xyz_mm=tuple(float(s) for s in spacing),
        origin_lps_mm=tuple(float(v) for v in first_centre),
    )


def spaced_grid(geometry: Geometry, spacing_zyx_mm: tuple[float, float, float]) -> Geometry:
    """:func:`resized_grid` with voxels as near to ``spacing_zyx_mm`` as whole numbers of them allow, as in nnU-Net."""
    extent_zyx = np.asarray(geometry.shape_zyx) * geometry.spacing_xyz_mm[::-1]
    shape = np.maximum(np.rint(extent_zyx / np.asarray(spacing_zyx_mm)), 1)
    return resized_grid(geometry, tuple(int(n) for n in shape))


def _resample_image(source: Volume, target: Geometry, interpolation: str, fill: float) -> np.ndarray:
    image = source.to_image()
    if interpolation != "nearest":
        image = _low_passed(image, _shrink_factors(source.geometry, target))
    pixel_type = image.GetPixelID() if interpolation == "nearest" else sitk.sitkFloat32
    image = sitk.Resample(
        image, target.size_xyz, sitk.Transform(3, sitk.sitkIdentity), INTERPOLATORS[interpolation],
        target.origin_lps_mm, target.spacing_xyz_mm, target.direction, fill, pixel_type,
    )
    return sitk.GetArrayFromImage(image)


def _low_passed(image: sitk.Image, factors_xyz: tuple[int, int, int]) -> sitk.Image:
    """Block means. The remainder at the far edge is padded with its neighbours, or the last millimetres were lost."""
    if max(factors_xyz) == 1:
        return image
    remainder = [-size % factor for size, factor in zip(image.GetSize(), factors_xyz, strict=True)]
    if any(remainder):
        image = sitk.ZeroFluxNeumannPad(image, (0, 0, 0), remainder)
    if image.GetPixelID() not in (sitk.sitkInt16, sitk.sitkInt32, sitk.sitkFloat32, sitk.sitkFloat64):
        # A mean of labels or of counts up to 255 would be rounded to nothing.
        image = sitk.Cast(image, sitk.sitkFloat32)
    return sitk.BinShrink(image, factors_xyz)


def _shrink_factors(source: Geometry, target: Geometry) -> tuple[int, int, int]:
    """How many source voxels along each index axis are averaged before sampling at the target's spacing."""
    axes = np.reshape(source.direction, (3, 3)).T @ np.reshape(target.direction, (3, 3))
    step_mm = np.sqrt(((axes * np.asarray(target.spacing_xyz_mm)) ** 2).sum(1))
    factors = np.floor(BOX_PER_FACTOR * step_mm / np.asarray(source.spacing_xyz_mm) + 0.5).astype(int)
    return tuple(int(min(max(factor, 1), size)) for factor, size in zip(factors, source.size_xyz, strict=True))


def _box_of(source: Geometry, target: Geometry) -> int:
    return 2 * max(_shrink_factors(source, target))


def _overlap(grid: Geometry, other: Geometry, margin_voxels: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Index box (lower, upper exclusive; x, y, z) of ``grid`` that covers ``other`` with a margin; None: they miss."""
    half = np.array(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij")).reshape(3, -1).T * np.asarray(other.size_xyz)
    index = grid.index_of(other.points_lps(half - 0.5))
    lower = np.maximum(np.floor(index.min(0)).astype(int) - margin_voxels, 0)
    upper = np.minimum(np.ceil(index.max(0)).astype(int) + margin_voxels + 1, grid.size_xyz)
    return None if (upper <= lower).any() else (lower, upper)


def _cropped_geometry(geometry: Geometry, box: tuple[np.ndarray, np.ndarray]) -> Geometry:
    lower, upper = box
    if not lower.any() and tuple(upper) == geometry.size_xyz:
        return geometry
    return replace(
        geometry,
        shape_zyx=tuple(int(n) for n in reversed(upper - lower)),
        origin_lps_mm=tuple(float(v) for v in geometry.points_lps(lower)),
    )


def _cropped(volume: Volume, box: tuple[np.ndarray, np.ndarray]) -> Volume:
    return replace(volume, array=volume.array[_slices(box)], geometry=_cropped_geometry(volume.geometry, box))


def _slices(box: tuple[np.ndarray, np.ndarray]) -> tuple[slice, ...]:
    return tuple(slice(int(a), int(b)) for a, b in zip(reversed(box[0]), reversed(box[1]), strict=True))


def _sitk_array(array: np.ndarray) -> np.ndarray:
    """SimpleITK knows neither bool nor half precision."""
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    return array.astype(np.float32) if array.dtype == np.float16 else array
