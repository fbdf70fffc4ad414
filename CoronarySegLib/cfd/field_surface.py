"""The wall in a scalar field as one closed surface, without the loops that lie between the samples.

Between the voxels of a mask two walls may meet that no voxels join, and so do two branches that are drawn beside each
other. Small windows are closed; where vessels touch they are cut apart; narrow tunnels that are left are filled. The
result with the fewest loops counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..errors import EmptyResultError
from ..postprocessing.boxes import bounding_box
from ..reconstruction.isosurface import isosurface
from ..reconstruction.lattice import make_well_composed
from ..reconstruction.mesh import compacted, part_volumes, vertex_count
from ..volume import Geometry
from .loops import contacts_between, tunnels_of, windows_of
from .ruler import Ruler

LOST_MM3 = 1.0
"""Parts beside the largest may be this much together: single voxels. More is a vessel that came apart."""
PARTED = 0.3
"""Far enough off the threshold that no interpolation reaches over a sample between two parted walls."""
LARGEST_WINDOW = 36
"""Samples of a hole in its plane."""
CLOSINGS = (2, 4)
"""Samples of the balls that find a tunnel, as between two daughters just behind their junction."""
WINDOW_MARGIN = 8
"""Samples round a block, so that a window or a tunnel at its edge is seen whole."""

Blocks = list[tuple[slice, slice, slice]]


def surface_in(
    field: np.ndarray, threshold: float, geometry: Geometry, factor: int, active_blocks: Blocks, ruler: Ruler | None,
    most_lost_mm3: float = np.inf,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Points (n, 3) LPS mm, triangles (m, 3) and the volume in mm³ of what is not in them.

    ``field`` (z, y, x) has ``factor`` samples a voxel of ``geometry``; it is changed in place. Only the largest part
    counts, without the walls of cavities. ``ruler`` along the vessels; without one loops stay, as they do
    where more than ``most_lost_mm3`` is not in the surface.
    Raises EmptyResultError when nothing is at or above the threshold.
    """
    make_well_composed(field, threshold, active_blocks)
    found = _largest(*isosurface(field, threshold, geometry, factor))
    if ruler is None or found[2] > most_lost_mm3:
        return found
    spacing = tuple(s / factor for s in geometry.spacing_xyz_mm)
    samples = replace(geometry, shape_zyx=field.shape, spacing_xyz_mm=spacing)
    for opened in (_without_windows, _without_contacts, _without_tunnels):
        if _loops(found[1]) == 0:
            break
        opened(field, threshold, samples, active_blocks, ruler)
        make_well_composed(field, threshold, active_blocks)
        other = _largest(*isosurface(field, threshold, geometry, factor))
        if _loops(other[1]) < _loops(found[1]) and other[2] <= found[2] + LOST_MM3:
            found = other
    return found


def _without_windows(field, threshold: float, _samples: Geometry, active_blocks: Blocks, _ruler: Ruler) -> None:
    """Small holes through a thin wall closed, in place."""
    _fill(field, threshold, active_blocks, lambda solid: windows_of(solid, LARGEST_WINDOW))


def _without_contacts(field, threshold: float, samples: Geometry, _blocks: Blocks, ruler: Ruler) -> None:
    """Vessels that touch cut apart, in place."""
    field[contacts_between(field >= threshold, samples, ruler)] = max(threshold - PARTED, 0.0)


def _without_tunnels(field, threshold: float, _samples: Geometry, active_blocks: Blocks, _ruler: Ruler) -> None:
    """Narrow tunnels filled, in place."""
    _fill(field, threshold, active_blocks, lambda solid: tunnels_of(solid, CLOSINGS))


def _fill(field, threshold: float, active_blocks: Blocks, holes_of: Callable[[np.ndarray], np.ndarray]) -> None:
    for block in active_blocks:
        wide = tuple(slice(max(s.start - WINDOW_MARGIN, 0), s.stop + WINDOW_MARGIN) for s in block)
        part = field[wide]
        box = bounding_box(part >= threshold, WINDOW_MARGIN)
        if box is not None:
            part = part[box]
            part[holes_of(part >= threshold)] = min(threshold + PARTED, 1.0)


def _largest(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    volumes, part = part_volumes(points, triangles)
    if not len(volumes):
        raise EmptyResultError("The mask is too small for a surface. Choose another segmentation or draw one first.")
    beside_mm3 = float(np.maximum(volumes, 0.0).sum() - volumes.max())
    return *compacted(points, triangles[part == np.argmax(volumes)]), beside_mm3


def _loops(triangles: np.ndarray) -> int:
    """Handles of a closed manifold surface of one piece: vertices - edges + triangles = 2 - 2 handles."""
    return (2 - (vertex_count(triangles) - len(triangles) // 2)) // 2
