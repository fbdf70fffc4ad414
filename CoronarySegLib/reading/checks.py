"""Is this volume a contrast CT of the heart on which coronaries can be found? Refused with the reason, or accepted with
findings. A quick look without a network, on a copy at 3 mm; the network that locates the heart is the second gate.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from ..errors import NotACoronaryCTError
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .coarse import coarse_copy
from .ct_values import HUOffsetError, require_hounsfield_units
from .findings import Finding
from .heart_field import BLOOD_HU, MIN_CHEST_HEIGHT_MM, HeartField, look_for_heart
from .volume_files import checked_volume

__all__ = ["HUOffsetError", "check_coronary_ct", "with_hu_offset"]

MIN_HEIGHT_MM = 60.0
MIN_WIDTH_MM = 80.0
# A vessel of 2 mm is two voxels wide at 1 mm; above 2.5 mm not even the trunks are resolved.
FINE_SPACING_MM = 1.0
COARSEST_SPACING_MM = 2.5
METAL_HU = 1500.0
METAL_ML = 0.02
METAL_REACH_MM = 20.0
FAINT_BLOOD_HU = 250.0
LOUD_NOISE_HU = 60.0
# Half the edge of a box.
NOISE_BOX_MM = 4.0
NOISE_BOXES = 16
# Below the heart only the descending aorta, the cava and dense bone are left; above it the great vessels.
CUT_BOTTOM_CM2 = 12.0
CUT_BOTTOM_SHARE = 0.3
CUT_TOP_CM2 = 25.0
CUT_TOP_SHARE = 0.55


def check_coronary_ct(
    volume: Volume, *, progress: Progress | ProgressCallback | None = None
) -> tuple[Finding, ...]:
    """Findings about a usable volume in HU, warnings first; about a second for a whole clinical volume.

    Raises NotACoronaryCTError: no CT in HU (:class:`HUOffsetError` when a known offset is the cause), a field too
    small, no contrast, no heart, voxels too coarse. Raises InputError when the numbers or axes themselves are unusable.
    """
    progress = as_progress(progress)
    progress(0.0, "Checking the volume")
    volume = checked_volume(volume, "The volume")
    coarse = coarse_copy(volume)
    progress(0.4, "Checking the volume")
    _require_field(coarse.extent_zyx_mm)
    require_hounsfield_units(volume, coarse)
    heart = look_for_heart(coarse)
    _require_heart(heart)
    _require_fine(volume)
    progress(0.7, "Checking the volume")
    findings = [_spacing(volume), _cut_heart(heart), _metal(volume, heart), *_contrast_and_noise(volume, heart)]
    progress(1.0, "Checking the volume")
    return tuple(sorted(filter(None, findings), key=lambda finding: finding.severity != "warning"))


def with_hu_offset(volume: Volume, offset_hu: float) -> Volume:
    """The volume with ``offset_hu`` added to every voxel, and a warning that says so."""
    array = volume.array
    if np.issubdtype(array.dtype, np.integer) and float(offset_hu).is_integer():
        limits = np.iinfo(np.int16)
        shifted = np.clip(array.astype(np.int32) + int(offset_hu), limits.min, limits.max).astype(np.int16)
    else:
        shifted = array.astype(np.float32) + np.float32(offset_hu)
    warning = f"{offset_hu:+g} HU were added to every voxel."
    return replace(volume, array=shifted, warnings=(*volume.warnings, warning))


def _require_field(extent_zyx_mm: tuple[float, float, float]) -> None:
    height, *width = extent_zyx_mm
    if height < MIN_HEIGHT_MM or min(width) < MIN_WIDTH_MM:
        raise NotACoronaryCTError(
            f"The field is too small for a heart: {width[1]:.0f} x {width[0]:.0f} x {height:.0f} mm (left-right, "
            f"front-back, height); at least {MIN_WIDTH_MM:.0f} x {MIN_WIDTH_MM:.0f} x {MIN_HEIGHT_MM:.0f} mm are "
            "needed. Give the whole series."
        )


def _require_heart(heart: HeartField) -> None:
    if heart.has_heart:
        return
    if not heart.has_pool and heart.chest_height_mm >= MIN_CHEST_HEIGHT_MM:
        raise NotACoronaryCTError(
            f"The chest is in the field but no chamber is filled with contrast (no blood above {BLOOD_HU:.0f} HU). "
            "Coronaries cannot be told from the heart's wall without contrast: give the CT angiogram, not the calcium "
            "or plain scan."
        )
    raise NotACoronaryCTError(
        "No heart in the field: there is no wide contrast-filled blood pool between two lungs. "
        "Give a contrast CT angiogram of the heart."
    )


def _require_fine(volume: Volume) -> None:
    largest = max(volume.geometry.spacing_xyz_mm)
    if largest > COARSEST_SPACING_MM:
        raise NotACoronaryCTError(
            f"The voxels are too coarse for coronaries ({_spacing_text(volume)} mm, at most {COARSEST_SPACING_MM} mm). "
            "Give the thin reconstruction (0.5 to 0.75 mm) of the same scan."
        )


def _spacing(volume: Volume) -> Finding | None:
    largest = max(volume.geometry.spacing_xyz_mm)
    if largest <= FINE_SPACING_MM + 1e-3:
        return None
    return Finding(
        "coarse", "warning",
        f"The voxels are coarse ({_spacing_text(volume)} mm): only trunks and wide branches can be found. "
        "A reconstruction of 0.5 to 0.75 mm shows the rest.", largest, "mm",
    )


def _cut_heart(heart: HeartField) -> Finding | None:
    area = heart.pool_area_cm2()
    cut = []
    if area[0] > CUT_BOTTOM_CM2 and area[0] > CUT_BOTTOM_SHARE * area.max():
        cut.append("bottom")
    if area[-1] > CUT_TOP_CM2 and area[-1] > CUT_TOP_SHARE * area.max():
        cut.append("top")
    if not cut:
        return None
    return Finding(
        "truncated-heart", "warning",
        f"The heart is cut off at the {' and '.join(cut)} of the field: vessels there are missing.",
        float(max(area[0], area[-1])), "cm2",
    )


def _metal(volume: Volume, heart: HeartField) -> Finding | None:
    bright = volume.array > METAL_HU
    if np.count_nonzero(bright) * volume.geometry.voxel_mm3 < 1000 * METAL_ML:
        return None
    where = np.argwhere(bright)[:, ::-1]
    coarse = heart.coarse
    index = np.rint(coarse.geometry.index_of(volume.geometry.points_lps(where))).astype(int)[:, ::-1]
    index = np.clip(index, 0, np.array(coarse.array.shape) - 1)
    distance = ndimage.distance_transform_edt(~heart.pool, sampling=coarse.spacing_zyx_mm)
    near = distance[tuple(index.T)] <= METAL_REACH_MM
    metal_ml = float(near.sum() * volume.geometry.voxel_mm3 / 1000)
    if metal_ml < METAL_ML:
        return None
    return Finding(
        "metal", "warning",
        f"{metal_ml:.2f} ml near the heart are brighter than {METAL_HU:.0f} HU: a stent, a lead, a clip or very dense "
        "contrast. Vessels beside it may look too wide or broken.", metal_ml, "ml",
    )


def _contrast_and_noise(volume: Volume, heart: HeartField) -> list[Finding]:
    noise = noise_hu(volume, heart)
    blood = heart.blood_hu
    findings = [
        Finding("blood", "info", f"The chambers are at {blood:.0f} HU.", blood, "HU"),
        Finding("noise", "info", f"The noise in the blood pool is {noise:.0f} HU.", noise, "HU"),
    ]
    if blood < FAINT_BLOOD_HU:
        findings.append(Finding(
            "faint-contrast", "warning",
            f"The contrast is faint ({blood:.0f} HU in the chambers): thin branches may be missed.", blood, "HU",
        ))
    if noise > LOUD_NOISE_HU:
        findings.append(Finding(
            "noisy", "warning", f"The image is noisy ({noise:.0f} HU): thin branches may be missed or invented. "
            "A smoother reconstruction of the same scan helps.", noise, "HU",
        ))
    return findings


def noise_hu(volume: Volume, heart: HeartField) -> float:
    """Noise of the voxels in the blood pool: standard deviation in small boxes, each without its linear trend.

    The lower quartile over the boxes, because mixing of contrast in the right heart or a papillary muscle only adds.
    """
    deviations = []
    for z, y, x in heart.deep_places(NOISE_BOXES):
        centre = volume.geometry.index_of(heart.coarse.geometry.points_lps((x, y, z)))
        half = np.maximum(NOISE_BOX_MM / np.asarray(volume.geometry.spacing_xyz_mm), 1)
        lower = np.maximum(np.rint(centre - half), 0).astype(int)
        upper = np.minimum(np.rint(centre + half).astype(int) + 1, volume.geometry.size_xyz)
        box = volume.array[tuple(slice(a, b) for a, b in zip(lower[::-1], upper[::-1], strict=True))].astype(float)
        for axis in np.indices(box.shape, sparse=True):
            # Centred coordinates of a box are orthogonal: each axis' slope comes off by itself.
            centred = axis - axis.mean()
            slope = (box * centred).sum() / max((centred**2).sum() * box.size / centred.size, 1e-12)
            box -= slope * centred
        deviations.append(float(box.std()))
    return float(np.percentile(deviations, 25))


def _spacing_text(volume: Volume) -> str:
    return " x ".join(f"{spacing:.2g}" for spacing in volume.geometry.spacing_xyz_mm)
