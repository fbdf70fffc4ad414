"""The four steps of remeshing, each over the whole mesh at once.

A collapse or a flip is safe alone by a local rule. Done together, two of them that touch the same triangle could break
what each has checked; so each triangle takes part in the most urgent change only; the others wait for a round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..reconstruction.mesh import vertex_normals
from ..reconstruction.vectors import corners_of, cross, dot, every, face_vectors, least, length, mean, some, unit
from .edges import Edges, edges_of, neighbours
from .nearest import SurfaceSearch

TOO_LONG = 4.0 / 3.0
TOO_SHORT = 4.0 / 5.0
TURN_COLLAPSE = 0.5
"""Least cosine between a triangle's normal before and after: beyond 60 degrees the wall would fold."""
TURN_FLIP = 0.7
ROUNDS = 4
SWEEPS = 3
"""How often what is still free is looked through for further changes, before edges are found anew."""


@dataclass(frozen=True)
class Mesh:
    """``points_mm`` (n, 3), ``triangles`` (m, 3), ``target_mm`` (n,) edge length wanted at each vertex. The first
    ``fixed_count`` vertices never move; ``features`` (k, 2) edges between them that stay."""

    points_mm: np.ndarray
    triangles: np.ndarray
    target_mm: np.ndarray
    fixed_count: int
    features: np.ndarray | None = None

    def edges(self) -> Edges:
        return edges_of(self.triangles, len(self.points_mm))

    def kept(self, edges: Edges) -> np.ndarray:
        """Edges (e,) that may be neither split, collapsed nor flipped: free edges and features."""
        kept = edges.boundary.copy()
        if self.features is not None and len(self.features):
            keys = np.sort(self.features, axis=1) @ np.array([len(self.points_mm), 1])
            kept |= np.isin(edges.ends @ np.array([len(self.points_mm), 1]), keys)
        return kept

    def relative_lengths(self, edges: Edges) -> np.ndarray:
        """Edge lengths as shares of the length wanted there (e,)."""
        return edges.lengths_mm(self.points_mm) / mean(self.target_mm[edges.ends])


def split(mesh: Mesh) -> Mesh:
    """Every edge that is too long gets a vertex in its middle; a triangle becomes two, three or four."""
    edges = mesh.edges()
    long = (mesh.relative_lengths(edges) > TOO_LONG) & ~mesh.kept(edges)
    if not long.any():
        return mesh
    middle = np.full(len(long), -1, np.int64)
    middle[long] = len(mesh.points_mm) + np.arange(int(long.sum()))
    ends = edges.ends[long]
    points = np.concatenate([mesh.points_mm, mesh.points_mm[ends].mean(1)])
    target = np.concatenate([mesh.target_mm, mesh.target_mm[ends].mean(1)])
    cut = middle[edges.of_triangle]
    how_many = (cut >= 0).sum(1)
    parts = [mesh.triangles[how_many == 0]]
    # One cut: the cut edge first, a-b with middle m.
    rows = np.flatnonzero(how_many == 1)
    if len(rows):
        first = np.argmax(cut[rows] >= 0, axis=1)
        a, b, c = _turned(mesh.triangles[rows], first)
        m = cut[rows, first]
        parts += [np.stack([a, m, c], 1), np.stack([m, b, c], 1)]
    # Two cuts: the edge that stays first, a-b; m on b-c, k on c-a; the shorter diagonal of the rest.
    rows = np.flatnonzero(how_many == 2)
    if len(rows):
        first = np.argmin(cut[rows] >= 0, axis=1)
        a, b, c = _turned(mesh.triangles[rows], first)
        _, m, k = _turned(cut[rows], first)
        parts.append(np.stack([k, m, c], 1))
        shorter = np.linalg.norm(points[a] - points[m], axis=1) < np.linalg.norm(points[b] - points[k], axis=1)
        parts.append(np.where(shorter[:, None], np.stack([a, b, m], 1), np.stack([a, b, k], 1)))
        parts.append(np.where(shorter[:, None], np.stack([a, m, k], 1), np.stack([b, m, k], 1)))
    rows = np.flatnonzero(how_many == 3)
    if len(rows):
        (a, b, c), (m, k, j) = mesh.triangles[rows].T, cut[rows].T
        parts += [np.stack(t, 1) for t in ((a, m, j), (m, b, k), (j, k, c), (m, k, j))]
    return replace(mesh, points_mm=points, triangles=np.concatenate(parts), target_mm=target)


