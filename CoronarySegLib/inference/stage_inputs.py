"""The grid a stage works on and the channels it sees there, the same for every system."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import ModelError
from ..models import StageCard
from ..preparation import canonical, ct_values, isotropic_grid, relative_contrast, resample, spaced_grid
from ..volume import Volume
from .locator import AIR_HU


def stage_ct(volume: Volume, stage: StageCard) -> Volume:
    """The whole CT in HU on the stage's grid: the scanner's own voxels in canonical order, others there, or isotropic
    ones."""
    if stage.spacing_zyx_mm is not None:
        ct, _ = canonical(volume)
        return resample(ct, spaced_grid(ct.geometry, stage.spacing_zyx_mm), interpolation="cubic", fill=AIR_HU)
    if stage.native or stage.spacing_mm is None:
        return canonical(volume)[0]
    return resample(volume, isotropic_grid(volume.geometry, stage.spacing_mm), interpolation="linear", fill=AIR_HU)


def hu_range(volume: Volume, stage: StageCard) -> tuple[float, float] | None:
    """Range of the volume for a stage that is normalised by it, None for one with a window."""
    if stage.normalisation != "minmax":
        return None
    return float(volume.array.min()), float(volume.array.max())


def stage_channels(
    stage: StageCard, ct: Volume, given: Mapping[str, Volume], *, range_hu: tuple[float, float] | None = None,
    of_arteries_hu: float | None = None,
) -> np.ndarray:
    """The channels the stage asks for, in its order, on the grid of ``ct``: (C, z, y, x) float32, 0..1.

    "ct" is the CT, "vesselness" and "contrast" (beside ``of_arteries_hu``) are computed from it, others are taken from
    ``given`` (any grid). Raises ModelError for a channel that is none of these.
    """
    inputs = np.empty((len(stage.inputs), *ct.geometry.shape_zyx), np.float32)
    for channel, name in enumerate(stage.inputs):
        if name == "ct":
            inputs[channel] = ct_values(ct.array, stage.hu_window, range_hu=range_hu, sharpen=stage.sharpen)
        elif name == "vesselness":
            from ..preparation.vesselness import vesselness

            inputs[channel] = vesselness(ct)
        elif name == "contrast":
            inputs[channel] = relative_contrast(ct.array, of_arteries_hu)
        elif name in given:
            inputs[channel] = _on(given[name], ct)
        else:
            known = ", ".join(["ct", "vesselness", "contrast", *given])
            raise ModelError(
                f"Stage {stage.name!r} asks for an input {name!r}, known are {known}. "
                "Choose a model that was made for this version."
            )
    return inputs


def _on(volume: Volume, ct: Volume) -> np.ndarray:
    if volume.geometry.same_grid(ct.geometry):
        return volume.array
    return resample(volume, ct.geometry, interpolation="linear", fill=0.0).array
