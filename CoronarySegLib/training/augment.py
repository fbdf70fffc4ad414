"""Variations of a patch that a scanner or a patient could have made, by MONAI transforms on the processor.

Anatomy moves in all channels together; the priors are no image, and keep their values. What another scanner does to
brightness changes the CT alone, for contrast beside the scan's own arteries would not see it; both show blur and noise.
A stage of slices turns in the plane and never leaves it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from monai.transforms import (
    Rand3DElasticd,
    RandAdjustContrastd,
    RandAffined,
    RandCoarseDropoutd,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandomizableTransform,
    RandScaleIntensityd,
    RandShiftIntensityd,
    RandSimulateLowResolutiond,
)

from .sources import Patch
from .stages import StageSpec

_Steps = list[tuple[float, RandomizableTransform]]


@dataclass(frozen=True)
class AugmentOptions:
    """How often and how far. Probabilities per patch; shift and noise in units of the 0..1 window.

    ``shift_share`` moves by up to this share of a side. Masking empties up to ``masking_holes`` boxes of at most
    ``masking_share`` of a side, in all inputs; only stages that correct an earlier mask do it (Seg2RefineNet, "Network
    training").
    """

    affine_probability: float = 0.3
    rotation_degrees: float = 15.0
    scale: float = 0.1
    shift_share: float = 0.0
    elastic_probability: float = 0.1
    elastic_voxels: float = 2.0
    flip_probability: float = 0.5
    contrast_probability: float = 0.3
    contrast: float = 0.15
    shift: float = 0.05
    gamma: tuple[float, float] = (0.8, 1.25)
    noise_probability: float = 0.3
    noise: float = 0.02
    blur_probability: float = 0.2
    blur_voxels: tuple[float, float] = (0.4, 1.0)
    low_resolution_probability: float = 0.15
    low_resolution: tuple[float, float] = (0.5, 1.0)
    masking_probability: float = 0.3
    masking_holes: int = 8
    masking_share: float = 0.125


# Flips, rotation, scale and crop, shift, Gaussian noise and blur: section 2.2.3 of the paper on U-Net 3+.
ANGIOGRAMS = AugmentOptions(
    affine_probability=0.7, rotation_degrees=20.0, scale=0.2, shift_share=0.1, noise_probability=0.3, noise=0.03,
    blur_probability=0.3, blur_voxels=(0.4, 1.5),
)


def flip_axes(spec: StageSpec) -> tuple[int, ...]:
    """Axes of (z, y, x) along which a mirrored patch is still something the stage will meet.

    Only patches of a small part of the heart may be mirrored at all. Never along x where a channel says left or right:
    the mirror image of a left coronary tree is no right one.
    """
    if _of_slices(spec):
        return (1, 2)
    if spec.resized or (spec.spacing_mm or 0.0) >= 1.0:
        return ()
    sided = any(word in name for name in spec.inputs + spec.outputs for word in ("left", "right"))
    return (0, 1) if sided else (0, 1, 2)


class Augmentation:
    """Callable ``(patch, rng) -> Patch`` of the same shape, decided by ``rng`` alone. Targets stay in 0..1, unrounded:
    a vessel one voxel wide would not survive rounding after a rotation."""

    def __init__(self, spec: StageSpec, options: AugmentOptions | None = None):
        options = options or (ANGIOGRAMS if spec.of_angiograms else AugmentOptions())
        self._anatomy, self._masking = _anatomy(spec, options), _masking(spec, options)
        self._brightness, self._sharpness = _brightness(options), _sharpness(spec, options)
        self._noise = _noise(options)
        self._contrast = spec.inputs.index("contrast") if "contrast" in spec.inputs else None

    def __call__(self, patch: Patch, rng: np.random.Generator) -> Patch:
        values = {"image": torch.as_tensor(np.array(patch.image, np.float32)),
                  "target": torch.as_tensor(np.array(patch.target, np.float32))}
        weight = patch.weight
        # A weight of a whole channel has no place that could move.
        moves = weight is not None and weight.shape[-3:] != (1, 1, 1)
        if moves:
            values["weight"] = torch.as_tensor(np.array(weight, np.float32))
        values = _applied(self._anatomy, values, rng)
        image = self._scanned(_array(values["image"]), rng)
        image = _array(_applied(self._masking, {"image": torch.from_numpy(image)}, rng)["image"])
        return Patch(
            image.clip(0.0, 1.0), _array(values["target"]).clip(0.0, 1.0), _array(values["weight"]) if moves else weight
        )

    def _scanned(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """``image`` (C, z, y, x) as another scanner would show it, in the channels that come from grey values."""
        seen = [0] if self._contrast is None else [0, self._contrast]
        share = [1.0] + [_slope(image[0], image[channel]) for channel in seen[1:]]
        image = image.copy()
        image[:1] = _array(_applied(self._brightness, {"ct": torch.from_numpy(image[:1])}, rng)["ct"])
        image[seen] = _array(_applied(self._sharpness, {"ct": torch.from_numpy(image[seen])}, rng)["ct"])
        noise = _array(_applied(self._noise, {"ct": torch.from_numpy(image[:1])}, rng)["ct"]) - image[:1]
        image[seen] += np.reshape(share, (-1, 1, 1, 1)).astype(np.float32) * noise
        return image


def _slope(ct: np.ndarray, contrast: np.ndarray) -> float:
    """By how much ``contrast`` rises with ``ct``: both are the same HU in other units, cut off below and above."""
    uncut = (ct > 0) & (ct < 1) & (contrast > 0) & (contrast < 1)
    spread = float(ct[uncut].std()) if uncut.any() else 0.0
    return float(contrast[uncut].std()) / spread if spread > 0 else 0.0


def _applied(steps: _Steps, values: dict, rng: np.random.Generator) -> dict:
    # The draw is made here, not by MONAI: its spatial transforms resample, and so cost and blur, even when not drawn.
    for probability, transform in steps:
        seed = int(rng.integers(2**31))
        if rng.random() < probability:
            transform.set_random_state(seed=seed)
            values = transform(values)
    return values


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(torch.as_tensor(tensor).numpy(), np.float32)


def _anatomy(spec: StageSpec, options: AugmentOptions) -> _Steps:
    keys = ("image", "target", "weight")
    modes = {"mode": ("bilinear", "bilinear", "nearest"), "padding_mode": "border", "allow_missing_keys": True}
    angle = math.radians(options.rotation_degrees)
    # MONAI turns about z first: the one rotation that leaves a slice in its plane.
    angles = (angle, 0.0, 0.0) if _of_slices(spec) else (angle,) * 3
    scales = (0.0 if _of_slices(spec) else options.scale, options.scale, options.scale)
    shifts = tuple(options.shift_share * side if side > 1 else 0.0 for side in spec.patch_zyx)
    affine = RandAffined(
        keys, prob=1.0, rotate_range=angles, scale_range=scales, translate_range=shifts if any(shifts) else None,
        **modes,
    )
    # MONAI smooths white noise of the given magnitude; smoothing by 5 voxels leaves about 1/130 of it.
    magnitude = (40.0 * options.elastic_voxels, 130.0 * options.elastic_voxels)
    elastic = Rand3DElasticd(keys, sigma_range=(4.0, 6.0), magnitude_range=magnitude, prob=1.0, **modes)
    flips = [RandFlipd(keys, prob=1.0, spatial_axis=axis, allow_missing_keys=True) for axis in flip_axes(spec)]
    bends = [] if _of_slices(spec) else [(options.elastic_probability, elastic)]
    return [(options.affine_probability, affine), *bends, *((options.flip_probability, flip) for flip in flips)]


def _brightness(options: AugmentOptions) -> _Steps:
    return [
        (options.contrast_probability, RandScaleIntensityd("ct", factors=options.contrast, prob=1.0)),
        (options.contrast_probability, RandShiftIntensityd("ct", offsets=options.shift, prob=1.0)),
        (options.contrast_probability, RandAdjustContrastd("ct", gamma=options.gamma, prob=1.0)),
    ]


def _sharpness(spec: StageSpec, options: AugmentOptions) -> _Steps:
    sigma = options.blur_voxels
    across = (0.0, 0.0) if _of_slices(spec) else sigma
    coarser = [] if _of_slices(spec) else [
        (options.low_resolution_probability,
         RandSimulateLowResolutiond("ct", prob=1.0, zoom_range=options.low_resolution))
    ]
    blur = RandGaussianSmoothd("ct", prob=1.0, sigma_x=across, sigma_y=sigma, sigma_z=sigma)
    return [(options.blur_probability, blur), *coarser]


def _noise(options: AugmentOptions) -> _Steps:
    return [(options.noise_probability, RandGaussianNoised("ct", prob=1.0, std=options.noise))]


def _masking(spec: StageSpec, options: AugmentOptions) -> _Steps:
    if "initial" not in spec.inputs:
        return []
    largest = tuple(max(1, round(options.masking_share * side)) for side in spec.patch_zyx)
    holes = RandCoarseDropoutd(
        "image", holes=1, max_holes=options.masking_holes, spatial_size=1, max_spatial_size=largest, fill_value=0.0,
        prob=1.0,
    )
    return [(options.masking_probability, holes)]


def _of_slices(spec: StageSpec) -> bool:
    return spec.patch_zyx[0] == 1
