"""Lumen that is wider, or changes its width faster, than a coronary artery does: leaks, and abrupt changes."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .ground import Ground, label_of
from .suspects import Kind, Suspect, place_of

BULGE = 1.45
"""A bulge of a healthy artery is 1.5 times its neighbourhood only when it is called ectasia."""
BULGE_MM = 0.5
WIDEST_MM = 3.0
"""Radius: left mains reach 2.9 mm in the largest hearts."""
BULK_MM3 = 12.0
"""A bag on the side of a vessel holds more than a twig does."""
ASIDE_MM = 1.0
THIN_MM = 0.6
BUMP_MM = 1.8
"""Above the wall: three voxels of a usual CT, more than noise lifts it."""
LONG_MM = 10.0
MOTHER_MM = 1.5
SIDES_MM = (1.0, 4.0)
"""Before and behind a place, in which the calibre is taken."""
CHANGE = 1.6
"""Murray's law leaves a daughter at least 0.6 of its mother; along one branch nothing changes like that."""
NARROW = 0.5
AT_JUNCTION_MM = 1.0


def unexplained_lumen(ground: Ground) -> list[Suspect]:
    """Lumen that the tree does not account for: balls wider than the vessel they lie on and bags beside it (leaks),
    bumps, and whole vessels that touch another one and have no centreline of their own (possible veins)."""
    if not len(ground.points.points_lps_mm):
        return []
    _, places, depth = ground.depths
    points = ground.points
    away, nearest = points.search.query(places)
    expected = _expected_at(ground, places, nearest, away)
    wide = (depth > np.maximum(BULGE * expected, expected + BULGE_MM)) | (depth > WIDEST_MM)
    surplus = away > 1.35 * expected + ASIDE_MM
    voxel_mm3 = ground.case.labels.geometry.voxel_mm3
    clusters = _clusters(ground, (wide | surplus) & ground.followed)
    clusters.sort(key=lambda rows: (-float(depth[rows].max()), int(rows[0])))
    found, taken = [], np.zeros((0, 3))
    for cluster in clusters:
        top = cluster[np.argmax(depth[cluster])]
        radius, usual = float(depth[top]), float(expected[top])
        reach = max(3.0, 2.0 * radius)
        around = np.linalg.norm(places - places[top], axis=1) < reach
        volume_mm3 = max(np.count_nonzero(around & (away > 1.2 * expected + 0.3)), len(cluster)) * voxel_mm3
        known = len(taken) and np.linalg.norm(taken - places[top], axis=1).min() < reach
        if known:
            continue
        if volume_mm3 < BULK_MM3 or radius < THIN_MM:
            found += _bump(ground, cluster[np.argmax(away[cluster])], float(np.max(away[cluster] - expected[cluster])))
            continue
        taken = np.concatenate([taken, places[cluster]])
        key, branch = points.nearest(places[top])
        vessel = label_of(ground.case, key, branch)
        length = float(np.linalg.norm(np.ptp(places[cluster], axis=0)))
        score = min(0.97, 0.6 + 0.15 * max(radius / max(usual, 0.5) - 1.0, 0.0) + 0.2 * min(1.0, volume_mm3 / 80.0))
        if length > LONG_MM and length > 5.0 * radius:
            found.append(Suspect(
                Kind.VEIN, place_of(places[top]), score,
                f"A vessel of {length:.0f} mm touches {vessel} and has no centreline of its own: separate them, and "
                "remove it if it is a vein.", key, branch, vessel,
            ))
            continue
        at_root = branch == 0 and points.arc_mm[nearest[top]] < 6.0
        where = "At the ostium" if at_root else f"Beside {vessel}" if away[top] > usual else f"Along {vessel}"
        found.append(Suspect(
            Kind.LEAK, place_of(places[top]), score,
            f"{where} there are {volume_mm3:.0f} mm³ of lumen that no vessel of the tree fills, {2 * radius:.1f} mm "
            "wide: cut them off if the segmentation has run into the aorta or a chamber.", key, branch, vessel,
        ))
    return found


def _bump(ground: Ground, row: int, high_mm: float) -> list[Suspect]:
    """A stub that is too short for a centreline of its own, at its tip."""
    if high_mm < BUMP_MM:
        return []
    place = ground.depths[1][row]
    key, branch = ground.points.nearest(place)
    vessel = label_of(ground.case, key, branch)
    return [Suspect(
        Kind.SPUR, place_of(place), 0.42 + 0.04 * min(high_mm, 5.0),
        f"A bump of {high_mm:.1f} mm on {vessel}: remove it, unless the image shows a side branch that goes on.",
        key, branch, vessel,
    )]


