"""What is in the labels: the voxels of each coronary system, and whether they can be a coronary system at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import EmptyResultError, InputError
from ..postprocessing.boxes import bounding_box, cropped, inside_distance, points_of, spacing_zyx
from ..volume import Volume
from .options import CentrelineOptions
from .unsided import by_component

SIDES = {"left": 1, "right": 2}
MOST_MM3 = 60_000.0
"""Both trees of a large heart hold 15 ml; a mask of four times that is no coronary mask."""
FEWEST_VOXELS = 8
PAD = 3
CLEARANCE = 0.02


@dataclass(frozen=True)
class System:
    """One coronary system. ``mask`` bool (z, y, x) on the grid of ``field``, whose values are the probability or the
    mask itself (float32); nothing but this system lies in ``field``. ``side`` is "left", "right" or ""."""

    key: str
    side: str
    mask: np.ndarray
    field: Volume
    warnings: tuple[str, ...] = ()


def systems_of(
    labels: Volume, values: dict[str, int] | None, probability: Volume | None, options: CentrelineOptions
) -> list[System]:
    """The systems of a label volume. Raises InputError or EmptyResultError where there is none to be found."""
    _check(labels, probability)
    if values is None:
        values = dict(SIDES) if (labels.array == 2).any() else {"tree": 1}
    found: list[System] = []
    absent: list[str] = []
    for key, value in values.items():
        mask = labels.array == value
        box = bounding_box(mask)
        if box is None or np.count_nonzero(mask[box]) < FEWEST_VOXELS:
            absent.append(f"No vessel has the label {value} ({key}): that tree is missing. Check the label values.")
        if box is None:
            continue
        warnings = _border_warnings(key, mask, box)
        mask, field = _padded(cropped(labels, box), value, probability, box, options.threshold)
        _refuse_chambers(mask, field, options)
        if key in SIDES:
            found.append(System(key, key, mask, field, warnings))
        else:
            prefix = "" if len(values) == 1 else f"{key}_"
            found += [
                System(prefix + side, side, *_only(part, mask, field), texts)
                for side, part, texts in by_component(mask, field, options, warnings)
            ]
    if not found:
        raise EmptyResultError(
            "There is no coronary artery in this mask: no voxel has the wanted label "
            f"({', '.join(f'{key} = {value}' for key, value in values.items())}). Check the label values."
        )
    if max(np.count_nonzero(system.mask) for system in found) < FEWEST_VOXELS:
        raise EmptyResultError(
            "The mask holds only a few voxels, which is no vessel with a course. Check that it is the right label."
        )
    return [
        replace(system, warnings=(*system.warnings, *absent))
        for system in found if np.count_nonzero(system.mask) >= FEWEST_VOXELS
    ]


def _check(labels: Volume, probability: Volume | None) -> None:
    if labels.array.ndim != 3:
        raise InputError(f"A mask must have three dimensions, not {labels.array.ndim}. Give one volume.")
    if not np.isfinite(np.asarray(labels.geometry.index_to_lps)).all() or min(labels.geometry.spacing_xyz_mm) <= 0:
        raise InputError("The mask's grid has no valid spacing or direction. Export it again from where it was made.")
    if probability is not None and not labels.geometry.same_grid(probability.geometry):
        raise InputError(
            "Mask and probability lie on different grids. Resample one onto the other, or leave the probability out."
        )
    if probability is not None and not np.isfinite(probability.array).all():
        raise InputError("The probability holds values that are no numbers. Export it again, or leave it out.")


def _padded(labels: Volume, value: int, probability: Volume | None, box, threshold: float) -> tuple[np.ndarray, Volume]:
    """Mask and field with empty voxels all round; the field is above the threshold exactly inside the mask."""
    inside = labels.array == value
    array = field_of_mask(inside, None if probability is None else probability.array[box], threshold)
    geometry = labels.geometry
    wide = type(geometry)(
        tuple(n + 2 * PAD for n in array.shape), geometry.spacing_xyz_mm,
        tuple(float(v) for v in geometry.points_lps(np.full(3, -float(PAD)))), geometry.direction,
    )
    return np.pad(inside, PAD), Volume(np.pad(array, PAD), wide, labels.source)


def field_of_mask(mask: np.ndarray, probability: np.ndarray | None, threshold: float) -> np.ndarray:
    """Float32 (z, y, x), at or above ``threshold`` exactly inside ``mask``: the mask where there is no probability.

    A corrected mask is right where the probability says otherwise; elsewhere that gives the wall between voxels.
    """
    if probability is None:
        return mask.astype(np.float32)
    likely = probability.astype(np.float32, copy=False)
    low, high = np.float32(threshold - CLEARANCE), np.float32(threshold + CLEARANCE)
    return np.where(mask, np.maximum(likely, high), np.minimum(likely, low))


def _only(part: np.ndarray, mask: np.ndarray, field: Volume) -> tuple[np.ndarray, Volume]:
    """One system's mask and field in its own box, the other system cleared from the field."""
    box = bounding_box(part, PAD)
    alone = field.with_array(np.where(part | ~mask, field.array, 0.0).astype(np.float32))
    return part[box], cropped(alone, box)


def _refuse_chambers(mask: np.ndarray, field: Volume, options: CentrelineOptions) -> None:
    volume_mm3 = np.count_nonzero(mask) * field.geometry.voxel_mm3
    if volume_mm3 <= MOST_MM3:
        index, distance = inside_distance(mask, spacing_zyx(field.geometry))
        deepest = int(np.argmax(distance))
        if 2.0 * distance[deepest] <= options.widest_mm:
            return
        x, y, z = points_of(field.geometry, index[deepest : deepest + 1])[0]
        what = f"is {2.0 * distance[deepest]:.0f} mm wide at LPS ({x:.0f}, {y:.0f}, {z:.0f})"
    else:
        what = f"holds {volume_mm3 / 1000.0:.0f} ml"
    raise InputError(
        f"The mask {what}: that is no coronary artery but a chamber, the aorta or a leak into one. "
        "Cut it off (scissors or eraser at the ostium) and try again."
    )


def _border_warnings(key: str, mask: np.ndarray, box) -> tuple[str, ...]:
    touches = any(s.start == 0 or s.stop == n for s, n in zip(box, mask.shape, strict=True))
    name = f"The {key} coronary mask" if key in SIDES else "The mask"
    text = f"{name} reaches the border of the volume and ends there: what lies beyond was not seen."
    return (text,) if touches else ()
