"""Open-ended walls that run into each other made one wall: a coronary and the aorta it leaves.

Each part is closed by its lids, the solids are united, and the lids are taken off again. The union is exact and comes
back as a manifold whatever the triangles at the seam are like; those are evened out when the wall is meshed anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..errors import MissingPackageError, SurfaceError
from ..reconstruction.mesh import compacted
from .caps import capped
from .cuts import Cut
from .ends import OpenedSurface, with_wall


def united(parts: Sequence[OpenedSurface], order: Sequence[Cut]) -> OpenedSurface:
    """The wall round everything that is inside any of ``parts``, with all their openings, in the ``order`` of cuts.

    Raises MissingPackageError without manifold3d, SurfaceError for parts that do not come out in one piece or when an
    opening of one lies inside another.
    """
    manifold = _package()
    solids, lids = [], {}
    for part in parts:
        model = capped(part)
        number = manifold.Manifold.reserve_ids(1)
        lids[number] = model.patch > 0
        solids.append(_solid(manifold, model.points_lps_mm, model.triangles, number))
    whole = manifold.Manifold.batch_boolean(solids, manifold.OpType.Add)
    if len(whole.decompose()) != 1:
        raise SurfaceError(
            "A coronary tree does not reach the aorta, so that there is no one lumen. Draw the missing millimetres of "
            "the ostium, or export without the aorta."
        )
    mesh = whole.to_mesh64()
    points = np.asarray(mesh.vert_properties, float)[:, :3]
    triangles = _merged(mesh, len(points))[np.asarray(mesh.tri_verts, np.int64)]
    wall = triangles[~_of_lids(mesh, lids)]
    return with_wall(_side_by_side(parts, order), *compacted(points, wall))


def coned(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and triangles with a cone over each hole, about the middle of its rim: closed for sums over it."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    key = np.sort(edges, axis=1) @ np.array([len(points), 1])
    _, first, count = np.unique(key, return_index=True, return_counts=True)
    free = edges[first[count == 1]]
    if not len(free):
        return points, triangles
    vertices, ends = np.unique(free, return_inverse=True)
    ends = ends.reshape(-1, 2)
    graph = coo_array((np.ones(len(free), np.int8), tuple(ends.T)), shape=(len(vertices),) * 2)
    holes, hole = connected_components(graph, directed=False)
    size = np.bincount(hole, minlength=holes)
    tips = np.stack([np.bincount(hole, points[vertices, k], minlength=holes) / size for k in range(3)], axis=1)
    covers = np.stack([free[:, 1], free[:, 0], len(points) + hole[ends[:, 0]]], axis=1)
    return np.concatenate([points, tips]), np.concatenate([triangles, covers])


def _package():
    try:
        import manifold3d
    except ImportError as error:
        raise MissingPackageError(
            "Joining coronaries and aorta needs the package manifold3d. Install it (pip install manifold3d), or export "
            "without the aorta."
        ) from error
    return manifold3d


def _solid(manifold, points: np.ndarray, triangles: np.ndarray, number: int):
    # A face of its own for each triangle: nothing flat is simplified, and each piece knows where it came from.
    solid = manifold.Manifold(manifold.Mesh64(
        np.ascontiguousarray(points, np.float64), np.ascontiguousarray(triangles, np.uint64),
        run_index=np.array([0, 3 * len(triangles)], np.uint64), run_original_id=np.array([number], np.uint32),
        face_id=np.arange(len(triangles), dtype=np.uint64),
    ))
    if solid.status() != manifold.Error.NoError:
        raise SurfaceError(f"The surface of one part is not fit to be joined to the aorta ({solid.status().name}).")
    return solid


def _merged(mesh, count: int) -> np.ndarray:
    """For each vertex (n,) the one that stands for it: seams of the parts carry vertices twice."""
    number = np.arange(count)
    number[np.asarray(mesh.merge_from_vert, np.int64)] = np.asarray(mesh.merge_to_vert, np.int64)
    return number


def _of_lids(mesh, lids: dict[int, np.ndarray]) -> np.ndarray:
    """Which triangles (m,) come from a lid of their part."""
    of_lid = np.zeros(len(mesh.tri_verts), bool)
    bounds = np.asarray(mesh.run_index, np.int64) // 3
    faces = np.asarray(mesh.face_id, np.int64)
    for number, begin, end in zip(mesh.run_original_id, bounds[:-1], bounds[1:], strict=True):
        of_lid[begin:end] = lids[int(number)][faces[begin:end]]
    return of_lid


def _side_by_side(parts: Sequence[OpenedSurface], order: Sequence[Cut]) -> OpenedSurface:
    """All parts as one set of points and triangles: where their rims are, before they are one."""
    points, triangles, rims, start = [], [], {}, 0
    for part in parts:
        rims |= {cut.name: rim + start for cut, rim in zip(part.cuts, part.rims, strict=True)}
        points.append(part.points_lps_mm)
        triangles.append(part.triangles + start)
        start += len(part.points_lps_mm)
    made = {cut.name: cut for part in parts for cut in part.cuts}
    cuts = tuple(made[cut.name] for cut in order if cut.name in made)
    return OpenedSurface(
        np.concatenate(points), np.concatenate(triangles), tuple(rims[cut.name] for cut in cuts), cuts,
        (0.0,) * len(cuts), tuple(text for part in parts for text in part.skipped),
    )
