"""Any of the 48 axis orders and flips to one canonical order, and back without touching a value.

Only permutation and flips: an oblique direction stays oblique, nothing is interpolated, the way back is bit-exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from ..volume import Geometry, Volume


@dataclass(frozen=True)
class Orientation:
    """How a canonical grid came out of an input grid.

    ``source_axis_xyz[i]`` is the input index axis (0 = x, 1 = y, 2 = z) that became canonical axis ``i``;
    ``flipped_xyz[i]`` says whether canonical axis ``i`` runs against it. ``input`` is the grid before.
    """

    source_axis_xyz: tuple[int, int, int]
    flipped_xyz: tuple[bool, bool, bool]
    input: Geometry

    @property
    def is_identity(self) -> bool:
        """True when the input grid was canonical already."""
        return self.source_axis_xyz == (0, 1, 2) and not any(self.flipped_xyz)

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Input-grid array (..., z, y, x) to the canonical order; a view, no copy."""
        lead = tuple(range(array.ndim - 3))
        order = lead + tuple(_array_axis(self.source_axis_xyz[2 - i], array.ndim) for i in range(3))
        return np.flip(np.transpose(array, order), self._flip_axes(array.ndim))

    def restore(self, array: np.ndarray) -> np.ndarray:
        """Canonical array (..., z, y, x) back to the input grid's order, every value untouched; contiguous.

        Raises ValueError when the array does not have the canonical grid's shape.
        """
        expected = tuple(self.input.size_xyz[axis] for axis in reversed(self.source_axis_xyz))
        if array.shape[-3:] != expected:
            raise ValueError(f"array {array.shape} does not fit the canonical grid {expected}")
        lead = tuple(range(array.ndim - 3))
        order = lead + tuple(_array_axis(self.source_axis_xyz[2 - i], array.ndim) for i in range(3))
        flipped = np.flip(array, self._flip_axes(array.ndim))
        return np.ascontiguousarray(np.transpose(flipped, np.argsort(order)))

    def restore_volume(self, volume: Volume) -> Volume:
        """A volume on the canonical grid back on the input grid (the very same Geometry object)."""
        return replace(volume, array=self.restore(volume.array), geometry=self.input)

    def _flip_axes(self, ndim: int) -> tuple[int, ...]:
        return tuple(_array_axis(axis, ndim) for axis in range(3) if self.flipped_xyz[axis])


def canonical(volume: Volume) -> tuple[Volume, Orientation]:
    """Order the axes so that x runs nearest to left, y to posterior and z to superior.

    Returns the reordered volume (same values, same voxels in LPS space) and the :class:`Orientation` that leads back.
    """
    orientation = orientation_of(volume.geometry)
    geometry = canonical_geometry(orientation)
    array = np.ascontiguousarray(orientation.apply(volume.array))
    return replace(volume, array=array, geometry=geometry), orientation


def orientation_of(geometry: Geometry) -> Orientation:
    """The permutation and flips that bring ``geometry`` nearest to left, posterior, superior."""
    direction = np.reshape(geometry.direction, (3, 3))
    # The best assignment as a whole: axis by axis, an oblique of 45 degrees would claim the same axis twice.
    source = max(permutations(range(3)), key=lambda order: sum(abs(direction[i, order[i]]) for i in range(3)))
    flipped = tuple(bool(direction[i, source[i]] < 0) for i in range(3))
    return Orientation(tuple(source), flipped, geometry)


def canonical_geometry(orientation: Orientation) -> Geometry:
    """The grid after :meth:`Orientation.apply`: the same voxel centres in another order."""
    given = orientation.input
    columns = np.reshape(given.direction, (3, 3))
    sign = np.where(orientation.flipped_xyz, -1.0, 1.0)
    first_index = np.zeros(3)
    for axis, source in enumerate(orientation.source_axis_xyz):
        if orientation.flipped_xyz[axis]:
            first_index[source] = given.size_xyz[source] - 1
    # Adding 0.0 turns a -0.0 into 0.0, which some writers print as "-0".
    direction = columns[:, list(orientation.source_axis_xyz)] * sign + 0.0
    return Geometry(
        shape_zyx=tuple(given.size_xyz[source] for source in reversed(orientation.source_axis_xyz)),
        spacing_xyz_mm=tuple(given.spacing_xyz_mm[source] for source in orientation.source_axis_xyz),
        origin_lps_mm=tuple(float(v) for v in given.points_lps(first_index)) if any(orientation.flipped_xyz)
        else given.origin_lps_mm,
        direction=tuple(float(v) for v in direction.ravel()),
    )


def _array_axis(axis_xyz: int, ndim: int) -> int:
    """numpy axis of an x, y, z axis in an array (..., z, y, x)."""
    return ndim - 1 - axis_xyz
