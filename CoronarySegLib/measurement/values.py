"""What was measured of a tree. Lengths in mm, areas in mm², frame LPS; NaN is what could not be measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from .options import MeasurementOptions


class Grade(str, Enum):
    """Diameter stenosis in the classes readers report (SCCT)."""

    none_or_minimal = "<25 %"
    mild = "25–49 %"
    moderate = "50–69 %"
    severe = "70–99 %"
    occluded = "100 %"


class Reason(str, Enum):
    """Why a place is not evaluable.

    ``junction``: the lumen is shared with another branch or with the aorta, or a branch touches and leaves no section
    to the vessel alone. ``disagreement``: the sphere narrows where the section does not, which no lumen does; the
    centreline has left the middle there, or a touching branch fills the section.
    """

    calcium = "calcium"
    resolution = "resolution"
    junction = "junction"
    disagreement = "sphere and section disagree"


def grade_of(diameter_percent: float) -> Grade:
    """The class of a diameter stenosis in percent."""
    limits = ((25.0, Grade.none_or_minimal), (50.0, Grade.mild), (70.0, Grade.moderate), (99.95, Grade.severe))
    return next((grade for limit, grade in limits if diameter_percent < limit), Grade.occluded)


@dataclass(frozen=True)
class Stenosis:
    """One narrowing of a vessel. Arc positions count from the beginning of the vessel, ``from_ostium_mm`` from the
    ostium. ``minimal_diameter_mm`` (MLD) lies at ``position_mm``, ``minimal_area_mm2`` (MLA) is the smallest section
    between ``start_mm`` and ``end_mm``; each percentage is against the healthy reference at its own place.

    ``voxels_across`` is the MLD in voxels, ``voxel_percent`` what one voxel more or less would change.
    ``calcium_degrees`` is how much of the wall round the narrowing is calcified (NaN: no calcium was given).
    The figures of a stenosis that is not ``evaluable`` are what the mask shows and no finding.
    """

    vessel: str
    branch: int
    position_mm: float
    start_mm: float
    end_mm: float
    from_ostium_mm: float
    position_lps_mm: tuple[float, float, float]
    minimal_diameter_mm: float
    reference_diameter_mm: float
    diameter_percent: float
    minimal_area_mm2: float
    reference_area_mm2: float
    area_percent: float
    voxels_across: float
    voxel_percent: float
    calcium_degrees: float
    not_evaluable: tuple[Reason, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def grade(self) -> Grade:
        return grade_of(self.diameter_percent)

    @property
    def evaluable(self) -> bool:
        return not self.not_evaluable

    @property
    def length_mm(self) -> float:
        return self.end_mm - self.start_mm


@dataclass(frozen=True)
class Profile:
    """What was measured along a vessel, one entry a step (n,); ``points_lps_mm`` and ``tangents`` are (n, 3).

    ``diameter_mm`` is the one stenoses are read on, lightly smoothed, and ``reference_diameter_mm`` belongs to it.
    Areas come with their own reference. ``voxels_across`` counts the reference lumen. ``junction`` is lumen shared with
    another branch or the aorta, ``free_end`` the closing dome of an end, ``branch`` the index in the tree.
    """

    arc_mm: np.ndarray
    points_lps_mm: np.ndarray
    tangents: np.ndarray
    branch: np.ndarray
    inscribed_diameter_mm: np.ndarray
    area_mm2: np.ndarray
    area_diameter_mm: np.ndarray
    diameter_mm: np.ndarray
    reference_diameter_mm: np.ndarray
    reference_area_mm2: np.ndarray
    curvature_per_mm: np.ndarray
    torsion_per_mm: np.ndarray
    voxel_mm: np.ndarray
    voxels_across: np.ndarray
    calcium_degrees: np.ndarray
    junction: np.ndarray
    free_end: np.ndarray
    calcified: np.ndarray
    unresolved: np.ndarray
    occluded: np.ndarray

    @property
    def evaluable(self) -> np.ndarray:
        """Where a narrowing would be seen for what it is."""
        return ~(self.junction | self.free_end | self.calcified | self.unresolved)

    @property
    def diameter_percent(self) -> np.ndarray:
        """Diameter stenosis against the reference; negative where the lumen is wider."""
        return 100.0 * (1.0 - self.diameter_mm / self.reference_diameter_mm)


@dataclass(frozen=True)
class LumenFigures:
    """A stretch in figures. Diameters, areas and bends leave out junctions and free ends where anything is left.

    ``tortuosity`` is arc over chord; ``taper_mm_per_cm`` the fall of the healthy reference; ``evaluable_share`` the
    share of the length between junctions and ends in which neither calcium nor resolution hides a narrowing.
    """

    length_mm: float
    chord_mm: float
    tortuosity: float
    volume_mm3: float
    mean_inscribed_diameter_mm: float
    minimal_inscribed_diameter_mm: float
    mean_area_diameter_mm: float
    mean_area_mm2: float
    minimal_area_mm2: float
    proximal_reference_diameter_mm: float
    distal_reference_diameter_mm: float
    taper_mm_per_cm: float
    mean_curvature_per_mm: float
    maximal_curvature_per_mm: float
    mean_absolute_torsion_per_mm: float
    mean_voxels_across: float
    evaluable_share: float


@dataclass(frozen=True)
class BranchMeasurement:
    """One branch of the tree, junction to junction."""

    index: int
    parent: int
    name: str
    from_ostium_mm: float
    figures: LumenFigures


@dataclass(frozen=True)
class VesselMeasurement:
    """A named vessel (or an unnamed branch): ``indices`` of its branches, its profile, figures and stenoses."""

    name: str
    label: str
    indices: tuple[int, ...]
    from_ostium_mm: float
    profile: Profile = field(repr=False)
    figures: LumenFigures
    stenoses: tuple[Stenosis, ...]
    remarks: tuple[str, ...] = ()

    @property
    def worst(self) -> Stenosis | None:
        """The deepest evaluable stenosis."""
        return max((s for s in self.stenoses if s.evaluable), key=lambda s: s.diameter_percent, default=None)

    @property
    def grade(self) -> Grade | None:
        """The class of the deepest evaluable stenosis; None where most of the vessel is not evaluable and nothing was
        found, for then "<25 %" would claim what nobody saw."""
        if self.worst is not None:
            return self.worst.grade
        return Grade.none_or_minimal if self.figures.evaluable_share >= 0.5 else None


@dataclass(frozen=True)
class TreeMeasurements:
    """One coronary system measured. ``remarks`` hold for all of it."""

    side: str
    dominance: str
    options: MeasurementOptions
    branches: tuple[BranchMeasurement, ...]
    vessels: tuple[VesselMeasurement, ...]
    remarks: tuple[str, ...] = ()

    @property
    def stenoses(self) -> tuple[Stenosis, ...]:
        """All stenoses, vessel by vessel from the ostium on."""
        return tuple(stenosis for vessel in self.vessels for stenosis in vessel.stenoses)

    def named(self, name: str) -> VesselMeasurement:
        """The first vessel called ``name``; KeyError when there is none."""
        for vessel in self.vessels:
            if vessel.name == name or vessel.label == name:
                return vessel
        raise KeyError(name)
