"""Small trees by hand: straight stretches with names, for what does not depend on a real course."""

from __future__ import annotations

import numpy as np

from CoronarySegLib.centreline import CentrelineBranch, CentrelineTree


def stretch(parent: int, start, stop, name: str = "", radius: float = 1.0, count: int = 9, **more) -> CentrelineBranch:
    points = np.linspace(start, stop, count).astype(float)
    radii = np.linspace(radius, 0.8 * radius, count)
    return CentrelineBranch(parent, points, radii, np.pi * radii**2, name, **more)


def left_tree() -> CentrelineTree:
    """LM, LAD in three stretches with D1 and D2, LCx in two with OM1, and one branch without a name.

    By index: 0 LM, 1 LAD, 2 D1, 3 LAD, 4 D2, 5 LAD, 6 LCx, 7 OM1, 8 LCx, 9 unnamed on D1.
    """
    return CentrelineTree("left", (
        stretch(-1, (0, 0, 0), (10, 0, 0), "LM", 2.0, confidence=0.97),
        stretch(0, (10, 0, 0), (18, -10, -10), "LAD", 1.8, confidence=0.9),
        stretch(1, (18, -10, -10), (34, -12, -24), "D1", 1.1, confidence=0.8),
        stretch(1, (18, -10, -10), (22, -25, -30), "LAD", 1.6, confidence=0.9),
        stretch(3, (22, -25, -30), (38, -30, -46), "D2", 1.0, confidence=0.7),
        stretch(3, (22, -25, -30), (24, -40, -70), "LAD", 1.3, confidence=0.9),
        stretch(0, (10, 0, 0), (24, 14, -6), "LCx", 1.6, confidence=0.85),
        stretch(6, (24, 14, -6), (40, 12, -30), "OM1", 1.1, confidence=0.75),
        stretch(6, (24, 14, -6), (26, 40, -14), "LCx", 1.2, confidence=0.85),
        stretch(2, (34, -12, -24), (44, -10, -34), "", 0.6),
    ), "right")


def awkward_trees() -> dict[str, CentrelineTree]:
    """Both sides with everything a file must not lose: thirds, gaps in the area, warnings with quotes and line ends,
    letters beyond ASCII, an empty name."""
    rng = np.random.default_rng(5)
    left = left_tree()
    branches = list(left.branches)
    area = rng.uniform(1.0, 9.0, 9) / 3.0
    area[2:5] = np.nan
    points = branches[4].points_lps_mm + np.r_[np.zeros((1, 3)), rng.normal(0, 0.1, (8, 3)) / 7.0]
    branches[4] = CentrelineBranch(
        3, points, rng.uniform(0.5, 1.5, 9), area, "Brücke, \"D2\"", 1.0 / 3.0,
        ("touches; another, vessel", "a \"quoted\" word\nand a second line"),
    )
    right = CentrelineTree("right", (
        stretch(-1, (-20, 0, 0), (-50, 10, -30), "RCA", 1.7, confidence=0.95),
        stretch(0, (-50, 10, -30), (-20, 40, -50), "PDA", 1.0, confidence=0.6),
        stretch(0, (-50, 10, -30), (-10, 60, -40), "", 0.9),
    ), "right", ("Das Ostium liegt am Rand.",))
    return {"left": left.with_branches(branches), "right": right}


def same(first: CentrelineTree, second: CentrelineTree) -> bool:
    """Equal to the last bit, NaN equal to NaN."""
    if (first.side, first.dominance, first.warnings) != (second.side, second.dominance, second.warnings):
        return False
    if len(first.branches) != len(second.branches):
        return False
    return all(
        (a.parent, a.name, a.confidence, a.warnings) == (b.parent, b.name, b.confidence, b.warnings)
        and np.array_equal(a.points_lps_mm, b.points_lps_mm) and np.array_equal(a.radius_mm, b.radius_mm)
        and np.array_equal(a.area_mm2, b.area_mm2, equal_nan=True)
        for a, b in zip(first.branches, second.branches, strict=True)
    )
