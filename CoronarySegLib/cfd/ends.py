"""From a closed tree to one with flat open ends: what is distal of each cut goes, the rim is exactly on its plane.

Only the crossing that surrounds the centreline is cut. Another branch that happens to cross the same infinite plane
stays whole, because what is removed is found by walking over the surface from the cut, not by the side of the plane.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..centreline.tree import CentrelineTree
from ..errors import SurfaceError
from ..reconstruction.mesh import compacted, parts_of
from .cuts import Cut, moved
from .intersections import self_intersections
from .lids import lid
from .section import Loop, heights, loop_round, plane_axes, polygon_area, polygon_centroid
from .zipper import zipped

EDGE_PER_RADIUS = 0.3
FEWEST_RIM_POINTS = 12
SETBACK = 0.7
"""The wall is opened this many edge lengths before the plane; the strip between is sewn from there to the even rim."""
GROWTH_AND_ROUNDNESS = ((1.7, 0.55), (2.6, 0.35))
"""A section wider than the first times the inscribed radius, or less round than the second, holds a junction or a
neighbour as well (roundness is 1 for a circle, 0.55 for an ellipse of 1 to 3.6). Flat vessels and funnels of the ostium
look alike, so what finds no place by the first pair is tried with the second."""
SMALLEST_RADIUS_MM = 0.25
"""No flow worth computing passes less, and the mask has nothing to say about it."""
SHIFTS = (0.0, -0.5, 0.5, -1.0, 1.0, -1.5, -2.0, 1.5)
"""Places tried for a cut, in radii along the branch, until the section is the vessel's alone."""


@dataclass(frozen=True)
class OpenedSurface:
    """A wall with open ends. ``points_lps_mm`` (n, 3), ``triangles`` (m, 3), normals out of the lumen.

    ``rims``: for each of ``cuts`` the vertices round its opening, in order, anticlockwise seen from outside; they lie
    exactly on the plane. ``extensions_mm``: how far each rim was moved out along its cut's normal.
    """

    points_lps_mm: np.ndarray
    triangles: np.ndarray
    rims: tuple[np.ndarray, ...]
    cuts: tuple[Cut, ...]
    extensions_mm: tuple[float, ...] = ()
    skipped: tuple[str, ...] = ()

    def rim_points(self, index: int) -> np.ndarray:
        return self.points_lps_mm[self.rims[index]]


def open_ends(
    points: np.ndarray, triangles: np.ndarray, tree: CentrelineTree, cuts: tuple[Cut, ...],
    *, edge_per_radius: float = EDGE_PER_RADIUS,
) -> OpenedSurface:
    """Cut a closed surface (n, 3) LPS mm, (m, 3) at each of ``cuts``.

    A plane that would cross a junction or leave the lumen is moved along its branch by up to two radii; an outlet for
    which no place is found stays closed and is named in ``skipped``. Raises SurfaceError when the inlet cannot be cut
    or no outlet is left.
    """
    rims, kept, skipped = [], [], []
    for cut in cuts:
        found = _opened(points, triangles, tree, cut, edge_per_radius)
        if found is None:
            if cut.kind == "inlet":
                raise SurfaceError(
                    f"The surface cannot be opened at {cut.name} near {_place(cut)}: no plane there crosses the vessel "
                    "alone. Move the ostium or correct the mask there."
                )
            skipped.append(f"{cut.name} stays closed: no plane near {_place(cut)} crosses the vessel alone")
            continue
        points, triangles, rim, cut = found
        rims.append(rim)
        kept.append(cut)
    if not any(cut.kind == "outlet" for cut in kept):
        raise SurfaceError("No outlet could be cut: every branch is too short. Use a larger or finer mask.")
    rims, triangles, points = _renumbered(rims, triangles, points)
    return OpenedSurface(points, triangles, rims, tuple(kept), (0.0,) * len(kept), tuple(skipped))


def with_wall(opened: OpenedSurface, points: np.ndarray, triangles: np.ndarray) -> OpenedSurface:
    """The same openings on a wall that was meshed anew with its free edges kept.

    Raises SurfaceError when a rim is no longer there as it was.
    """
    loops = boundary_loops(triangles)
    rims = []
    for index, cut in enumerate(opened.cuts):
        before = opened.rim_points(index).mean(0)
        nearest = min(loops, key=lambda loop: float(np.linalg.norm(points[loop].mean(0) - before)), default=None)
        if nearest is None or np.linalg.norm(points[nearest].mean(0) - before) > 0.05 * cut.radius_mm + 1e-3:
            raise SurfaceError(f"The opening {cut.name} was lost while the wall was meshed. Use another edge length.")
        rims.append(nearest)
    if len(loops) != len(rims) or len({int(rim.min()) for rim in rims}) != len(rims):
        raise SurfaceError("The wall has a hole beside its openings after meshing. Use another edge length.")
    return replace(opened, points_lps_mm=points, triangles=triangles, rims=tuple(rims))


