"""A stretch of a profile in figures."""

from __future__ import annotations

import numpy as np
from scipy.integrate import trapezoid

from .values import LumenFigures, Profile


def figures_of(profile: Profile, here: np.ndarray | None = None) -> LumenFigures:
    """Length, calibre, taper and bends of a profile, or of its samples ``here`` (n,) bool (one run)."""
    here = np.ones(len(profile.arc_mm), bool) if here is None else here
    arc, points = profile.arc_mm[here], profile.points_lps_mm[here]
    alone = here & ~(profile.junction | profile.free_end)
    own = alone if alone.any() else here
    seen = alone & ~(profile.calcified | profile.unresolved)
    length, chord = float(arc[-1] - arc[0]), float(np.linalg.norm(points[-1] - points[0]))
    reference = profile.reference_diameter_mm[here]
    section = np.where(
        np.isfinite(profile.area_mm2), profile.area_mm2, np.pi / 4.0 * profile.inscribed_diameter_mm**2
    )[here]
    return LumenFigures(
        length_mm=length, chord_mm=chord, tortuosity=length / max(chord, 1e-6),
        volume_mm3=float(trapezoid(section, arc)),
        mean_inscribed_diameter_mm=_mean(profile.inscribed_diameter_mm[own]),
        minimal_inscribed_diameter_mm=float(profile.inscribed_diameter_mm[own].min()),
        mean_area_diameter_mm=_mean(profile.area_diameter_mm[own]),
        mean_area_mm2=_mean(profile.area_mm2[own]),
        minimal_area_mm2=_least(profile.area_mm2[own]),
        proximal_reference_diameter_mm=float(reference[0]), distal_reference_diameter_mm=float(reference[-1]),
        taper_mm_per_cm=float(10.0 * (reference[0] - reference[-1]) / max(length, 1e-6)),
        mean_curvature_per_mm=_mean(profile.curvature_per_mm[here]),
        maximal_curvature_per_mm=float(profile.curvature_per_mm[own].max()),
        mean_absolute_torsion_per_mm=_mean(np.abs(profile.torsion_per_mm[here])),
        mean_voxels_across=_mean(profile.voxels_across[own]),
        evaluable_share=float(seen.sum() / max(alone.sum(), 1)),
    )


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


def _least(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.min()) if len(values) else float("nan")
