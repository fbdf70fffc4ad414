"""One vessel as curves along its arc: diameters, areas, reference, bends, and where nothing can be said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import savgol_filter

from ..centreline import CentrelineTree
from ..centreline.curvature import curve_geometry
from ..volume import Geometry, Volume
from .options import MeasurementOptions
from .resolution import calcium_round_the_wall, voxel_across_mm
from .sampling import BranchSamples
from .values import Profile

References = Sequence[np.ndarray] | None
"""One array a branch, or None where that quantity was not measured in the tree."""


def profile_of(
    tree: CentrelineTree, indices: tuple[int, ...], samples: Sequence[BranchSamples], inscribed: References,
    area: References, options: MeasurementOptions, *, grid: Geometry | None = None, calcium: Volume | None = None,
) -> Profile:
    """The profile of the chain ``indices``. ``inscribed`` and ``area`` hold the reference of either diameter (mm)."""
    arc = _joined(indices, [s.arc_mm for s in samples], cumulative=True)
    points = _joined(indices, [s.points_lps_mm for s in samples])
    sphere = _joined(indices, [s.inscribed_diameter_mm for s in samples])
    section = _joined(indices, [s.area_mm2 for s in samples])
    area_diameter = 2.0 * np.sqrt(section / np.pi)
    junction = _joined(indices, [s.junction for s in samples])
    nothing = np.full(len(arc), np.nan)
    by_sphere = _joined(indices, inscribed) if inscribed is not None else nothing
    by_area = _joined(indices, area) if area is not None else nothing
    read, reference = (area_diameter, by_area) if options.basis == "area" else (sphere, by_sphere)
    occluded = sphere <= options.occluded_below_mm
    curve = curve_geometry(tree.curve(indices).points_lps_mm, arc)
    voxel = voxel_across_mm(grid, curve.tangents)
    degrees = calcium_round_the_wall(calcium, points, curve.tangents, 0.5 * sphere, options.calcium_reach_mm)
    across = reference / voxel
    return Profile(
        arc_mm=arc, points_lps_mm=points, tangents=curve.tangents,
        branch=_joined(indices, [np.full(len(s.arc_mm), i) for i, s in enumerate(samples)]),
        inscribed_diameter_mm=sphere, area_mm2=section, area_diameter_mm=area_diameter,
        diameter_mm=np.where(occluded, 0.0, _smooth(read, arc, options)),
        reference_diameter_mm=reference, reference_area_mm2=np.pi / 4.0 * by_area**2,
        curvature_per_mm=curve.curvature_per_mm, torsion_per_mm=curve.torsion_per_mm,
        voxel_mm=voxel, voxels_across=across, calcium_degrees=degrees, junction=junction,
        free_end=_joined(indices, [s.free_end for s in samples]),
        calcified=degrees >= options.calcium_degrees, unresolved=across < options.least_voxels, occluded=occluded,
    )


def _joined(indices: tuple[int, ...], parts: Sequence[np.ndarray], cumulative: bool = False) -> np.ndarray:
    """The branches' arrays one after the other, the shared point of a junction once."""
    pieces, offset = [parts[indices[0]]], float(parts[indices[0]][-1]) if cumulative else 0.0
    for i in indices[1:]:
        pieces.append(parts[i][1:] + offset if cumulative else parts[i][1:])
        if cumulative:
            offset += float(parts[i][-1])
    return np.concatenate(pieces)


def _smooth(diameter: np.ndarray, arc: np.ndarray, options: MeasurementOptions) -> np.ndarray:
    """A moving parabola: it takes the noise of single sections and leaves the depth of a lesion. Sections that were not
    measured are bridged for it and missing again afterwards."""
    missing = ~np.isfinite(diameter)
    window = 2 * int(0.5 * options.smoothing_mm / options.step_mm) + 1
    if missing.all() or window < 5 or len(diameter) < window:
        return diameter
    whole = np.where(missing, np.interp(arc, arc[~missing], diameter[~missing]), diameter)
    smooth = np.maximum(savgol_filter(whole, window, 2, mode="nearest"), 0.0)
    return np.where(missing, np.nan, smooth)