def boundary_loops(triangles: np.ndarray) -> list[np.ndarray]:
    """Vertices of each hole in order, anticlockwise seen from outside. Raises SurfaceError where two holes touch."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).astype(np.int64)
    key = edges.min(axis=1) * (int(edges.max(initial=0)) + 1) + edges.max(axis=1)
    order = np.argsort(key)
    same = key[order][1:] == key[order][:-1]
    free = edges[order[~(np.r_[False, same] | np.r_[same, False])]]
    # A wall triangle passes a hole clockwise as the hole sees it from outside: the cap's edge runs the other way.
    follows = {int(b): int(a) for a, b in free}
    if len(follows) != len(free):
        raise SurfaceError("Two openings touch in one vertex. Move one of the cuts.")
    loops = []
    while follows:
        first, node = next(iter(follows.items()))
        del follows[first]
        loop = [first]
        while node != first:
            loop.append(node)
            node = follows.pop(node)
        loops.append(np.array(loop))
    return loops


def _opened(points, triangles, tree: CentrelineTree, cut: Cut, edge_per_radius: float):
    tried = []
    for shift in SHIFTS:
        candidate = cut if shift == 0.0 else moved(cut, tree, shift * cut.radius_mm)
        loop = loop_round(points, triangles, candidate.position_lps_mm, candidate.normal, 1.5 * candidate.radius_mm)
        if loop is not None and loop.radius_mm > max(SMALLEST_RADIUS_MM, 0.5 * candidate.radius_mm):
            tried.append((candidate, loop))
    for growth, roundness in GROWTH_AND_ROUNDNESS:
        for candidate, loop in tried:
            largest = growth * candidate.radius_mm + 0.3
            if loop.radius_mm > largest or _roundness(loop) < roundness:
                continue
            made = _cut_through(points, triangles, candidate, loop, edge_per_radius, largest)
            if made is not None:
                return (*made, candidate)
    return None


def _roundness(loop: Loop) -> float:
    perimeter = np.linalg.norm(loop.points_mm - np.roll(loop.points_mm, 1, axis=0), axis=1).sum()
    return 4.0 * np.pi * loop.area_mm2 / perimeter**2


def _cut_through(points, triangles, cut: Cut, loop: Loop, edge_per_radius: float, largest_mm: float):
    rim = even_rim(loop, cut.normal, edge_per_radius * loop.radius_mm)
    edge = np.linalg.norm(rim[0] - rim[1])
    origin = cut.position_lps_mm - SETBACK * edge * cut.normal
    inner = loop_round(points, triangles, origin, cut.normal, 1.5 * cut.radius_mm)
    if inner is None or inner.radius_mm > 1.2 * largest_mm:
        return None
    for snap in (0.3, 0.0):
        opened = _removed_beyond(points, triangles, inner, origin, cut.normal, snap)
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
    near = np.linalg.norm(points - loop.centroid_mm, axis=1) < 2.5 * loop.radius_mm
    wall = triangles[near[triangles].any(axis=1)]
    inside, cover = lid(points[ring], normal)
    if cover is None:
        return False
    numbers = np.r_[ring, len(points) + np.arange(len(inside))]
    return not len(self_intersections(*compacted(np.concatenate([points, inside]), np.r_[wall, numbers[cover]])))


def even_rim(loop: Loop, normal: np.ndarray, edge_mm: float) -> np.ndarray:
    """The loop as points (k, 3) at even steps of about ``edge_mm``, exactly in its plane, with the area unchanged.

    A polygon inside a curve has less area than the curve (5 % with 12 points); it is widened about its centroid.
    """
    axes = plane_axes(normal)
    flat = (loop.points_mm - loop.centroid_mm) @ axes.T
    closed = np.concatenate([flat, flat[:1]])
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))]
    count = max(FEWEST_RIM_POINTS, round(along[-1] / edge_mm))
    # The voxels' corners are no shape of the vessel: each point is the mean over one step of the curve.
    fine = np.linspace(0.0, along[-1], 8 * count, endpoint=False)
    dense = np.stack([np.interp(fine, along, closed[:, i]) for i in range(2)], axis=1)
    window = np.fft.rfft(np.r_[np.ones(5), np.zeros(8 * count - 9), np.ones(4)] / 9.0).real[:, None]
    even = np.fft.irfft(np.fft.rfft(dense, axis=0) * window, n=8 * count, axis=0)[::8]
    centre = polygon_centroid(even)
    scale = np.sqrt(loop.area_mm2 / abs(polygon_area(even)))
    return loop.centroid_mm + (centre + scale * (even - centre)) @ axes


def _removed_beyond(points, triangles, loop: Loop, origin: np.ndarray, normal: np.ndarray, snap: float):
    """Points, triangles and the hole's vertices (in order) without what lies beyond ``loop``; None when it does not
    part the surface there. Vertices keep their numbers; new ones come at the end."""
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

    near = np.flatnonzero(touched[triangles].any(axis=1))
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


def _renumbered(rims, triangles, points):
    used = np.unique(triangles)
    renumber = np.full(len(points), -1)
    renumber[used] = np.arange(len(used))
    points, triangles = compacted(points, triangles)
    return tuple(renumber[rim] for rim in rims), triangles, points


def _place(cut: Cut) -> str:
    x, y, z = cut.position_lps_mm
    return f"({x:.1f}, {y:.1f}, {z:.1f}) mm LPS"
