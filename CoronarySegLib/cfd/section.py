"""Where a plane crosses a triangle mesh: closed loops, of which only the one round a given vessel is of interest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True)
class Loop:
    """One closed crossing of a plane and a mesh.

    ``points_mm`` (k, 3) lie on the plane in order round the loop, anticlockwise seen against the normal (the normal
    points at the viewer). ``edges`` (k, 2) are the mesh edges they lie on, end below the plane first; ``triangles`` are
    all triangles crossed.
    """

    points_mm: np.ndarray
    edges: np.ndarray
    triangles: np.ndarray
    area_mm2: float
    centroid_mm: np.ndarray

    @property
    def radius_mm(self) -> float:
        return float(np.sqrt(self.area_mm2 / np.pi))


def loop_round(
    points: np.ndarray, triangles: np.ndarray, origin: np.ndarray, normal: np.ndarray, reach_mm: float
) -> Loop | None:
    """The smallest loop of the plane through ``origin`` that has ``origin`` inside, None when there is none.

    Where the centreline left the lumen by a little, the loop whose centroid is nearest counts if it is nearer than
    ``reach_mm``. Other vessels that the infinite plane crosses are other loops.
    """
    found = [loop for loop in _loops(points, triangles, origin, normal) if loop.area_mm2 > 0]
    inside = [loop for loop in found if _encloses(loop, origin, normal)]
    if inside:
        return min(inside, key=lambda loop: loop.area_mm2)
    near = [loop for loop in found if np.linalg.norm(loop.centroid_mm - origin) < reach_mm]
    return min(near, key=lambda loop: float(np.linalg.norm(loop.centroid_mm - origin)), default=None)


def heights(points: np.ndarray, origin: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Signed distances (n,) from the plane; none is exactly zero, so that a plane never passes through a vertex."""
    height = (points - origin) @ normal
    return np.where(np.abs(height) < 1e-9, 1e-9, height)


def plane_axes(normal: np.ndarray) -> np.ndarray:
    """Two unit vectors (2, 3) in the plane; with the normal they are right-handed."""
    helper = np.eye(3)[np.argmin(np.abs(normal))]
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first)])


def polygon_area(flat: np.ndarray) -> float:
    """Signed area of a polygon (k, 2), positive when anticlockwise."""
    following = np.roll(flat, -1, axis=0)
    return float(0.5 * np.sum(flat[:, 0] * following[:, 1] - flat[:, 1] * following[:, 0]))


def polygon_centroid(flat: np.ndarray) -> np.ndarray:
    """Centroid (2,) of a polygon's area."""
    shift = flat.mean(0)
    local = flat - shift
    following = np.roll(local, -1, axis=0)
    cross = local[:, 0] * following[:, 1] - local[:, 1] * following[:, 0]
    return shift + ((local + following) * cross[:, None]).sum(0) / (3.0 * cross.sum())


def winding(flat: np.ndarray, places: np.ndarray) -> np.ndarray:
    """True (n,) for places (n, 2) inside the polygon (k, 2), by winding number."""
    arrows = flat[None] - np.atleast_2d(places)[:, None]
    angles = np.arctan2(arrows[..., 1], arrows[..., 0])
    turns = np.diff(np.concatenate([angles, angles[:, :1]], axis=1), axis=1)
    return np.abs(((turns + np.pi) % (2 * np.pi) - np.pi).sum(axis=1)) > np.pi


def _loops(points: np.ndarray, triangles: np.ndarray, origin: np.ndarray, normal: np.ndarray) -> list[Loop]:
    height = heights(points, origin, normal)
    above = height > 0
    corners_above = above[triangles].sum(axis=1)
    crossed = np.flatnonzero((corners_above > 0) & (corners_above < 3))
    if not len(crossed):
        return []
    corners = triangles[crossed]
    edges = np.stack([corners, np.roll(corners, -1, axis=1)], axis=2)  # (k, 3, 2)
    cut = above[edges[..., 0]] != above[edges[..., 1]]  # exactly two of three
    rising = cut & ~above[edges[..., 0]]
    # Of the two crossed edges of a triangle, the one that rises (from below to above) comes after the falling one when
    # the walk keeps what is below on its left, which for outward triangles is anticlockwise seen against the normal.
    enters, leaves = edges[cut & ~rising][:, ::-1], edges[rising]
    keys = np.concatenate([enters, leaves])
    crossing, number = np.unique(keys, axis=0, return_inverse=True)
    number = number.reshape(2, -1)
    low, high = crossing.T
    share = (height[low] / (height[low] - height[high]))[:, None]
    places = points[low] + share * (points[high] - points[low])
    follows = np.full(len(crossing), -1)
    follows[number[0]] = number[1]
    through = np.full(len(crossing), -1)
    through[number[0]] = crossed
    axes = plane_axes(normal)
    count, part = connected_components(
        coo_matrix((np.ones(len(crossed), np.int8), (number[0], number[1])), shape=(len(crossing),) * 2), directed=False
    )
    loops = []
    first_of = np.unique(part, return_index=True)[1]
    for first in first_of[:count]:
        order, node = [], int(first)
        while node >= 0 and (not order or node != first) and len(order) <= len(crossing):
            order.append(node)
            node = int(follows[node])
        if node != first:  # a free edge: the mesh is open here
            continue
        order = np.array(order)
        ring = places[order]
        flat = (ring - origin) @ axes.T
        area = polygon_area(flat)
        if area < 0:
            area, order = -area, order[::-1]
            ring, flat = ring[::-1], flat[::-1]
        if len(order) < 3 or area <= 0:
            continue
        centroid = origin + polygon_centroid(flat) @ axes
        loops.append(Loop(ring, crossing[order], np.unique(through[order]), area, centroid))
    return loops


def _encloses(loop: Loop, origin: np.ndarray, normal: np.ndarray) -> bool:
    axes = plane_axes(normal)
    return bool(winding((loop.points_mm - origin) @ axes.T, np.zeros((1, 2)))[0])
