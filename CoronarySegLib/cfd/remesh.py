"""New triangles of even shape on the same surface, with edges as long as asked for at each place.

Split what is too long, collapse what is too short, flip to the rounder pair of triangles, relax along the surface, and
go back onto the surface that came in (Botsch, Kobbelt 2004). No library with a licence we can ship does this with a
length that varies and a guarantee of manifoldness, so the steps are here, each over the whole mesh at once
(:mod:`.remesh_steps`): a step is done at many places that do not touch each other, which gives the same guarantees as
one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..centreline.tree import CentrelineTree
from ..errors import SurfaceError
from ..progress import Progress, ProgressCallback, as_progress
from ..reconstruction.mesh import vertex_normals
from ..reconstruction.vectors import corners_of, cross, face_vectors, length, mean
from .edges import boundary_points, edges_of
from .knots import without_knots
from .nearest import SurfaceSearch
from .remesh_steps import Mesh, collapsed, flipped, relaxed, split
from .rims import LONGEST_EDGE_MM
from .ruler import ruler_along

LENGTH_OF_RADIUS = 0.3
LARGEST_TRIANGLE_BUDGET = 400_000
ENOUGH = 0.95
"""Collapsing ends when a pass leaves more vertices than this share; the rest is done after the other steps."""
MOST_DESCENTS = 5
GRADATION = 0.25
"""Edge lengths may grow by this much per length: triangles of very unlike size side by side are thin ones."""
EQUILATERAL = np.sqrt(3.0) / 4.0


def remeshed(
    points_mm: np.ndarray, triangles: np.ndarray,
    target_length_mm: Callable[[np.ndarray], np.ndarray] | np.ndarray | float, *,
    triangle_budget: int | None = None, fixed_points: np.ndarray | None = None,
    feature_edges: np.ndarray | None = None, iterations: int = 8, keep_volume: bool = True,
    progress: Progress | ProgressCallback | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Points (k, 3) and triangles (l, 3) with edges of about ``target_length_mm``.

    ``target_length_mm``: one length, one for each point (n,), or a function of points (n, 3). ``triangle_budget``: all
    lengths are scaled up until about that many triangles are enough. ``fixed_points`` (n,) bool or indices: vertices
    that stay exactly where they are. ``feature_edges`` (k, 2): edges that stay as they are, with both ends. Free edges
    of an open surface are feature edges always, so a flat rim stays flat. Fixed vertices come first in the result, in
    their old order. ``keep_volume``: vertices go out by what their flat triangles cut off the curved wall.

    A manifold surface stays manifold, with the same topology. Raises SurfaceError for a surface that is not manifold.
    """
    progress = as_progress(progress)
    points_mm, triangles = np.asarray(points_mm, float), np.asarray(triangles, np.int64)
    fixed = _fixed(points_mm, triangles, fixed_points, feature_edges)
    order = np.argsort(~fixed, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    points_mm, triangles = points_mm[order], place[triangles]
    features = None if feature_edges is None else place[np.asarray(feature_edges, np.int64).reshape(-1, 2)]
    target = _lengths(points_mm, order, target_length_mm)
    target = graded(points_mm, triangles, target)
    target = target * budget_scale(points_mm, triangles, target, triangle_budget)
    search = SurfaceSearch(points_mm, triangles)
    mesh = _brought_down(Mesh(points_mm, triangles, target, int(fixed.sum()), features), search)
    for number in range(iterations):
        progress(number / iterations, "Remeshing")
        mesh = _collapsed_as_far_as_goes(split(mesh))
        mesh = flipped(mesh)
        mesh = relaxed(mesh, search, target, rounds=2)
    for _ in range(2):
        mesh = flipped(_unknotted(mesh, search, target))
        mesh = relaxed(mesh, search, target, rounds=1)
    mesh = _unknotted(flipped(mesh), search, target)
    points, triangles = mesh.points_mm, mesh.triangles
    if keep_volume:
        points = _pushed_out(points, triangles, search, mesh.fixed_count)
    return points, triangles


def _brought_down(mesh: Mesh, search: SurfaceSearch) -> Mesh:
    """A surface much finer than wanted, as one between the voxels is, collapsed to size before any other step, which is
    then done on a fifth of the triangles. Its slivers stop that early; evened out a little, they do not."""
    target = mesh.target_mm
    for _ in range(MOST_DESCENTS):
        before = len(mesh.points_mm)
        mesh = _collapsed_as_far_as_goes(mesh)
        if len(mesh.points_mm) > ENOUGH * before:
            break
        mesh = relaxed(mesh, search, target, rounds=1)
    return mesh


def _unknotted(mesh: Mesh, search: SurfaceSearch, surface_target_mm: np.ndarray) -> Mesh:
    points, triangles, origin = without_knots(mesh.points_mm, mesh.triangles, mesh.fixed_count)
    new = origin < 0
    target = mesh.target_mm[origin]
    if new.any():
        nearest = search(points[new])
        points[new], target[new] = nearest.points_mm, search.values_at(nearest, surface_target_mm)
    number = np.full(len(mesh.points_mm), -1)
    number[origin[~new]] = np.flatnonzero(~new)
    features = None if mesh.features is None else number[mesh.features]
    return replace(mesh, points_mm=points, triangles=triangles, target_mm=target, features=features)


def _collapsed_as_far_as_goes(mesh: Mesh) -> Mesh:
    while True:
        before = len(mesh.points_mm)
        mesh = collapsed(mesh)
        if len(mesh.points_mm) > ENOUGH * before:
            return mesh


def length_along(
    tree: CentrelineTree, *, share_of_radius: float = LENGTH_OF_RADIUS, shortest_mm: float = 0.08,
    longest_mm: float = LONGEST_EDGE_MM,
) -> Callable[[np.ndarray], np.ndarray]:
    """A function of points (n, 3): ``share_of_radius`` of the lumen's radius there. 0.3 is about 20 edges round."""
    ruler = ruler_along(tree)

    def target(points_mm: np.ndarray) -> np.ndarray:
        return np.clip(share_of_radius * ruler.radius_mm[ruler.place_of(points_mm)], shortest_mm, longest_mm)

    return target


def graded(points_mm: np.ndarray, triangles: np.ndarray, target_mm: np.ndarray) -> np.ndarray:
    """Target lengths (n,) lowered until they grow by no more than ``GRADATION`` of the distance along edges."""
    edges = edges_of(triangles, len(points_mm))
    (a, b), steps = edges.ends.T, GRADATION * edges.lengths_mm(points_mm)
    target = target_mm.copy()
    for _ in range(200):
        before = target.copy()
        np.minimum.at(target, a, before[b] + steps)
        np.minimum.at(target, b, before[a] + steps)
        if np.allclose(before, target, rtol=1e-3):
            break
    return target


def budget_scale(points_mm: np.ndarray, triangles: np.ndarray, target_mm: np.ndarray, budget: int | None) -> float:
    """Factor on the target lengths (>= 1) that brings the number of triangles down to ``budget``."""
    if budget is None:
        budget = LARGEST_TRIANGLE_BUDGET
    areas = 0.5 * length(face_vectors(points_mm, triangles))
    wanted = float((areas / (EQUILATERAL * mean(target_mm[triangles] ** 2))).sum())
    return float(np.sqrt(max(wanted / max(budget, 1), 1.0)))


def _fixed(points_mm, triangles, fixed_points, feature_edges) -> np.ndarray:
    edges = edges_of(triangles, len(points_mm))
    if edges.non_manifold.any():
        at = points_mm[edges.ends[edges.non_manifold][0]].mean(0)
        raise SurfaceError(
            f"The surface is not manifold: {int(edges.non_manifold.sum())} edge(s) carry more than two triangles, the "
            f"first at LPS {at[0]:.1f}, {at[1]:.1f}, {at[2]:.1f} mm. Make the surface again from the mask."
        )
    fixed = boundary_points(triangles, len(points_mm))
    if fixed_points is not None:
        fixed[np.asarray(fixed_points)] = True
    if feature_edges is not None:
        fixed[np.asarray(feature_edges, np.int64).ravel()] = True
    return fixed


def _lengths(points_mm: np.ndarray, order: np.ndarray, wanted) -> np.ndarray:
    if callable(wanted):
        target = np.asarray(wanted(points_mm), float)
    else:
        wanted = np.asarray(wanted, float)
        target = np.full(len(points_mm), float(wanted)) if wanted.ndim == 0 else wanted
        target = target[order] if target.shape == order.shape else target
    if target.shape != (len(points_mm),) or not (target > 0).all():
        raise ValueError("target_length_mm needs one length above 0 for each point")
    return target


def _pushed_out(points: np.ndarray, triangles: np.ndarray, search: SurfaceSearch, fixed_count: int) -> np.ndarray:
    """Vertices moved out along their normals by the mean depth of their triangles below the surface they came from.

    Flat triangles with corners on a tube lie inside of it: 20 edges round take 0.8 % of the diameter.
    """
    for _ in range(2):
        normals = vertex_normals(points, triangles)
        corners = corners_of(points, triangles)
        faces = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        weight = length(faces)
        depth = np.zeros(len(triangles))
        # The middle of a triangle and of its edges weighted so that quadratics integrate exactly over it.
        for shares in ((3, 3, 0), (0, 3, 3), (3, 0, 3)):
            at = np.tensordot(np.array(shares) / 6.0, corners, axes=(0, 1))
            depth -= search.signed_mm(at, faces / np.maximum(weight, 1e-30)[:, None]) / 3.0
        total = np.bincount(triangles.ravel(), np.repeat(weight * depth, 3), minlength=len(points))
        area = np.bincount(triangles.ravel(), np.repeat(weight, 3), minlength=len(points))
        shift = total / np.maximum(area, 1e-30)
        shift[:fixed_count] = 0.0
        points = points + shift[:, None] * normals
    return points