def _expected_at(ground: Ground, places: np.ndarray, nearest: np.ndarray, away: np.ndarray) -> np.ndarray:
    """The radius expected at voxels: that of the nearest centreline point, or of a wider vessel close by, for a
    daughter begins in the middle of her mother."""
    points = ground.points
    expected = points.expected_mm[nearest]
    trunk = np.flatnonzero(away < MOTHER_MM)
    near = points.search.query(places[trunk], k=min(12, len(points.radius_mm)), distance_upper_bound=MOTHER_MM)[1]
    wider = np.append(points.expected_mm, 0.0)[near]  # what is beyond the bound has the row after the last
    expected[trunk] = np.maximum(expected[trunk], wider.reshape(len(trunk), -1).max(axis=1, initial=0.0))
    return expected


def _clusters(ground: Ground, wanted: np.ndarray) -> list[np.ndarray]:
    """Rows of ``wanted`` voxels by connected piece."""
    index = ground.depths[0]
    chosen = np.zeros(ground.lumen.shape, bool)
    chosen[tuple(index[wanted].T)] = True
    pieces, count = ndimage.label(chosen, np.ones((3, 3, 3)))
    number = pieces[tuple(index.T)]
    return [np.flatnonzero(number == one) for one in range(1, count + 1)]


def radius_changes(ground: Ground) -> list[Suspect]:
    """Steps of the calibre within a branch, and short narrowings: a mask that nearly breaks, a stenosis, an overlap."""
    found = []
    for key in sorted(ground.case.trees):
        tree = ground.case.trees[key]
        for index, branch in enumerate(tree.branches):
            arc, radius = branch.arc_mm, np.nan_to_num(branch.radius_mm)
            if branch.length_mm < 2.0 * SIDES_MM[1]:
                continue
            # The ostium flares, a daughter begins inside her mother, and a free end closes as a dome.
            start = AT_JUNCTION_MM + (radius[0] if index == 0 else float(tree.branches[branch.parent].radius_mm[-1]))
            stop = arc[-1] - (AT_JUNCTION_MM if tree.children[index] else 1.5 * float(np.median(radius)))
            found += _changes(ground, key, index, arc, radius, start, stop)
    return found


def _changes(ground: Ground, key: str, index: int, arc, radius, start: float, stop: float) -> list[Suspect]:
    places = np.flatnonzero((arc >= start + SIDES_MM[0]) & (arc <= stop - SIDES_MM[0]))
    evidence = np.zeros(len(arc))
    for i in places:
        before = radius[(arc >= max(start, arc[i] - SIDES_MM[1])) & (arc <= arc[i] - SIDES_MM[0])]
        behind = radius[(arc <= min(stop, arc[i] + SIDES_MM[1])) & (arc >= arc[i] + SIDES_MM[0])]
        if len(before) < 3 or len(behind) < 3:
            continue
        a, b = float(np.median(before)), float(np.median(behind))
        step = max(a, b) / max(min(a, b), 0.2) / CHANGE
        narrow = NARROW * min(a, b) / max(radius[i], 0.1) if min(a, b) > 0.6 else 0.0
        evidence[i] = max(step, narrow)
    branch = ground.case.trees[key].branches[index]
    vessel = label_of(ground.case, key, index)
    found = []
    while evidence.max(initial=0.0) >= 1.0:
        strongest = int(np.argmax(evidence))
        at, before, behind = _narrowest(arc, radius, strongest)
        score = 0.25 + 0.3 * min(1.0, evidence[strongest] - 1.0) + 0.1 * min(1.0, max(before, behind) - 0.5)
        found.append(Suspect(
            Kind.RADIUS, place_of(branch.points_lps_mm[at]), float(score),
            f"The width of {vessel} changes abruptly: {2 * before:.1f} mm before, {2 * float(radius[at]):.1f} mm here, "
            f"{2 * behind:.1f} mm behind. Compare with the image whether the wall lies there.", key, index, vessel,
        ))
        evidence[np.abs(arc - arc[strongest]) < 2.0 * SIDES_MM[1]] = 0.0
    return found


def _narrowest(arc: np.ndarray, radius: np.ndarray, at: int) -> tuple[int, float, float]:
    """Where a change is shown, with the radii before and behind: in the middle of a narrowing that opens again, where
    there is one close by, otherwise at the step itself."""
    near = np.flatnonzero(np.abs(arc - arc[at]) <= SIDES_MM[1])
    low = int(near[np.argmin(radius[near])])
    for place in (low, at):
        away = arc - arc[place]
        before = radius[(away <= -SIDES_MM[0]) & (away >= -1.5 * SIDES_MM[1])]
        behind = radius[(away >= SIDES_MM[0]) & (away <= 1.5 * SIDES_MM[1])]
        if not len(before) or not len(behind):
            continue
        sides = float(np.median(before)), float(np.median(behind))
        if place == at or min(sides) > 1.3 * radius[place]:
            return place, *sides
    return at, float(radius[at]), float(radius[at])