def collapsed(mesh: Mesh) -> Mesh:
    """Short edges become a vertex where that keeps the topology, turns no triangle over and makes no edge too long."""
    for _ in range(ROUNDS):
        edges = mesh.edges()
        relative = mesh.relative_lengths(edges)
        a, b = edges.ends.T
        free = (b >= mesh.fixed_count) & ~mesh.kept(edges)
        candidates = np.flatnonzero((relative < TOO_SHORT) & free & (edges.count == 2))
        if not len(candidates):
            break
        candidates = candidates[_link_is_edge(edges, candidates, len(mesh.points_mm))]
        chosen = candidates[_apart(mesh.triangles, edges.ends[candidates], relative[candidates], len(mesh.points_mm))]
        if not len(chosen):
            break
        stays, goes = a[chosen], b[chosen]
        place = mean(corners_of(mesh.points_mm, edges.ends[chosen]))
        place = np.where((stays < mesh.fixed_count)[:, None], mesh.points_mm[stays], place)
        good = _collapse_is_sound(mesh, edges, stays, goes, place)
        stays, goes, place = stays[good], goes[good], place[good]
        if not len(stays):
            break
        points, renumber = mesh.points_mm.copy(), np.arange(len(mesh.points_mm))
        points[stays] = place
        renumber[goes] = stays
        triangles = renumber[mesh.triangles]
        triangles = triangles[every(triangles != np.roll(triangles, 1, axis=1))]
        remains = np.ones(len(points), bool)
        remains[goes] = False
        number = np.cumsum(remains) - 1
        mesh = replace(
            mesh, points_mm=points[remains], triangles=number[triangles], target_mm=mesh.target_mm[remains]
        )
    return mesh


def flipped(mesh: Mesh) -> Mesh:
    """Edges whose two triangles are rounder the other way round are turned (the angles against them sum to over 180
    degrees), where the wall is flat enough for it."""
    for _ in range(2 * ROUNDS):
        edges = mesh.edges()
        inner = np.flatnonzero((edges.count == 2) & ~mesh.kept(edges))
        ends, across = edges.ends[inner], edges.opposite(mesh.triangles)[inner]
        points, valence = mesh.points_mm, np.bincount(edges.ends.ravel(), minlength=len(mesh.points_mm))
        a, b, c, d = (points.take(v, axis=0) for v in (*ends.T, *across.T))
        gain = -(_cosine(a - c, b - c) + _cosine(a - d, b - d))
        # A vertex of a free edge may keep two neighbours, any other needs three.
        fewest = np.full(len(points), 3)
        fewest[edges.ends[edges.boundary].ravel()] = 2
        rows = np.flatnonzero((gain > 1e-3) & every(valence[ends] > fewest[ends]))
        inner, ends, across, gain = inner[rows], ends[rows], across[rows], gain[rows]
        # Both new triangles face as the old ones did.
        left, right = mesh.triangles[edges.sides[inner]].transpose(1, 0, 2)
        old = unit(unit(face_vectors(points, left)) + unit(face_vectors(points, right)))
        # The left triangle runs along the edge from ``start`` to ``stop``: after it, (c, start, d) and (d, stop, c).
        _, after, _ = _turned(left, np.argmax(left == ends[:, :1], axis=1))
        forward = after == ends[:, 1]
        start, stop = np.where(forward, ends[:, 0], ends[:, 1]), np.where(forward, ends[:, 1], ends[:, 0])
        first = np.stack([across[:, 0], start, across[:, 1]], 1)
        second = np.stack([across[:, 1], stop, across[:, 0]], 1)
        wanted = np.ones(len(inner), bool)
        for new in (first, second):
            wanted &= dot(unit(face_vectors(points, new)), old) > TURN_FLIP
        # The new edge must not be there already.
        size = np.int64(len(points))
        key = np.minimum(*across.T) * size + np.maximum(*across.T)
        there = edges.ends[:, 0] * size + edges.ends[:, 1]
        wanted &= there[np.minimum(np.searchsorted(there, key), len(there) - 1)] != key
        rows = np.flatnonzero(wanted)
        if not len(rows):
            break
        rows = rows[np.argsort(-gain[rows], kind="stable")]
        rows = rows[np.sort(np.unique(key[rows], return_index=True)[1])]
        rows = rows[_first_of_each(edges.sides[inner[rows]], len(mesh.triangles))]
        triangles = mesh.triangles.copy()
        triangles[edges.sides[inner[rows], 0]] = first[rows]
        triangles[edges.sides[inner[rows], 1]] = second[rows]
        mesh = replace(mesh, triangles=triangles)
    return mesh


