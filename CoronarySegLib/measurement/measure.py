"""From a centreline tree to its measurements: the story of the folder."""

from __future__ import annotations

import numpy as np

from ..centreline import CentrelineTree
from ..errors import InputError
from ..volume import Geometry, Volume
from .figures import figures_of
from .options import MeasurementOptions
from .profiles import profile_of
from .reference import healthy_reference
from .remarks import tree_remarks, vessel_remarks
from .sampling import sampled
from .stenoses import find_stenoses
from .values import BranchMeasurement, TreeMeasurements, VesselMeasurement


def measure_tree(
    tree: CentrelineTree, *, grid: Geometry | None = None, calcium: Volume | None = None,
    options: MeasurementOptions | None = None,
) -> TreeMeasurements:
    """Measure every branch and vessel of ``tree`` and list its stenoses.

    ``grid`` is that of the mask the tree was made from: without it nothing can be said about resolution, and the result
    says so. ``calcium`` is a mask of calcified plaque (above zero); ``None`` means that nobody looked for calcium.
    Raises InputError when the tree has no lumen to measure (no radius, or with basis "area" no section, anywhere).
    """
    options = options or MeasurementOptions()
    samples = sampled(tree, options)
    inscribed = healthy_reference(tree, samples, [s.inscribed_diameter_mm for s in samples], options)
    area = healthy_reference(tree, samples, [s.area_diameter_mm for s in samples], options)
    if (area if options.basis == "area" else inscribed) is None:
        missing = "cross-section" if options.basis == "area" else "radius"
        raise InputError(
            f"No branch of this tree has a {missing}, so there is no lumen to measure. Extract the centrelines again."
        )
    before, vessels, branches = _from_ostium(tree), [], {}
    for vessel in tree.vessels():
        profile = profile_of(
            tree, vessel.indices, samples, inscribed, area, options, grid=grid, calcium=calcium
        )
        first, label = before[vessel.indices[0]], vessel.name or f"branch {vessel.indices[0]}"
        figures, stenoses = figures_of(profile), find_stenoses(profile, label, first, options)
        remarks = vessel_remarks(tree, vessel, profile, stenoses, options)
        vessels.append(
            VesselMeasurement(vessel.name, label, vessel.indices, first, profile, figures, stenoses, remarks)
        )
        for index in vessel.indices:
            branch = tree.branches[index]
            branches[index] = BranchMeasurement(
                index, branch.parent, branch.name, before[index], figures_of(profile, _stretch(profile, index))
            )
    return TreeMeasurements(
        tree.side, tree.dominance, options, tuple(branches[i] for i in sorted(branches)), tuple(vessels),
        tree_remarks(tree, grid, calcium),
    )


def _stretch(profile, index: int) -> np.ndarray:
    """The samples of one branch with the junction it begins at, which the profile counts to the branch before."""
    here = profile.branch == index
    first = int(np.argmax(here))
    if first > 0:
        here[first - 1] = True
    return here


def _from_ostium(tree: CentrelineTree) -> list[float]:
    """Arc from the ostium to the beginning of every branch."""
    before = []
    for branch in tree.branches:
        above = branch.parent
        before.append(0.0 if above < 0 else before[above] + tree.branches[above].length_mm)
    return before
