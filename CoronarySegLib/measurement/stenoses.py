"""Narrowings of a vessel against its healthy reference."""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from .options import MeasurementOptions
from .values import Profile, Reason, Stenosis

EDGE_PERCENT = 10.0
"""A lesion ends where the lumen is back within this of the reference."""
APART_PERCENT = 12.0
"""Two narrowings are two when the lumen between them recovers by at least this."""
SAME_PERCENT = 5.0
DISAGREE_PERCENT = 10.0
"""A lumen narrowed from all sides or only from two loses at least as much area as diameter, in percent."""
ROUND_THE_MINIMUM_MM = 1.0
"""Calcium and junctions this close to the minimum decide whether it is evaluable."""


def find_stenoses(
    profile: Profile, vessel: str, from_ostium_mm: float, options: MeasurementOptions
) -> tuple[Stenosis, ...]:
    """Every narrowing of at least ``options.least_percent`` of the diameter, proximal first.

    A stretch without lumen is one narrowing of 100 %. The last millimetres before a free end are left out, for there a
    vessel cannot be told from its own end.
    """
    percent = np.nan_to_num(profile.diameter_percent, nan=0.0)
    found = []
    for peak in _peaks(percent[~profile.free_end], options, open_end=not profile.free_end.any()):
        start, end = _extent(percent, peak, found[-1][2] if found else 0)
        if found and start <= found[-1][2]:  # the lumen does not recover between them: they meet where it is widest
            valley = found[-1][0] + int(np.argmin(percent[found[-1][0] : peak + 1]))
            found[-1] = (found[-1][0], found[-1][1], valley)
            start = valley
        found.append((peak, start, end))
    return tuple(
        _stenosis(profile, _narrowest(profile, percent, *one), *one[1:], vessel, from_ostium_mm, options)
        for one in found
    )


def _peaks(percent: np.ndarray, options: MeasurementOptions, *, open_end: bool) -> np.ndarray:
    """Positions of the deepest places. A vessel may begin within a lesion, and with an ``open_end`` meet a junction
    within one, so beyond these the lumen counts as healthy. What only narrows towards a free end is no place."""
    padded = np.r_[0.0, percent, [0.0] * open_end]
    _, shape = find_peaks(padded, height=options.least_percent, prominence=APART_PERCENT, plateau_size=1)
    return np.array([(a + b) // 2 - 1 for a, b in zip(shape["left_edges"], shape["right_edges"], strict=True)], int)


def _extent(percent: np.ndarray, peak: int, at_least: int) -> tuple[int, int]:
    """First and last sample round ``peak`` beyond the edge level, not before ``at_least``."""
    healthy = percent < EDGE_PERCENT
    before, after = np.flatnonzero(healthy[: peak + 1]), np.flatnonzero(healthy[peak:])
    start = int(before[-1]) if len(before) else 0
    end = peak + int(after[0]) if len(after) else len(percent) - 1
    return max(start, at_least), end


def _narrowest(profile: Profile, percent: np.ndarray, peak: int, start: int, end: int) -> int:
    """Where the lumen is narrowest among the places that are nearly as deep as ``peak``: at a step of the reference the
    deepest percentage can stand beside the smallest diameter."""
    deep = np.arange(start, end + 1)[percent[start : end + 1] >= percent[peak] - SAME_PERCENT]
    return int(deep[np.argmin(profile.diameter_mm[deep])]) if len(deep) else peak


def _stenosis(
    profile: Profile, peak: int, start: int, end: int, vessel: str, from_ostium_mm: float, options: MeasurementOptions
) -> Stenosis:
    reference, least = float(profile.reference_diameter_mm[peak]), float(profile.diameter_mm[peak])
    voxel = float(profile.voxel_mm[peak])
    area, area_reference, area_percent = _area(profile, start, end)
    near = np.abs(profile.arc_mm - profile.arc_mm[peak]) <= ROUND_THE_MINIMUM_MM
    occluded = bool(profile.occluded[peak])
    return Stenosis(
        vessel=vessel, branch=int(profile.branch[peak]), position_mm=float(profile.arc_mm[peak]),
        start_mm=float(profile.arc_mm[start]), end_mm=float(profile.arc_mm[end]),
        from_ostium_mm=from_ostium_mm + float(profile.arc_mm[peak]),
        position_lps_mm=tuple(float(v) for v in profile.points_lps_mm[peak]),
        minimal_diameter_mm=least, reference_diameter_mm=reference,
        diameter_percent=float(np.clip(100.0 * (1.0 - least / reference), 0.0, 100.0)),
        minimal_area_mm2=0.0 if occluded else area, reference_area_mm2=area_reference,
        area_percent=100.0 if occluded else area_percent,
        voxels_across=least / voxel, voxel_percent=100.0 * voxel / reference,
        calcium_degrees=float(profile.calcium_degrees[near].max()),
        not_evaluable=_reasons(profile, peak, near, start, end),
        remarks=_remarks(profile, peak, start, end, least / voxel),
    )


def _area(profile: Profile, start: int, end: int) -> tuple[float, float, float]:
    """Smallest section, its reference and the loss in percent; NaN where none was measured."""
    area = profile.area_mm2[start : end + 1]
    if not np.isfinite(area).any():
        return float("nan"), float("nan"), float("nan")
    at = start + int(np.nanargmin(area))
    least, reference = float(profile.area_mm2[at]), float(profile.reference_area_mm2[at])
    return least, reference, float(np.clip(100.0 * (1.0 - least / reference), 0.0, 100.0))


def _reasons(profile: Profile, peak: int, near: np.ndarray, start: int, end: int) -> tuple[Reason, ...]:
    reasons = []
    if profile.calcified[near].any():
        reasons.append(Reason.calcium)
    if profile.unresolved[peak]:
        reasons.append(Reason.resolution)
    if profile.junction[peak]:
        reasons.append(Reason.junction)
    _, _, area_percent = _area(profile, start, end)
    if not profile.occluded[peak] and area_percent < float(profile.diameter_percent[peak]) - DISAGREE_PERCENT:
        reasons.append(Reason.disagreement)
    return tuple(reasons)


def _remarks(profile: Profile, peak: int, start: int, end: int, voxels: float) -> tuple[str, ...]:
    remarks = []
    if profile.occluded[peak]:
        empty = profile.occluded[start : end + 1]
        gap = float(empty.sum() / len(empty) * (profile.arc_mm[end] - profile.arc_mm[start]))
        remarks.append(f"no lumen for {gap:.1f} mm: occluded, or the mask is cut; look at the image")
    elif voxels < 2.0:
        remarks.append(f"the minimum is {voxels:.1f} voxels wide: its diameter is below what the grid resolves")
    if profile.junction[start : end + 1].any() and not profile.junction[peak]:
        remarks.append("reaches into a junction")
    return tuple(remarks)