def relaxed(mesh: Mesh, search: SurfaceSearch, surface_target_mm: np.ndarray, rounds: int) -> Mesh:
    """Vertices moved along the surface towards the middle of their triangles, then put back onto it."""
    points, triangles = mesh.points_mm, mesh.triangles
    target = mesh.target_mm
    corners = triangles.ravel()
    for _ in range(rounds):
        normals = vertex_normals(points, triangles)
        corner = corners_of(points, triangles)
        face = cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        # Triangles count by their size relative to the wanted one, so that fine places are not pulled into coarse ones.
        weight = length(face) / mean(target[triangles] ** 2)
        middle = mean(corner)
        total = np.stack(
            [np.bincount(corners, np.repeat(weight * middle[:, k], 3), minlength=len(points)) for k in range(3)], 1
        )
        total /= np.maximum(np.bincount(corners, np.repeat(weight, 3), minlength=len(points)), 1e-30)[:, None]
        shift = total - points
        shift -= dot(shift, normals)[:, None] * normals
        moved = points + shift
        nearest = search(moved, normals)
        moved = nearest.points_mm
        target = search.values_at(nearest, surface_target_mm)
        fixed = slice(mesh.fixed_count)
        moved[fixed], target[fixed] = points[fixed], mesh.target_mm[fixed]
        points = _without_folds(points, moved, triangles)
    return replace(mesh, points_mm=points, target_mm=target)


def _without_folds(before: np.ndarray, after: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """``after``, with the vertices of triangles that turned over back where they were."""
    old = unit(face_vectors(before, triangles))
    for _ in range(5):
        turned = dot(unit(face_vectors(after, triangles)), old) < TURN_COLLAPSE
        if not turned.any():
            return after
        back = np.unique(triangles[turned])
        after[back] = before[back]
    return after


def _link_is_edge(edges: Edges, candidates: np.ndarray, count: int) -> np.ndarray:
    """True where the ends share exactly the two neighbours across the edge: only then the topology stays."""
    matrix = neighbours(edges, count)
    a, b = edges.ends[candidates].T
    common = (matrix[a] * matrix[b]).sum(1)
    return np.asarray(common).ravel() == 2


def _apart(triangles: np.ndarray, ends: np.ndarray, urgency: np.ndarray, count: int) -> np.ndarray:
    """Of candidate edges (k, 2) some (indices) of which no two touch the same triangle: those that come first, by
    ``urgency``, among all that touch a triangle at either of their ends, and the first of what these leave free."""
    none = len(urgency)
    rank = np.empty(none, np.int64)
    rank[np.argsort(urgency, kind="stable")] = np.arange(none)
    left, chosen = np.arange(none), []
    for _ in range(SWEEPS):
        lowest = np.full(count, none, np.int64)
        np.minimum.at(lowest, ends[left].ravel(), np.repeat(rank[left], 2))
        around = np.full(count, none, np.int64)
        np.minimum.at(around, triangles.ravel(), np.repeat(least(lowest[triangles]), 3))
        first = every(around[ends[left]] == rank[left, None])
        chosen.append(left[first])
        taken = np.zeros(count, bool)
        taken[ends[left[first]]] = True
        near = np.zeros(count, bool)
        near[triangles[some(taken[triangles])]] = True
        left = left[~some(near[ends[left]])]
        if not len(left):
            break
    return np.sort(np.concatenate(chosen))


def _collapse_is_sound(mesh: Mesh, edges: Edges, stays, goes, place) -> np.ndarray:
    """True for collapses that turn no triangle by more than 60 degrees and leave no edge too long."""
    number = np.full(len(mesh.points_mm), -1, np.int64)
    number[stays] = number[goes] = np.arange(len(stays))
    of = number[mesh.triangles]
    touched = np.flatnonzero(some(of >= 0))
    of, triangles = of[touched], mesh.triangles[touched]
    # Chosen collapses share no triangle, so a triangle's entries are all of one collapse; two of them: it goes away.
    which = of.max(1)
    remain = (of >= 0).sum(1) == 1
    which, triangles, of = which[remain], triangles[remain], of[remain]
    corners = corners_of(mesh.points_mm, triangles)
    old = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    corners = np.where((of >= 0)[:, :, None], place[which][:, None, :], corners)
    new = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    bad = dot(unit(old), unit(new)) < TURN_COLLAPSE
    target = mean(mesh.target_mm[triangles])
    moved = np.argmax(of >= 0, axis=1)
    row = np.arange(len(moved))
    for step in (1, 2):
        bad |= length(corners[row, moved] - corners[row, (moved + step) % 3]) > TOO_LONG * target
    sound = np.ones(len(stays), bool)
    sound[which[bad]] = False
    return sound


def _first_of_each(pairs: np.ndarray, count: int) -> np.ndarray:
    """Rows of ``pairs`` (k, 2), in order of urgency, that come first at both of their members."""
    rank = np.arange(len(pairs))
    lowest = np.full(count, len(pairs), np.int64)
    np.minimum.at(lowest, pairs.ravel(), np.repeat(rank, 2))
    return np.flatnonzero(every(lowest[pairs] == rank[:, None]))


def _turned(rows: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns of ``rows`` (k, 3), each row beginning at its ``first``."""
    index = (first[:, None] + np.arange(3)) % 3
    return tuple(np.take_along_axis(rows, index, axis=1).T)


def _cosine(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return dot(u, v) / np.maximum(length(u) * length(v), 1e-30)
