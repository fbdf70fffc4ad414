"""A volume in overlapping patches: predicted one by one, blended by a Gaussian, skipped where nobody asked.

The blending adds whole numbers, not floats: integer sums do not depend on their order, so the result is the same to the
last bit whatever the order of the patches, and 32 bits per voxel hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ModelError
from ..progress import Progress, ProgressCallback, as_progress

if TYPE_CHECKING:
    from .engines import Engine

# Width of the Gaussian as a share of the patch, as usual in patch inference (nnU-Net, MONAI).
SIGMA_SHARE = 0.125
# Probability in steps of 1/65535 times weight up to 1023 fills 26 of 32 bits; the Gaussian weights of all patches over
# one voxel add up to less than 8 maxima at the largest overlap allowed, 29 bits.
PROBABILITY_STEPS = 65535
WEIGHT_STEPS = 1023
LARGEST_OVERLAP = 0.8


@dataclass(frozen=True)
class Patch:
    """``window``: the voxels of the patch; ``cell``: those for which no other patch is better centred."""

    window: tuple[slice, slice, slice]
    cell: tuple[slice, slice, slice]


def predict_patches(
    engine: Engine,
    inputs: np.ndarray,
    *,
    patch_zyx: tuple[int, int, int],
    overlap: float = 0.5,
    align: int | tuple[int, int, int] = 1,
    region: np.ndarray | None = None,
    progress: Progress | ProgressCallback | None = None,
    text: str = "Predicting",
    _order: Sequence[int] | None = None,
) -> np.ndarray:
    """Probabilities (K, z, y, x) float32 for ``inputs`` (C, z, y, x).

    ``overlap`` is the share by which neighbouring patches overlap at least, 0 to 0.8. With ``region`` (bool z, y, x)
    only patches that are needed for a voxel of it are predicted: every voxel of the region gets the patch that is best
    centred on it and whatever else overlaps; voxels that no patch reached are 0. A volume smaller than a patch is
    padded with its edge values. Patches begin at multiples of ``align`` voxels: a network that halves its grid three
    times gives the same answer for a patch moved by 8 voxels, and another one for a patch moved by 4. One number, or
    one for each of (z, y, x).
    Beyond inputs and result, memory is 4 bytes per voxel of the patches' common box.
    Raises ModelError when the network answers with something that is not a number, Cancelled through ``progress``.
    """
    progress = as_progress(progress)
    if not 0 <= overlap <= LARGEST_OVERLAP:
        raise ValueError(f"overlap must lie between 0 and {LARGEST_OVERLAP}, not {overlap}")
    shape = inputs.shape[1:]
    if region is not None and region.shape != shape:
        raise ValueError(f"region {region.shape} does not fit inputs {shape}")
    padding = [_pad_of(*axis) for axis in zip(shape, patch_zyx, _by_axis(align), strict=True)]
    if any(map(any, padding)):
        inputs = np.pad(inputs, [(0, 0), *padding], mode="edge")
        region = None if region is None else np.pad(region, padding)
    patches = plan_patches(inputs.shape[1:], patch_zyx, overlap, region, align)
    if not patches:
        raise ValueError("region is empty: there is nothing to predict")
    order = range(len(patches)) if _order is None else _order
    result = _blend(engine, inputs, patches, patch_zyx, order, progress, text)
    return result[(slice(None), *(slice(low, low + size) for (low, _), size in zip(padding, shape, strict=True)))]


def plan_patches(
    shape_zyx: tuple[int, ...],
    patch_zyx: tuple[int, int, int],
    overlap: float,
    region: np.ndarray | None = None,
    align: int | tuple[int, int, int] = 1,
) -> tuple[Patch, ...]:
    """The patches that cover the volume, or ``region`` in it, each beginning at a multiple of ``align`` voxels.

    Every side of the volume is the patch's, or longer by a multiple of ``align``.
    """
    if region is None:
        spans = [(0, size) for size in shape_zyx]
    elif not region.any():
        return ()
    else:
        spans = [_span(region.any(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3)]
    axes = [
        _windows_and_cells(size, patch, overlap, span, step)
        for size, patch, span, step in zip(shape_zyx, patch_zyx, spans, _by_axis(align), strict=True)
    ]
    patches = (Patch(tuple(w for w, _ in parts), tuple(c for _, c in parts)) for parts in product(*axes))
    return tuple(patch for patch in patches if region is None or region[patch.cell].any())


def gaussian_weights(patch_zyx: tuple[int, int, int]) -> np.ndarray:
    """Blending weights 1..1023 (uint32), largest at the patch's centre: convolutions know least at a patch's border."""
    axes = [
        np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / (SIGMA_SHARE * size)) ** 2) for size in patch_zyx
    ]
    product_zyx = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
    return np.maximum(np.rint(WEIGHT_STEPS * product_zyx / product_zyx.max()), 1).astype(np.uint32)


def _blend(engine, inputs, patches, patch_zyx, order, progress, text) -> np.ndarray:
    windows = [[patch.window[axis] for patch in patches] for axis in range(3)]
    box = tuple(slice(min(w.start for w in along), max(w.stop for w in along)) for along in windows)
    weights = gaussian_weights(patch_zyx)
    total = np.zeros([side.stop - side.start for side in box], np.uint32)
    summed = None
    for done, index in enumerate(order):
        progress(done / len(patches), f"{text} ({done + 1} of {len(patches)})")
        window = patches[index].window
        answer = engine.predict(np.ascontiguousarray(inputs[(slice(None), *window)], np.float32)[None])[0]
        if not np.isfinite(answer).all():
            raise ModelError(
                "The network answered with values that are not numbers. "
                "Its weights are damaged or do not suit half precision: choose another model, or device torch."
            )
        inside = tuple(slice(w.start - b.start, w.stop - b.start) for w, b in zip(window, box, strict=True))
        if summed is None:
            # Zeros take no memory until they are written: outside of the patches the result costs nothing.
            summed = np.zeros((len(answer), *inputs.shape[1:]), np.uint32)
        for channel, probability in enumerate(answer):
            summed[(channel, *window)] += np.rint(probability * PROBABILITY_STEPS).astype(np.uint32) * weights
        total[inside] += weights
    progress(1.0, text)
    return _normalised(summed, total, box)


def _normalised(summed: np.ndarray, total: np.ndarray, box: tuple[slice, slice, slice]) -> np.ndarray:
    """Weighted sums to means, written over the sums' own memory (both have 32 bits)."""
    result = summed.view(np.float32)
    for channel in range(len(summed)):
        for z in range(box[0].start, box[0].stop):
            here = (channel, z, *box[1:])
            weight = total[z - box[0].start].astype(np.float64)
            means = summed[here] / np.maximum(weight * PROBABILITY_STEPS, 1.0)
            result[here] = means
    return result


