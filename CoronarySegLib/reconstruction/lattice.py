"""A scalar field made ready for marching cubes: finer, only where the vessel is, and without critical configurations.

Marching cubes is closed and manifold when the inside voxels are well-composed (Latecki, Eckhardt, Rosenfeld 1995): no
two of them may touch at an edge or a corner only, and no two outside voxels either. Where a field is not, the outside
sample closest to the threshold is lifted just over it. So the surface is manifold by construction and needs no repair.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from ..postprocessing.boxes import blocks, widened

MARGIN = 2
CLEARANCE = 0.01
"""No sample lies closer to the threshold than this: a vertex on a sample would give triangles without area."""
_CORNERS = np.array(list(product((0, 1), repeat=3)))


def twice_sampled(field: np.ndarray, active: np.ndarray) -> np.ndarray:
    """``field`` (z, y, x) at half the spacing: (2z-1, 2y-1, 2x-1) float32, zero in blocks without an ``active`` voxel.

    Even samples are the old ones, odd ones their 4-point cubic (Catmull-Rom) mean: smooth and local, so that working in
    blocks gives the very values of the whole at the memory of the result alone.
    """
    result = np.zeros([2 * n - 1 for n in field.shape], np.float32)
    for block in blocks(active):
        wide = widened(block, MARGIN, field.shape)
        part = field[wide]
        for axis in range(3):
            part = _doubled(part, axis)
        skip = [2 * (s.start - w.start) for s, w in zip(block, wide, strict=True)]
        target = tuple(slice(2 * s.start, min(2 * s.stop, n)) for s, n in zip(block, result.shape, strict=True))
        source = tuple(slice(k, k + t.stop - t.start) for k, t in zip(skip, target, strict=True))
        result[target] = part[source]
    return result


def _doubled(array: np.ndarray, axis: int) -> np.ndarray:
    array = np.moveaxis(array, axis, 0)
    result = np.empty((2 * len(array) - 1, *array.shape[1:]), np.float32)
    result[0::2] = array
    outer = np.concatenate([array[:1], array, array[-1:]])
    result[1::2] = (9.0 * (array[:-1] + array[1:]) - outer[:-3] - outer[3:]) * np.float32(1.0 / 16.0)
    return np.moveaxis(result, 0, axis)


def make_well_composed(field: np.ndarray, threshold: float, active_blocks: list[tuple[slice, slice, slice]]) -> int:
    """Clear the threshold's surroundings and lift samples in place until ``field >= threshold`` is well-composed.

    ``active_blocks``: the blocks that hold every sample at or above the threshold. Returns how many samples were
    lifted. Lifting only adds, so it ends.
    """
    inside_low, outside_high = np.float32(threshold + CLEARANCE), np.float32(threshold - CLEARANCE)
    cells = []
    for block in active_blocks:
        part = field[block]
        near = np.abs(part - threshold) < CLEARANCE
        part[near] = np.where(part[near] >= threshold, inside_low, outside_high)
    for block in active_blocks:
        cells.append(_critical_in(field, threshold, block))
    cells = np.unique(np.concatenate([*cells, np.zeros((0, 3), int)]), axis=0)
    lifted = 0
    while len(cells):
        samples = _to_lift(field, threshold, cells)
        field[tuple(samples.T)] = inside_low
        lifted += len(samples)
        around = (samples[:, None, :] - _CORNERS[None]).reshape(-1, 3)
        around = around[((around >= 0) & (around < np.array(field.shape) - 1)).all(1)]
        around = np.unique(around, axis=0)
        cells = around[_WANTED[_codes_at(field, threshold, around)] > 0]
    return lifted


def _critical_in(field: np.ndarray, threshold: float, block: tuple[slice, slice, slice]) -> np.ndarray:
    wide = widened(block, 1, field.shape)
    inside = (field[wide] >= threshold).view(np.uint8)
    code = np.zeros([n - 1 for n in inside.shape], np.uint8)
    for bit, corner in enumerate(_CORNERS):
        code |= inside[tuple(slice(c, c + n) for c, n in zip(corner, code.shape, strict=True))] << np.uint8(bit)
    return np.argwhere(_WANTED[code] > 0) + [s.start for s in wide]


def _codes_at(field: np.ndarray, threshold: float, cells: np.ndarray) -> np.ndarray:
    values = field[tuple((cells[:, None, :] + _CORNERS[None]).transpose(2, 0, 1))]
    return ((values >= threshold) << np.arange(8)).sum(1).astype(np.uint8)


def _to_lift(field: np.ndarray, threshold: float, cells: np.ndarray) -> np.ndarray:
    """For each critical cell the outside corner with the largest value among those that would resolve it."""
    values = field[tuple((cells[:, None, :] + _CORNERS[None]).transpose(2, 0, 1))]
    wanted = (_WANTED[_codes_at(field, threshold, cells)][:, None] >> np.arange(8)) & 1
    best = np.argmax(np.where(wanted == 1, values, -np.inf), axis=1)
    return np.unique(cells + _CORNERS[best], axis=0)


def _wanted_corners() -> np.ndarray:
    """For each of the 256 inside patterns of a cell: bits of the outside corners that would resolve it, 0 when fine."""
    table = np.zeros(256, np.uint8)
    faces = [[i for i, c in enumerate(_CORNERS) if c[axis] == side] for axis in range(3) for side in (0, 1)]
    for code in range(256):
        inside = [(code >> bit) & 1 for bit in range(8)]
        outside = {bit for bit in range(8) if not inside[bit]}
        wanted: set[int] = set()
        for a, b, c, d in faces:  # a-d and b-c are the diagonals
            if inside[a] == inside[d] != inside[b] == inside[c]:
                wanted |= outside & {a, b, c, d}
        opposite = any(outside == {bit, 7 - bit} or outside == set(range(8)) - {bit, 7 - bit} for bit in range(4))
        if opposite:
            wanted |= outside
        table[code] = sum(1 << bit for bit in wanted)
    return table


_WANTED = _wanted_corners()
