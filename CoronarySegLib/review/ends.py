"""How branches end: stubs too short to be vessels, and vessels that end while they are still wide."""

from __future__ import annotations

import numpy as np

from ..centreline.tree import CentrelineTree
from .ground import Ground, label_of
from .suspects import Kind, Suspect, place_of

STUB_MM = 5.5
"""Outside of its mother. Side branches worth a name are longer; shorter ones are mostly bumps of the mask."""
BLUNT_MM = 0.85
"""Radius at the end: what a CT of half a millimetre shows can be followed down to less."""
BORDER_MM = 2.0


def spurs(ground: Ground) -> list[Suspect]:
    """Free ends that hardly leave the vessel they hang on."""
    found = []
    for key, tree, leaf in _leaves(ground):
        if leaf == 0:
            continue
        branch, mother = tree.branches[leaf], tree.branches[tree.branches[leaf].parent]
        outside = branch.length_mm - float(np.nan_to_num(mother.radius_mm[-1]))
        if outside > STUB_MM:
            continue
        # The thicker the stub for its length, the less it is a vessel.
        thick = float(np.clip(np.nanmedian(branch.radius_mm) / max(outside, 1.0), 0.0, 1.0))
        vessel = label_of(ground.case, key, branch.parent)
        score = 0.45 + 0.25 * (1.0 - max(outside, 0.0) / STUB_MM) + 0.1 * thick
        found.append(Suspect(
            Kind.SPUR, place_of(branch.points_lps_mm[-1]), score,
            f"A stub of {max(outside, 0.0):.1f} mm on {vessel}: remove it, unless the image shows a side branch that "
            "goes on.", key, leaf, vessel,
        ))
    return found


def blunt_ends(ground: Ground) -> list[Suspect]:
    """Free ends of a calibre that does not end: the rest of the vessel is missing, or this is none."""
    found = []
    grid = ground.case.labels.geometry
    size = np.asarray(grid.size_xyz) - 1
    border = BORDER_MM / np.asarray(grid.spacing_xyz_mm)
    for key, tree, leaf in _leaves(ground):
        branch = tree.branches[leaf]
        before = branch.arc_mm[-1] - branch.arc_mm
        last = np.nan_to_num(branch.radius_mm[(before > 1.0) & (before < 5.0)])
        radius = float(np.median(last)) if len(last) else 0.0
        index = grid.index_of(branch.points_lps_mm[-1])
        if radius < BLUNT_MM or (index < border).any() or (index > size - border).any():
            continue
        vessel = label_of(ground.case, key, leaf)
        found.append(Suspect(
            Kind.GAP, place_of(branch.points_lps_mm[-1]), 0.3 + 0.3 * min(1.0, (radius - BLUNT_MM) / 0.8),
            f"{vessel[0].upper()}{vessel[1:]} ends here while it is {2 * radius:.1f} mm wide: look whether it goes on "
            "in the image.", key, leaf, vessel,
        ))
    return found


def _leaves(ground: Ground) -> list[tuple[str, CentrelineTree, int]]:
    return [(key, tree, leaf) for key, tree in sorted(ground.case.trees.items()) for leaf in tree.leaves]
