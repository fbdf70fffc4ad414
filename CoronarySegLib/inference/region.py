"""Where the fine stage works: the box round the coronaries and the voxels in it that need a patch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..preparation import grown, isotropic_grid, resample
from ..volume import Geometry, Volume
from .locator import Location

# So low that a distal branch the locator only suspects still gets its patch; a patch too many costs half a second.
PRIOR_THRESHOLD = 0.05
# From the suspected course to the edge of the vessel and its surroundings; also bridges what the locator missed.
CORRIDOR_MM = 9.0


@dataclass(frozen=True)
class FineRegion:
    """``grid``: the box at the fine spacing. ``wanted`` (bool, on it): voxels that need a patch.
    ``allowed`` (bool, on it): where a coronary can be at all, the heart and its edge.
    """

    grid: Geometry
    wanted: np.ndarray
    allowed: np.ndarray


def fine_region(
    location: Location, spacing_mm: float, *, whole_heart: bool = False, align: int = 1
) -> FineRegion:
    """The region of the fine stage: a corridor round the coarse priors inside the heart, or the whole heart.

    The box begins a multiple of ``align`` fine voxels from the corner of the field, so that what a network that halves
    its grid says about a place depends as little as possible on how large the region happens to be.
    """
    coarse = location.heart.geometry
    prior = np.maximum(location.left.array, location.right.array) > PRIOR_THRESHOLD
    wanted = grown(prior & location.near_heart, CORRIDOR_MM, coarse.spacing_xyz_mm[0])
    if whole_heart:
        wanted |= location.near_heart
    index = np.argwhere(wanted)
    steps = max(1, round(align * spacing_mm / coarse.spacing_xyz_mm[0]))
    lower = index.min(0) // steps * steps
    grid = isotropic_grid(
        coarse, spacing_mm,
        lower_lps_mm=coarse.points_lps(lower[::-1]), upper_lps_mm=coarse.points_lps(index.max(0)[::-1]),
    )
    return FineRegion(grid, _on(grid, wanted, coarse), _on(grid, wanted | location.near_heart, coarse))


def _on(grid: Geometry, mask: np.ndarray, coarse: Geometry) -> np.ndarray:
    volume = Volume(mask.astype(np.uint8), coarse)
    return resample(volume, grid, interpolation="nearest", fill=0).array.view(bool)
