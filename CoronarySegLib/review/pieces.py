"""Pieces of the lumen that hang on no tree, and lumen that the probability shows but the labels lack."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .ground import PIECE, Ground, label_of
from .suspects import Kind, Suspect, place_of

FAR_MM = 10.0
"""Over a longer gap nobody bridges: what lies further away is a piece of its own."""
SMALLEST_MM3 = 3.0
LIKELY = 0.4
"""A little below the threshold of one half: what the network was nearly sure of."""
AWAY_MM = 1.5
"""Unlabelled lumen closer to the labels than this is their fuzzy edge."""
FORWARD = 0.4
"""Cosine: a vessel may turn by 65 degrees within a gap."""
CLOSE_MM = 5.0
"""So close to an end its direction does not count: the last millimetres of a centreline bend into the dome."""
DETOUR_MM = 4.0
"""So much further away than a vessel's flank a free end may lie that points to a piece, and is still what goes on."""


def pieces_apart(ground: Ground) -> list[Suspect]:
    """Labelled pieces that touch no tree: a gap where a vessel could reach the piece, otherwise an isolated piece.

    Pieces are joined to what is there already, nearest first, so that a chain of them gives one gap each; to their own
    side where that is in reach, for across the groove a stranger may be nearer; and to a free end that points there
    rather than to a flank.
    """
    labels, count = ground.pieces
    if count < 2:
        return []
    index = np.argwhere(labels)
    ids = labels[tuple(index.T)]
    places = ground.places(index)
    sides = ground.case.labels.array[tuple(index.T)]
    sizes = np.bincount(ids, minlength=count + 1) * ground.case.labels.geometry.voxel_mm3
    joined = np.isin(ids, _rooted(ground, ids, places, sizes))
    waiting = {int(one) for one in np.unique(ids[~joined]) if sizes[one] >= SMALLEST_MM3}
    free = _free_ends(ground)
    owners = ids[cKDTree(places).query([tip for _, _, tip, _ in free])[1]] if free else ()
    found = []
    while waiting:
        inside, outside = np.flatnonzero(joined), np.flatnonzero(np.isin(ids, list(waiting)))
        distance, nearest = cKDTree(places[inside]).query(places[outside])
        first = int(np.argmin(distance))
        piece = int(ids[outside[first]])
        here = ids == piece
        away, ends = float(distance[first]), (places[inside[nearest[first]]], places[outside[first]])
        own = joined & (sides == np.bincount(sides[here]).argmax())
        if own.any():
            to_own, which = cKDTree(places[own]).query(places[here])
            if to_own.min() <= FAR_MM:
                nearest_own = int(np.argmin(to_own))
                away, ends = float(to_own.min()), (places[own][which[nearest_own]], places[here][nearest_own])
        end = _end_before([one for one, owner in zip(free, owners, strict=True) if owner not in waiting], places[here])
        if end is not None and end[4] <= away + DETOUR_MM:
            ends, away = (end[2], end[3]), end[4]
        found.append(_piece(ground, ends, away, float(sizes[piece])))
        joined |= here
        waiting.discard(piece)
    return found


def _rooted(ground: Ground, ids: np.ndarray, places: np.ndarray, sizes: np.ndarray) -> list[int]:
    """The pieces that trees begin in; without trees the largest one."""
    if not ground.case.trees:
        return [int(np.argmax(sizes))]
    rooted = []
    search = cKDTree(places)
    for key, tree in ground.case.trees.items():
        if key.startswith(PIECE):
            continue
        # By most of the trunk, not by the ostium alone, which may lie a voxel outside of the labels.
        near = ids[search.query(tree.branches[0].points_lps_mm)[1]]
        rooted.append(int(np.bincount(near).argmax()))
    return rooted


def _piece(ground: Ground, ends: tuple[np.ndarray, np.ndarray], distance_mm: float, volume_mm3: float) -> Suspect:
    key, branch = ground.points.nearest(ends[0])
    vessel = label_of(ground.case, key, branch)
    size = min(1.0, volume_mm3 / 40.0)
    if distance_mm <= FAR_MM:
        return Suspect(
            Kind.GAP, place_of(0.5 * (ends[0] + ends[1])), 0.8 + 0.15 * size - 0.01 * distance_mm,
            f"A piece of {volume_mm3:.0f} mm³ lies {distance_mm:.1f} mm away from {vessel}: bridge the gap if the "
            "vessel goes on there, remove the piece if not.", key, branch, vessel,
        )
    return Suspect(
        Kind.PIECE, place_of(ends[1]), 0.45 + 0.3 * size,
        f"A piece of {volume_mm3:.0f} mm³ lies {distance_mm:.0f} mm away from all that is connected: connect it if it "
        "is an artery, remove it if not.", key, branch, vessel,
    )


