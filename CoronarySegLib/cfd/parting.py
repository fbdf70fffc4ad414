"""One plane through one vessel of a triangle mesh: what is beyond goes, an even rim lies exactly on the plane.

Only the crossing that was found round the centreline is cut. Another branch that happens to cross the same infinite
plane stays whole, because what is removed is found by walking over the surface from the cut, not by the plane's side.
"""

from __future__ import annotations

import numpy as np

from ..errors import SurfaceError
from ..reconstruction.mesh import compacted, parts_of
from ..reconstruction.vectors import length, some
from .cuts import Cut
from .intersections import self_intersections
from .lids import lid
from .rims import LONGEST_EDGE_MM, boundary_loops, even_rim
from .section import Loop, heights, loop_round
from .zipper import zipped

SETBACK = 0.7
"""The wall is opened this many edge lengths before the plane; the strip between is sewn from there to the even rim."""
MOST_OF_INSCRIBED = 1.5
"""The edges of a rim follow its own radius, those of the wall the sphere in the vessel, which is small in a flat one.
Where one is twice the other, needles lie between them."""


class GoesOnElsewhereError(Exception):
    """What lies beyond a cut is more than the piece of the mesh that was given: give more of it."""


def cut_through(
    points: np.ndarray, triangles: np.ndarray, cut: Cut, loop: Loop, edge_per_radius: float, largest_mm: float,
    keeps: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Points, triangles and rim (vertices in order) of the surface opened at ``loop``, the crossing of the cut's plane.

    Vertices keep their numbers, new ones come at the end. ``keeps`` (n,) bool: vertices at which the surface goes on
    elsewhere: GoesOnElsewhereError when what is to be removed holds one. None where the vessel cannot be opened there:
    the plane does not part it, the section a little before is wider than 1.2 times ``largest_mm``, or a lid would cut a
    wall.
    """
    radius = min(loop.radius_mm, MOST_OF_INSCRIBED * cut.radius_mm)
    rim = even_rim(loop, cut.normal, min(edge_per_radius * radius, LONGEST_EDGE_MM))
    edge = np.linalg.norm(rim[0] - rim[1])
    origin = cut.position_lps_mm - SETBACK * edge * cut.normal
    inner = loop_round(points, triangles, origin, cut.normal, 1.5 * cut.radius_mm)
    if inner is None or inner.radius_mm > 1.2 * largest_mm:
        return None
    for snap in (0.3, 0.0):
        opened = _removed_beyond(points, triangles, inner, origin, cut.normal, snap, keeps)
        if opened is None:
            continue
        new_points, new_triangles, hole = opened
        start = len(new_points)
        ring = np.arange(start, start + len(rim))
        new_points = np.concatenate([new_points, rim])
        strip = zipped(new_points, hole, ring, cut.normal)
        new_triangles = np.concatenate([new_triangles, strip])
        if _lid_is_free(new_points, new_triangles, ring, loop, cut.normal):
            return new_points, new_triangles, ring
    return None


def _lid_is_free(points, triangles, ring, loop: Loop, normal: np.ndarray) -> bool:
    """Whether a lid on the ring would cut no wall near it: a fold or a neighbour may reach through the plane there."""
    near = length(points - loop.centroid_mm) < 2.5 * loop.radius_mm
    wall = triangles[some(near[triangles])]
    inside, cover = lid(points[ring], normal)
    if cover is None:
        return False
    numbers = np.r_[ring, len(points) + np.arange(len(inside))]
    pairs = self_intersections(*compacted(np.concatenate([points, inside]), np.r_[wall, numbers[cover]]))
    # Cuts of the wall with itself were there before; they are mended when it is meshed.
    return not (pairs >= len(wall)).any()


def _removed_beyond(points, triangles, loop: Loop, origin: np.ndarray, normal: np.ndarray, snap: float, keeps):
    """Points, triangles and the hole's vertices (in order) without what lies beyond ``loop``; None when it does not
    part the surface there."""
    height = heights(points, origin, normal)
    low, high = loop.edges.T
    share = height[low] / (height[low] - height[high])
    # A crossing near a vertex becomes that vertex: needles are never made.
    on_plane = np.zeros(len(points), bool)
    on_plane[low[share < snap]] = True
    on_plane[high[share > 1.0 - snap]] = True
    sign = np.where(on_plane, 0, np.sign(height)).astype(np.int8)
    touched = np.zeros(len(points), bool)
    touched[loop.edges.ravel()] = True
    crossed = np.zeros(len(triangles), bool)
    crossed[loop.triangles] = True

    near = np.flatnonzero(some(touched[triangles]))
    signs = sign[triangles[near]]
    beyond = (signs >= 0).all(axis=1)
    split = (signs > 0).any(axis=1) & (signs < 0).any(axis=1)
    if (split & ~crossed[near]).any():  # another crossing of the same plane shares a vertex with this one
        return None
    # The kept side gets vertices of its own on the plane: from here on, what is connected is what belongs together.
    before = np.flatnonzero(on_plane)
    own = np.arange(len(points))
    own[before] = len(points) + np.arange(len(before))
    parts, new_points = _split(points, triangles[near[split]], sign, height, points[before], own)
    inner = near[~beyond & ~split]
    rest = np.ones(len(triangles), bool)
    rest[near] = False
    kept = np.concatenate([own[triangles[inner]], parts])
    body = np.concatenate([triangles[rest], kept, triangles[near[beyond]]])
    _, part = parts_of(len(new_points), body)
    here = slice(int(rest.sum()), int(rest.sum()) + len(kept))
    stays = ~np.isin(part, part[here.stop :])
    if not stays[here].all():
        return None
    if keeps is not None and keeps[body[~stays]].any():
        raise GoesOnElsewhereError
    try:
        holes = boundary_loops(kept)
    except SurfaceError:
        return None
    # The strip that was sewn has two rims; the one of new vertices is the hole.
    fresh = [hole for hole in holes if hole.min() >= len(points)]
    return (new_points, body[stays], fresh[0]) if len(fresh) == 1 else None


def _split(points, triangles, sign, height, copies, own):
    """The parts below the plane of triangles that cross it, and all points: old, ``copies``, those on crossed edges.

    ``own`` gives the number of a vertex on the kept side."""
    made: dict[tuple[int, int], int] = {}
    new, parts = [], []
    start = len(points) + len(copies)
    old = np.concatenate([points, copies])

    def crossing(a: int, b: int) -> int:
        key = (a, b) if a < b else (b, a)
        if key not in made:
            share = height[a] / (height[a] - height[b])
            made[key] = start + len(new)
            new.append(points[a] + share * (points[b] - points[a]))
        return made[key]

    for corners in triangles.tolist():
        polygon = []
        for here, following in zip(corners, corners[1:] + corners[:1], strict=True):
            if sign[here] <= 0:
                polygon.append(int(own[here]))
            if sign[here] * sign[following] < 0:
                polygon.append(crossing(here, following))
        if len(polygon) == 3:
            parts.append(polygon)
        elif len(polygon) == 4:
            place = np.array([old[v] if v < start else new[v - start] for v in polygon])
            if np.linalg.norm(place[0] - place[2]) <= np.linalg.norm(place[1] - place[3]):
                parts += [[polygon[0], polygon[1], polygon[2]], [polygon[0], polygon[2], polygon[3]]]
            else:
                parts += [[polygon[1], polygon[2], polygon[3]], [polygon[1], polygon[3], polygon[0]]]
    all_points = np.concatenate([old, np.array(new).reshape(-1, 3)])
    return np.array(parts, np.int64).reshape(-1, 3), all_points
