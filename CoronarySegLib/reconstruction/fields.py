"""The default surface of any field: twice the sampling, iso-surface, windowed sinc, volume put back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..postprocessing.boxes import blocks
from ..volume import Geometry
from .isosurface import isosurface, without_specks
from .lattice import make_well_composed, twice_sampled
from .options import SurfaceOptions
from .quality import Ledger
from .smoothing import volume_restored, windowed_sinc

PAD = 3
FACTOR = 2


def padded(array: np.ndarray, geometry: Geometry, width: int = PAD) -> tuple[np.ndarray, Geometry]:
    """Zeros all round, and the grid that goes with it: a tree at the border of the volume is closed all the same."""
    origin = geometry.points_lps(np.full(3, -float(width)))
    shape = tuple(n + 2 * width for n in array.shape)
    return np.pad(array, width), replace(geometry, shape_zyx=shape, origin_lps_mm=tuple(float(v) for v in origin))


def surface_of_field(
    field: np.ndarray, threshold: float, active: np.ndarray, geometry: Geometry, ledger: Ledger, options: SurfaceOptions
) -> tuple[np.ndarray, np.ndarray, int]:
    """Points (n, 3) LPS mm, triangles (m, 3) and removed parts. ``field`` and ``active`` (z, y, x) are padded with
    zeros; every voxel at or above ``threshold`` is active."""
    fine = twice_sampled(field, active)
    fine_blocks = [
        tuple(slice(2 * s.start, min(2 * s.stop, n)) for s, n in zip(block, fine.shape, strict=True))
        for block in blocks(active)
    ]
    make_well_composed(fine, threshold, fine_blocks)
    points, triangles = isosurface(fine, threshold, geometry, FACTOR)
    del fine
    points, triangles, removed = without_specks(points, triangles, options.smallest_part_mm3)
    ledger.add("iso-surface", points, triangles)
    volume_mm3 = ledger.steps[-1].volume_mm3
    points = windowed_sinc(points, triangles, options.pass_band, options.iterations)
    ledger.add("windowed sinc", points, triangles)
    if options.keep_volume:
        points = volume_restored(points, triangles, volume_mm3)
        ledger.add("volume kept", points, triangles)
    return points, triangles, removed
