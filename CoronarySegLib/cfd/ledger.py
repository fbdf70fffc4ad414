"""The account of a lumen surface: after every step, what became of the volume and of each branch's diameter.

Pressure loss goes with the fourth power of the diameter, so a step that takes 5 % of a branch is a step the user must
see. Changes are given against the step before and against the mask the surface was made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..centreline.tree import CentrelineTree
from ..reconstruction.mesh import volume_and_area
from ..reconstruction.vectors import corners_of, mean
from ..volume import Volume
from .ruler import PROFILE_MM, BranchDiameter, Profile, Ruler, ruler_along


@dataclass(frozen=True)
class BranchStep:
    """One branch after one step. ``diameter_mm``: mean by area, ``mask_mm`` that of its voxels; ``change_percent``:
    since the step before; ``against_mask_percent``: since the voxels, -100 where the surface has lost the branch.
    ``smallest_mm``: diameter of its smallest section (MLD), and its change against the voxels' smallest.
    ``inscribed_mm``: smallest sphere that fits. ``measured_mm`` of its length count, clear of junctions and ends.
    NaN: branch too short to be measured."""

    index: int
    name: str
    mask_mm: float
    diameter_mm: float
    change_percent: float
    against_mask_percent: float
    smallest_mm: float
    smallest_change_percent: float
    inscribed_mm: float
    measured_mm: float

    @property
    def measured(self) -> bool:
        return bool(np.isfinite(self.against_mask_percent))


@dataclass(frozen=True)
class LumenStep:
    """The surface after one step. Volume changes in percent: since the step before, and against the voxels."""

    name: str
    triangles: int
    volume_mm3: float
    volume_change_percent: float
    volume_against_mask_percent: float
    branches: tuple[BranchStep, ...]

    def mean_change_percent(self, low_mm: float, high_mm: float = np.inf) -> float:
        """Mean |diameter change| against the mask of branches whose mask diameter lies in [low, high), by length; NaN
        if none."""
        rows = [b for b in self.branches if b.measured and low_mm <= b.mask_mm < high_mm]
        if not rows:
            return float("nan")
        changes, lengths = [abs(b.against_mask_percent) for b in rows], [b.measured_mm for b in rows]
        return float(np.average(changes, weights=lengths))

    @property
    def measured_volume_percent(self) -> float:
        """Change of the volume against the voxels over the stretches that are measured: blind to cut ends."""
        rows = [b for b in self.branches if b.measured]
        now = sum(b.measured_mm * b.diameter_mm**2 for b in rows)
        return _percent(now, sum(b.measured_mm * b.mask_mm**2 for b in rows))

    @property
    def largest_change_percent(self) -> float:
        """Of the branch that this step changed most, with its sign; NaN where none is measured."""
        changes = [b.change_percent for b in self.branches if np.isfinite(b.change_percent)]
        return max(changes, key=abs) if changes else float("nan")

    def summary(self) -> str:
        """One line for a log."""
        return (
            f"{self.name}: {self.triangles} triangles, volume {self.volume_change_percent:+.1f} % "
            f"({self.volume_against_mask_percent:+.1f} % against the mask), diameter of a branch at most "
            f"{self.largest_change_percent:+.1f} %"
        )


class LumenLedger:
    """Measures every step at the same places. ``lumen``: the voxels or the field the surface is made from."""

    def __init__(self, lumen: Volume, threshold: float, tree: CentrelineTree):
        longest_mm = max(lumen.geometry.spacing_xyz_mm)
        self.ruler: Ruler = ruler_along(tree, profile_mm=max(PROFILE_MM, longest_mm))
        self._voxels = self.ruler.of_voxels(lumen.array >= threshold, lumen.geometry)
        self.mask_profile: Profile = self.ruler.profile_of(self._voxels)
        self.mask_volume_mm3 = float(np.count_nonzero(lumen.array >= threshold) * lumen.geometry.voxel_mm3)
        self.mask_branches = self.ruler.branches(self.mask_profile)
        self.steps: list[LumenStep] = []
        self.profiles: list[Profile] = []
        self._centres: np.ndarray | None = None
        self._triangles: np.ndarray | None = None
        self._place = np.zeros(0, np.int64)
        self._last: tuple[BranchDiameter, ...] = ()

    def add(self, name: str, points_mm: np.ndarray, triangles: np.ndarray) -> LumenStep:
        """Measure the surface after step ``name``."""
        if self._centres is None:
            self._centres = self.ruler.centred(points_mm, triangles)
        if triangles is not self._triangles:
            # Smoothing moves a triangle by less than its length: it belongs where it did.
            self._place = self.ruler.place_of(mean(corners_of(points_mm, triangles)))
            self._triangles = triangles
        profile = self.ruler.of_surface(points_mm, triangles, self._place, self._voxels, self._centres)
        branches = self.ruler.branches(profile)
        last = self._last or self.mask_branches
        volume, _ = volume_and_area(points_mm, triangles)
        before = self.steps[-1].volume_mm3 if self.steps else self.mask_volume_mm3
        rows = tuple(
            BranchStep(
                now.index, now.name, mask.area_mm, now.area_mm, _percent(now.area_mm, was.area_mm),
                _percent(now.area_mm, mask.area_mm), now.smallest_area_mm,
                _percent(now.smallest_area_mm, mask.smallest_area_mm), now.smallest_inscribed_mm, now.measured_mm,
            )
            for now, was, mask in zip(branches, last, self.mask_branches, strict=True)
        )
        step = LumenStep(
            name, len(triangles), volume, _percent(volume, before), _percent(volume, self.mask_volume_mm3), rows
        )
        self.steps.append(step)
        self.profiles.append(profile)
        self._last = branches
        return step


def added(steps: Sequence[LumenStep]) -> LumenStep:
    """One step of several parts of a lumen, each measured alone: volumes summed, branches numbered on."""
    volume = sum(step.volume_mm3 for step in steps)
    before = sum(step.volume_mm3 / (1.0 + step.volume_change_percent / 100.0) for step in steps)
    mask = sum(step.volume_mm3 / (1.0 + step.volume_against_mask_percent / 100.0) for step in steps)
    branches = [branch for step in steps for branch in step.branches]
    return LumenStep(
        steps[-1].name, sum(step.triangles for step in steps), volume, _percent(volume, before), _percent(volume, mask),
        tuple(replace(branch, index=index) for index, branch in enumerate(branches)),
    )


def _percent(now: float, before: float) -> float:
    return float(100.0 * (now / before - 1.0)) if before > 0 else float("nan")
