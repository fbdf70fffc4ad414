"""Remeshing: even triangles of the asked size, and nothing else changed."""

from __future__ import annotations

import numpy as np
import pytest
import shapes
from lumens import truth_tree

from CoronarySegLib.cfd.edges import edges_of
from CoronarySegLib.cfd.loft import lofted
from CoronarySegLib.cfd.remesh import length_along, remeshed
from CoronarySegLib.cfd.remesh_steps import Mesh, flipped
from CoronarySegLib.cfd.shape_quality import shapes_of, topology_of
from CoronarySegLib.errors import SurfaceError
from CoronarySegLib.reconstruction.mesh import compacted, volume_and_area


@pytest.fixture(scope="module")
def tree():
    return truth_tree(shapes.bifurcating(3.0, (2.4, 1.6), trunk_mm=6.0, length_mm=8.0))


@pytest.fixture(scope="module")
def closed(tree):
    return lofted(tree, spacing_mm=0.3)


@pytest.fixture(scope="module")
def done(closed, tree):
    return remeshed(*closed, length_along(tree))


def test_topology_and_volume_stay(closed, done):
    before, after = topology_of(*closed), topology_of(*done)
    assert (after.closed, after.manifold, after.turned) == (True, True, 0)
    assert (after.components, after.euler) == (before.components, before.euler)
    assert after.volume_mm3 == pytest.approx(before.volume_mm3, rel=0.003)


def test_triangles_become_even(done):
    found = shapes_of(*done)
    assert found.angle_deg.smallest > 20.0
    assert found.angle_deg.median > 45.0
    assert found.aspect.largest < 3.0


def test_edges_follow_the_radius(done, tree):
    points, triangles = done
    edges = edges_of(triangles, len(points))
    ends = points[edges.ends].mean(1)
    wide = edges.lengths_mm(points)[(ends[:, 2] > 3.0) & (ends[:, 2] < 5.0)]
    thin = edges.lengths_mm(points)[(ends[:, 0] < -3.0) & (ends[:, 2] < -3.0)]
    assert np.median(wide) == pytest.approx(0.3 * 1.5, rel=0.15)
    assert np.median(thin) == pytest.approx(0.3 * 0.8, rel=0.15)


def test_a_budget_is_kept(closed, tree):
    _, triangles = remeshed(*closed, length_along(tree), triangle_budget=1500)
    assert 1000 < len(triangles) < 1700


def test_a_free_rim_stays_where_it_is(closed):
    points, triangles = closed
    below = points[triangles][:, :, 2].max(1) < 3.0
    points, triangles = compacted(points, triangles[below])
    edges = edges_of(triangles, len(points))
    rim = np.unique(edges.ends[edges.boundary])
    new_points, new_triangles = remeshed(points, triangles, 0.4)
    assert np.array_equal(new_points[: len(rim)], points[rim])
    after = edges_of(new_triangles, len(new_points))
    assert set(map(tuple, after.ends[after.boundary])) == {
        tuple(sorted(np.searchsorted(rim, pair))) for pair in edges.ends[edges.boundary]
    }


def test_marked_edges_stay_as_they_are(closed):
    points, triangles = closed
    edges = edges_of(triangles, len(points))
    marked = edges.ends[(points[edges.ends][:, :, 2] > 5.5).all(1)]
    kept = np.unique(marked)
    new_points, new_triangles = remeshed(points, triangles, 0.5, feature_edges=marked)
    assert np.array_equal(new_points[: len(kept)], points[kept])
    after = {tuple(pair) for pair in edges_of(new_triangles, len(new_points)).ends}
    assert {tuple(pair) for pair in np.searchsorted(kept, marked)} <= after


def test_a_surface_that_is_not_manifold_is_refused_with_its_place(closed):
    points, triangles = closed
    fin = np.array([[triangles[0, 0], triangles[0, 1], len(points)]])
    points = np.concatenate([points, points[:1] + 1.0])
    with pytest.raises(SurfaceError, match=r"not manifold.*LPS"):
        remeshed(points, np.concatenate([triangles, fin]), 0.4)


def test_a_length_for_every_point_is_needed(closed):
    with pytest.raises(ValueError, match="one length"):
        remeshed(*closed, np.ones(3))


def test_the_same_surface_gives_the_same_triangles(closed, done, tree):
    again = remeshed(*closed, length_along(tree))
    assert np.array_equal(again[0], done[0])
    assert volume_and_area(*again) == volume_and_area(*done)


def test_an_ear_on_a_free_edge_is_turned_into_the_wall():
    """Three neighbours of a rim in one flat triangle: turned, its outer ends keep two neighbours each."""
    points = np.array([[0.0, 0.0, 0.0], [1.0, -0.02, 0.0], [2.0, 0.0, 0.0], [1.0, 1.5, 0.0]])
    mesh = flipped(Mesh(points, np.array([[0, 1, 2], [0, 2, 3]]), np.ones(4), 4))
    assert sorted(sorted(t) for t in mesh.triangles.tolist()) == [[0, 1, 3], [1, 2, 3]]
    assert shapes_of(points, mesh.triangles).aspect.largest < 2.0
