"""What is in the labels: the voxels of each coronary system, and whether they can be a coronary system at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..errors import EmptyResultError, InputError
from ..postprocessing.boxes import bounding_box, cropped, inside_distance, points_of, spacing_zyx
from ..postprocessing.components import component_sizes
from ..postprocessing.sides import LEFT, name_sides
from ..volume import Volume
from .options import CentrelineOptions

SIDES = {"left": 1, "right": 2}
SYSTEM_SHARE = 0.1
"""In a mask that does not tell sides, a second part of at least this share of the first is a system of its own."""
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
    for key, value in values.items():
        mask = labels.array == value
        box = bounding_box(mask)
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
                System(prefix + side, side, part, field.with_array(np.where(part | ~mask, field.array, 0.0)), texts)
                for side, part, texts in _by_component(mask, field, options, warnings)
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
    return [system for system in found if np.count_nonzero(system.mask) >= FEWEST_VOXELS]


def _check(labels: Volume, probability: Volume | None) -> None:
    if labels.array.ndim != 3:
        raise InputError(f"A mask must have three dimensions, not {labels.array.ndim}. Give one volume.")
    if not np.isfinite(np.asarray(labels.geometry.index_to_lps)).all() or min(labels.geometry.spacing_xyz_mm) <= 0:
        raise InputError("The mask's grid has no valid spacing or direction. Export it again from where it was made.")
    if probability is not None and not labels.geometry.same_grid(probability.geometry):
        raise InputError(
            "Mask and probability lie on different grids. Resample one onto the other, or leave the probability out."
        )


def _padded(labels: Volume, value: int, probability: Volume | None, box, threshold: float) -> tuple[np.ndarray, Volume]:
    """Mask and field with empty voxels all round; the field is above the threshold exactly inside the mask."""
    inside = labels.array == value
    if probability is None:
        array = inside.astype(np.float32)
    else:
        # A corrected mask is right where the probability says otherwise; elsewhere that gives the wall between voxels.
        likely = probability.array[box].astype(np.float32)
        low, high = threshold - CLEARANCE, threshold + CLEARANCE
        array = np.where(inside, np.maximum(likely, high), np.minimum(likely, low))
    geometry = labels.geometry
    wide = type(geometry)(
        tuple(n + 2 * PAD for n in array.shape), geometry.spacing_xyz_mm,
        tuple(float(v) for v in geometry.points_lps(np.full(3, -float(PAD)))), geometry.direction,
    )
    return np.pad(inside, PAD), Volume(np.pad(array, PAD), wide, labels.source)


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
    text = f"The {key} vessel reaches the border of the volume and ends there: what lies beyond was not seen."
    return (text.replace("  ", " "),) if touches else ()


def _by_component(mask: np.ndarray, field: Volume, options: CentrelineOptions, warnings: tuple[str, ...]):
    """Side, mask and warnings of the one or two systems in a mask that does not tell sides; fragments go with the
    nearer one."""
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes = component_sizes(labels, count)
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    two = [int(k) for k in order[:2] if sizes[k] >= SYSTEM_SHARE * sizes[order[0]]]
    tree = np.zeros(mask.shape, np.uint8)
    for number, k in enumerate(two, start=1):
        tree[labels == k] = number
    rest = np.argwhere(mask & (tree == 0))
    if len(rest):
        tree[tuple(rest.T)] = _nearest_number(tree, rest, labels, spacing_zyx(field.geometry))
    sided = name_sides(tree, field.array, options.threshold, field.geometry, None)
    for value in np.unique(sided.side[sided.side > 0]):
        yield ("left" if value == LEFT else "right"), sided.side == value, (*warnings, *sided.warnings)


def _nearest_number(tree: np.ndarray, rest: np.ndarray, labels: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    index = np.argwhere(tree > 0)
    distance, nearest = cKDTree(index * spacing).query(rest * spacing)
    number = tree[tuple(index[nearest].T)]
    # A fragment stays in one piece: all of it follows the voxel that lies closest to a tree.
    part = labels[tuple(rest.T)]
    closest = {int(p): number[np.flatnonzero(part == p)[np.argmin(distance[part == p])]] for p in np.unique(part)}
    return np.array([closest[int(p)] for p in part], np.uint8)