def _by_axis(align: int | tuple[int, int, int]) -> tuple[int, int, int]:
    return (align,) * 3 if isinstance(align, int) else tuple(align)


def _pad_of(size: int, patch: int, align: int) -> tuple[int, int]:
    if size > patch:
        return 0, (patch - size) % align
    return (patch - size) // 2, patch - size - (patch - size) // 2


def _span(occupied: np.ndarray) -> tuple[int, int]:
    where = np.flatnonzero(occupied)
    return int(where[0]), int(where[-1]) + 1


def _windows_and_cells(
    size: int, patch: int, overlap: float, span: tuple[int, int], align: int
) -> list[tuple[slice, slice]]:
    """Patches along one axis, evenly spread over ``span``, and their cells.

    What the patches are longer than the span goes beyond both its ends where the volume allows: context for its border.
    """
    low, high = span
    step = max(int(patch * (1 - overlap)) // align, 1) * align
    count = max(-(-(high - low - patch) // step), 0) + 1
    slack = patch + (count - 1) * step - (high - low)
    first = min(max(low - slack // 2, 0) // align * align, size - patch)
    last = max(min(-(-(high - patch + slack // 2) // align) * align, size - patch), first)
    count = max(count, -(-(last - first) // step) + 1)
    starts = [first + int(i * (last - first) / max(count - 1, 1) / align + 0.5) * align for i in range(count)]
    # Between two neighbours the border of the cells lies midway between the patches' centres.
    borders = [0, *((a + b + patch) // 2 for a, b in pairwise(starts)), size]
    return [
        (slice(start, start + patch), slice(borders[i], borders[i + 1])) for i, start in enumerate(starts)
    ]
