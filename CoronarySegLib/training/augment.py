"""Variations of a patch that a scanner or a patient could have made, by MONAI transforms on the processor.

Anatomy moves in all channels together; grey values change in the CT channel alone, since the priors are no image.
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
    """How often and how far. Probabilities per patch; shift and noise in units of the 0..1 window."""

    affine_probability: float = 0.3
    rotation_degrees: float = 15.0
    scale: float = 0.1
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


def flip_axes(spec: StageSpec) -> tuple[int, ...]:
    """Axes of (z, y, x) along which a mirrored patch is still something the stage will meet.

    Only patches of a small part of the heart may be mirrored at all. Never along x where a channel says left or right:
    the mirror image of a left coronary tree is no right one.
    """
    if spec.spacing_mm is None or spec.spacing_mm >= 1.0:
        return ()
    sided = any(word in name for name in spec.inputs + spec.outputs for word in ("left", "right"))
    return (0, 1) if sided else (0, 1, 2)


class Augmentation:
    """Callable ``(patch, rng) -> Patch`` of the same shape, decided by ``rng`` alone. Targets stay in 0..1, unrounded:
    a vessel one voxel wide would not survive rounding after a rotation."""

    def __init__(self, spec: StageSpec, options: AugmentOptions = AugmentOptions()):
        self._anatomy, self._grey = _anatomy(spec, options), _grey_values(options)

    def __call__(self, patch: Patch, rng: np.random.Generator) -> Patch:
        values = {"image": torch.as_tensor(np.array(patch.image, np.float32)),
                  "target": torch.as_tensor(np.array(patch.target, np.float32))}
        weight = patch.weight
        # A weight of a whole channel has no place that could move.
        moves = weight is not None and weight.shape[-3:] != (1, 1, 1)
        if moves:
            values["weight"] = torch.as_tensor(np.array(weight, np.float32))
        values = _applied(self._anatomy, values, rng)
        ct = _applied(self._grey, {"ct": values["image"][:1]}, rng)["ct"]
        image = np.concatenate([_array(ct), _array(values["image"][1:])])
        return Patch(
            image.clip(0.0, 1.0), _array(values["target"]).clip(0.0, 1.0), _array(values["weight"]) if moves else weight
        )


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
    angle = (math.radians(options.rotation_degrees),) * 3
    affine = RandAffined(keys, prob=1.0, rotate_range=angle, scale_range=(options.scale,) * 3, **modes)
    # MONAI smooths white noise of the given magnitude; smoothing by 5 voxels leaves about 1/130 of it.
    magnitude = (40.0 * options.elastic_voxels, 130.0 * options.elastic_voxels)
    elastic = Rand3DElasticd(keys, sigma_range=(4.0, 6.0), magnitude_range=magnitude, prob=1.0, **modes)
    flips = [RandFlipd(keys, prob=1.0, spatial_axis=axis, allow_missing_keys=True) for axis in flip_axes(spec)]
    return [(options.affine_probability, affine), (options.elastic_probability, elastic),
            *((options.flip_probability, flip) for flip in flips)]


def _grey_values(options: AugmentOptions) -> _Steps:
    sigma = options.blur_voxels
    return [
        (options.contrast_probability, RandScaleIntensityd("ct", factors=options.contrast, prob=1.0)),
        (options.contrast_probability, RandShiftIntensityd("ct", offsets=options.shift, prob=1.0)),
        (options.contrast_probability, RandAdjustContrastd("ct", gamma=options.gamma, prob=1.0)),
        (options.blur_probability, RandGaussianSmoothd("ct", prob=1.0, sigma_x=sigma, sigma_y=sigma, sigma_z=sigma)),
        (options.low_resolution_probability,
         RandSimulateLowResolutiond("ct", prob=1.0, zoom_range=options.low_resolution)),
        (options.noise_probability, RandGaussianNoised("ct", prob=1.0, std=options.noise)),
    ]
