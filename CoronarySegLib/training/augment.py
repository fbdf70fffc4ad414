"""Variations of a patch that a scanner or a patient could have made, by MONAI transforms on the processor.

Anatomy moves in all channels together; grey values change in the CT channel alone, since the priors are no image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from monai.transforms import (
    Compose,
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
        shape = patch.target.shape
        weight = np.ones((*shape[:1], 1, 1, 1), np.float32) if patch.weight is None else patch.weight
        moves = weight.shape[-3:] != (1, 1, 1)  # a weight of the channel as a whole stays what it is
        values = {
            "image": torch.as_tensor(np.array(patch.image, np.float32)),
            "target": torch.as_tensor(np.array(patch.target, np.float32)),
        }
        if moves:
            values["weight"] = torch.as_tensor(np.array(np.broadcast_to(weight, weight.shape[:1] + shape[1:])))
        for transform in (self._anatomy, self._grey):
            transform.set_random_state(seed=int(rng.integers(2**31)))
        values = self._anatomy(values)
        values["ct"] = values["image"][:1]
        ct = self._grey({"ct": values["ct"]})["ct"]
        image = np.concatenate([_array(ct), _array(values["image"][1:])])
        weight = (_array(values["weight"]) > 0.5).astype(np.float32) * weight.max() if moves else weight
        return Patch(image.clip(0.0, 1.0), _array(values["target"]).clip(0.0, 1.0), weight)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(torch.as_tensor(tensor).numpy(), np.float32)


def _anatomy(spec: StageSpec, options: AugmentOptions) -> Compose:
    keys = ("image", "target", "weight")
    angle = (math.radians(options.rotation_degrees),) * 3
    common = {"keys": keys, "mode": "bilinear", "padding_mode": "border", "allow_missing_keys": True}
    steps: list[RandomizableTransform] = [
        RandAffined(prob=options.affine_probability, rotate_range=angle, scale_range=(options.scale,) * 3, **common),
        # MONAI smooths white noise of the given magnitude; smoothing by 5 voxels leaves about 1/130 of it.
        Rand3DElasticd(sigma_range=(4.0, 6.0), prob=options.elastic_probability,
                       magnitude_range=(40.0 * options.elastic_voxels, 130.0 * options.elastic_voxels), **common),
    ]
    steps += [
        RandFlipd(keys, prob=options.flip_probability, spatial_axis=axis, allow_missing_keys=True)
        for axis in flip_axes(spec)
    ]
    return Compose(steps)


def _grey_values(options: AugmentOptions) -> Compose:
    low, high = options.blur_voxels
    return Compose([
        RandScaleIntensityd("ct", factors=options.contrast, prob=options.contrast_probability),
        RandShiftIntensityd("ct", offsets=options.shift, prob=options.contrast_probability),
        RandAdjustContrastd("ct", gamma=options.gamma, prob=options.contrast_probability),
        RandGaussianSmoothd("ct", prob=options.blur_probability, sigma_x=(low, high), sigma_y=(low, high),
                            sigma_z=(low, high)),
        RandSimulateLowResolutiond("ct", prob=options.low_resolution_probability, zoom_range=options.low_resolution),
        RandGaussianNoised("ct", prob=options.noise_probability, std=options.noise),
    ])
