"""What a reader must know beside the figures: where a reference drawn from the vessel itself can deceive."""

from __future__ import annotations

import numpy as np

from ..centreline import CentrelineTree, Vessel
from ..volume import Geometry, Volume
from .options import MeasurementOptions
from .values import Profile, Stenosis

NORMAL_PROXIMAL_MM = {"LM": (4.5, 0.5), "LAD": (3.7, 0.4), "LCx": (3.4, 0.5), "RCA": (3.9, 0.6)}
"""Mean and SD of the normal lumen at the beginning of the trunks (Dodge et al., Circulation 86, 1992, men,
right-dominant). The left circumflex and a right coronary artery that does not reach the crux are smaller."""
DIFFUSE_SHARE = 0.5
BLUNT_END_MM = 3.0
"""Expert masks of distal vessels end at up to this diameter (drawn on 0.4 mm voxels); wider ends are worth a look."""


def tree_remarks(tree: CentrelineTree, grid: Geometry | None, calcium: Volume | None) -> tuple[str, ...]:
    remarks = [
        "The reference is fitted to the vessels themselves: disease that narrows a vessel over its whole length lowers "
        "it and is understated."
    ]
    if grid is None:
        remarks.append("No grid was given: nothing is said about resolution.")
    if calcium is None:
        remarks.append("No calcium mask was given: narrowings beside calcium are not marked.")
    return (*remarks, *tree.warnings)


def vessel_remarks(
    tree: CentrelineTree, vessel: Vessel, profile: Profile, stenoses: tuple[Stenosis, ...], options: MeasurementOptions
) -> tuple[str, ...]:
    """Diffuse disease, a calibre below the normal one, an end that stops blunt, and what extraction warned of."""
    remarks = []
    reference = float(profile.reference_diameter_mm[0])
    mean, deviation = NORMAL_PROXIMAL_MM.get(vessel.name, (0.0, 0.0))
    if reference < mean - 2.0 * deviation:
        remarks.append(
            f"reference {reference:.1f} mm where {mean:.1f} ± {deviation:.1f} mm is normal: small vessel or diffuse "
            "disease"
        )
    seen = ~(profile.junction | profile.free_end)
    narrowed = seen & (profile.diameter_percent >= options.least_percent)
    if seen.any() and narrowed.sum() > DIFFUSE_SHARE * seen.sum():
        remarks.append(f"narrowed over {100 * narrowed.sum() / seen.sum():.0f} % of its length: diffuse disease")
    last = vessel.indices[-1]
    end = float(profile.reference_diameter_mm[-1])
    before_end = profile.arc_mm < profile.arc_mm[-1] - options.end_margin_mm
    if not tree.children[last] and end >= BLUNT_END_MM and before_end.any():
        lumen = float(np.nan_to_num(profile.diameter_mm[before_end][-1]))
        if lumen > 0.75 * end:
            remarks.append(f"stops at a diameter of {lumen:.1f} mm: occluded, or the mask ends there")
    for index in vessel.indices:
        remarks += tree.branches[index].warnings
    return tuple(dict.fromkeys(remarks))
