import numpy as np
import pytest
from opened_samples import surface_of, tube_tree

from CoronarySegLib.cfd import knots
from CoronarySegLib.cfd.intersections import self_intersections
from CoronarySegLib.cfd.knots import without_knots
from CoronarySegLib.cfd.remesh import remeshed
from CoronarySegLib.cfd.shape_quality import shapes_of, topology_of


@pytest.fixture(scope="module")
def tube():
    return remeshed(*surface_of(tube_tree(12.0), 0.3), 0.4)


def knotted(tube):
    """A wall with one vertex pulled through its neighbours, and a needle elsewhere."""
    points, triangles = np.array(tube[0]), tube[1]
    side = np.flatnonzero(np.abs(points[:, 2] - 6.0) < 2.0)
    folded, needle = side[0], side[np.argmax(np.linalg.norm(points[side] - points[side[0]], axis=1))]
    ring = np.setdiff1d(triangles[(triangles == folded).any(1)], [folded])
    points[folded] += 2.2 * (points[ring[0]] - points[folded])
    ring = np.setdiff1d(triangles[(triangles == needle).any(1)], [needle])
    points[needle] = points[ring[0]] + 0.02 * (points[needle] - points[ring[0]])
    return points, triangles


def test_a_fold_and_a_needle_are_cut_out_and_covered(tube):
    points, triangles = knotted(tube)
    before = shapes_of(points, triangles)
    assert before.fold_deg > 150.0
    assert before.aspect.largest > 6.0
    assert len(self_intersections(points, triangles))
    found, mesh, origin = without_knots(points, triangles, 0)
    after, topology = shapes_of(found, mesh), topology_of(found, mesh)
    assert after.fold_deg < 90.0
    assert after.aspect.largest < 6.0
    assert len(self_intersections(found, mesh)) == 0
    assert (topology.free_edges, topology.crowded_edges, topology.turned, topology.euler) == (0, 0, 0, 2)
    assert (found[origin >= 0] == points[origin[origin >= 0]]).all()
    assert len(points) - (origin >= 0).sum() < 40


def test_a_knot_that_went_with_the_one_beside_it_is_no_knot_any_more(tube, monkeypatch):
    points, triangles = knotted(tube)
    found = knots._knots(points, triangles, 0)
    monkeypatch.setattr(knots, "_knots", lambda *_: [*found, *found, np.concatenate(found)])
    points, triangles, _ = without_knots(points, triangles, 0)
    topology = topology_of(points, triangles)
    assert (topology.free_edges, topology.euler) == (0, 2)
    assert len(self_intersections(points, triangles)) == 0


def test_a_wall_without_knots_stays_as_it_is(tube):
    points, triangles, origin = without_knots(*tube, 0)
    assert (points == tube[0]).all()
    assert (triangles == tube[1]).all()
    assert (origin == np.arange(len(points))).all()


def test_fixed_vertices_and_edges_between_them_stay(tube):
    points, triangles = knotted(tube)
    fixed = len(points)
    found, mesh, _ = without_knots(points, triangles, fixed)
    assert (found == points).all()
    assert (mesh == triangles).all()


def test_remeshing_undoes_a_knot(tube):
    points, triangles = knotted(tube)
    found, mesh = remeshed(points, triangles, 0.4)
    shapes = shapes_of(found, mesh)
    assert shapes.aspect.largest < 6.0
    assert topology_of(found, mesh).euler == 2
