"""What a measurement takes for granted, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Basis = Literal["inscribed", "area"]


@dataclass(frozen=True)
class MeasurementOptions:
    """``basis`` is the diameter a stenosis is read on: of the inscribed sphere (the narrowest way through, as a reader
    measures an MLD) or of the circle with the area of the section.

    A narrowing is listed from ``least_percent`` of the diameter on, the limit between "minimal" and "mild" of the SCCT
    guideline. A stretch whose healthy lumen is narrower than ``least_voxels`` is not evaluable: half a voxel on either
    side is a third of three voxels already. Nor is one with calcium round ``calcium_degrees`` of its wall or more.
    """

    basis: Basis = "inscribed"
    step_mm: float = 0.25
    least_percent: float = 25.0
    least_voxels: float = 3.0
    calcium_degrees: float = 90.0
    calcium_reach_mm: float = 0.5
    """How far outside the lumen calcium counts: about the width of its blooming."""
    smoothing_mm: float = 1.5
    """Window of the quadratic filter on the profile; it keeps the depth of lesions longer than about 3 mm."""
    end_margin_mm: float = 2.5
    """A free end closes like a dome and is half filled voxels: its last millimetres are no stenosis."""
    occluded_below_mm: float = 0.15
    """Below this diameter no lumen is left that a CT could show."""
    law_exponent: float = 2.4
    """Of the bifurcation law D_m^k = D_1^k + D_2^k; 7/3 after Huo and Kassab, 3 after Murray."""
    steepest_taper: float = 0.05
    """Largest healthy loss of diameter per length between two side branches (0.5 mm a centimetre)."""