def lumen_left_out(ground: Ground) -> list[Suspect]:
    """Places where the probability shows a vessel that the labels lack: beyond a free end, or beside the tree."""
    probability = ground.case.probability
    if probability is None or not len(ground.points.points_lps_mm):
        return []
    likely = probability.array >= LIKELY
    labels, count = ndimage.label(likely & ~ground.lumen, np.ones((3, 3, 3)))
    if not count:
        return []
    index = np.argwhere(labels)
    ids, places = labels[tuple(index.T)], ground.places(index)
    labelled, wall = ground.depths[1], ground.depths[2] < 1.5 * float(ground.spacing_zyx_mm.max())
    away = cKDTree(labelled[wall]).query(places)[0] > AWAY_MM
    voxel_mm3 = ground.case.labels.geometry.voxel_mm3
    found = []
    for one in np.unique(ids[away]):
        here = (ids == one) & away
        volume_mm3 = np.count_nonzero(here) * voxel_mm3
        if volume_mm3 >= SMALLEST_MM3:
            found += _left_out(ground, places[ids == one], float(volume_mm3))
    return found


def _left_out(ground: Ground, places: np.ndarray, volume_mm3: float) -> list[Suspect]:
    """One entry for a piece that is not labelled, where it comes closest to a tree."""
    size = min(1.0, volume_mm3 / 40.0)
    end = _end_before(_free_ends(ground), places)
    if end is not None:
        key, branch, tip, nearest, distance_mm, forward = end
        vessel = label_of(ground.case, key, branch)
        return [Suspect(
            Kind.GAP, place_of(0.5 * (tip + nearest)), 0.65 + 0.2 * size + 0.1 * forward - 0.01 * distance_mm,
            f"{vessel[0].upper()}{vessel[1:]} ends here, and {distance_mm:.1f} mm further on the network sees a vessel "
            f"of {volume_mm3:.0f} mm³ that is not labelled: bridge to it if it is the same vessel.",
            key, branch, vessel,
        )]
    points = ground.points
    distance, nearest = points.search.query(places)
    first = int(np.argmin(distance))
    if distance[first] > FAR_MM + points.radius_mm[nearest[first]]:
        return []
    key, branch = points.nearest(places[first])
    vessel = label_of(ground.case, key, branch)
    return [Suspect(
        Kind.GAP, place_of(0.5 * (places[first] + points.points_lps_mm[nearest[first]])), 0.35 + 0.3 * size,
        f"Beside {vessel} the network sees a vessel of {volume_mm3:.0f} mm³ that is not labelled: add it if it is a "
        "side branch.", key, branch, vessel,
    )]


def _free_ends(ground: Ground) -> list[tuple[str, int, np.ndarray, np.ndarray]]:
    """System, branch, tip (LPS mm) and unit direction of every free end."""
    found = []
    for key in sorted(ground.case.trees):
        tree = ground.case.trees[key]
        for leaf in tree.leaves:
            course = tree.branches[leaf].points_lps_mm
            tip, behind = course[-1], course[max(0, len(course) - 10)]
            found.append((key, leaf, tip, (tip - behind) / max(float(np.linalg.norm(tip - behind)), 1e-9)))
    return found


def _end_before(ends: list, places: np.ndarray):
    """Of free ends the one before a piece, None without one: (system, branch, tip, nearest voxel, distance in mm, how
    far it points there 0..1)."""
    best = None
    for key, leaf, tip, heading in ends:
        away = places - tip
        distance = np.linalg.norm(away, axis=1)
        first = int(np.argmin(distance))
        forward = away[first] @ heading / max(float(distance[first]), 1e-9)
        near = distance[first] <= (FAR_MM if forward >= FORWARD else CLOSE_MM)
        if near and (best is None or distance[first] < best[4]):
            best = key, leaf, tip, places[first], float(distance[first]), float(max(forward, 0.0))
    return best
