"""Analytic vessels with the centreline they were made from."""

from __future__ import annotations

import numpy as np

from CoronarySegLib.centreline.tree import CentrelineBranch, CentrelineTree


def truth_tree(shape) -> CentrelineTree:
    """The centreline of a shape, with its true radii and areas, at steps of 0.5 mm."""
    branches = []
    for tube in shape.tubes:
        count = max(round(tube.length_mm / 0.5) + 1, 2)
        arc = np.linspace(0.0, tube.length_mm, count)
        points = np.stack([np.interp(arc, tube.arc_mm, tube.points_lps_mm[:, k]) for k in range(3)], axis=1)
        radius = np.interp(arc, tube.arc_mm, tube.radius_mm)
        branches.append(CentrelineBranch(tube.parent, points, radius, np.pi * radius**2))
    return CentrelineTree("left", tuple(branches))
