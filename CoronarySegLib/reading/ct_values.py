"""Are these Hounsfield units of a chest? The histogram knows: lung and air far below, one dense band of soft tissue.

A scan saved without its rescale has the same histogram moved by 1024, so a move that makes it right is the proof.
"""

from __future__ import annotations

import numpy as np

from ..errors import NotACoronaryCTError
from ..volume import Volume
from .coarse import LOWEST_HU, CoarseCT

# The rescale intercept of practically every scanner, forgotten or applied twice.
KNOWN_OFFSETS_HU = (-1024.0, 1024.0)
SAMPLE_VOXELS = 200_000
LABEL_VALUES = 40

AIR_HU = (LOWEST_HU, -600.0)
MIN_AIR_SHARE = 0.005
# Of all that is no air, nearly everything in a chest is fat, muscle or blood; the rest is bone and partial volume.
TISSUE_HU = (-200.0, 600.0)
MIN_TISSUE_SHARE = 0.70
SOFT_HU = (-150.0, 200.0)
MIN_SOFT_SHARE = 0.10


class HUOffsetError(NotACoronaryCTError):
    """The values are a CT's but shifted. ``offset_hu`` added to every voxel would make them HU."""

    def __init__(self, message: str, offset_hu: float):
        super().__init__(message)
        self.offset_hu = offset_hu


def require_hounsfield_units(volume: Volume, coarse: CoarseCT) -> None:
    """Raise NotACoronaryCTError (or HUOffsetError, with the remedy) unless the values are HU of a chest or belly."""
    lowest, highest = float(volume.array.min()), float(volume.array.max())
    if lowest == highest:
        raise NotACoronaryCTError(f"Every voxel has the value {lowest:g}: there is no image. Export the CT again.")
    if len(np.unique(_sample(volume.array))) <= LABEL_VALUES:
        raise NotACoronaryCTError(
            "The volume holds only a few different values, as a segmentation does. Give the CT itself, in HU."
        )
    if lowest >= 0 and highest <= 1.5:
        raise NotACoronaryCTError(
            f"The values run from {lowest:g} to {highest:.2g}: a probability or a normalised image, not HU. "
            "Give the CT as exported from the scanner."
        )
    if lowest >= 0 and highest <= 255:
        raise NotACoronaryCTError(
            "The values run from 0 to 255: an 8-bit picture, its Hounsfield units are lost. "
            "Export the original CT series from the scanner or archive."
        )
    if looks_like_hu(coarse.array):
        return
    for offset in KNOWN_OFFSETS_HU:
        if looks_like_hu(coarse.array + offset):
            raise HUOffsetError(
                f"The values are {abs(offset):g} too {'high' if offset < 0 else 'low'} for Hounsfield units (the "
                f"rescale of the DICOM header was {'not applied' if offset < 0 else 'applied twice'}). Apply an HU "
                f"offset of {offset:+g}, or export the CT again.",
                offset,
            )
    raise NotACoronaryCTError(
        f"This is no CT of the chest in Hounsfield units: the values ({lowest:g} to {highest:g}) show no lung near "
        "-850 together with soft tissue near 50. It may be an MR or another kind of image. Give a cardiac CT angiogram."
    )


def looks_like_hu(values: np.ndarray) -> bool:
    """True when the histogram has air or lung, soft tissue, and little else."""
    air = (values > AIR_HU[0]) & (values < AIR_HU[1])
    body = values >= AIR_HU[1]
    body_count = int(np.count_nonzero(body))
    if body_count == 0 or np.count_nonzero(air) < MIN_AIR_SHARE * values.size:
        return False
    tissue = np.count_nonzero((values > TISSUE_HU[0]) & (values < TISSUE_HU[1]))
    soft = np.count_nonzero((values > SOFT_HU[0]) & (values < SOFT_HU[1]))
    return bool(tissue > MIN_TISSUE_SHARE * body_count and soft > MIN_SOFT_SHARE * values.size)


def _sample(array: np.ndarray) -> np.ndarray:
    stride = max(1, round((array.size / SAMPLE_VOXELS) ** (1 / 3)))
    return array[::stride, ::stride, ::stride]
