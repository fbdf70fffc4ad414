"""Self-intersections: found where they are, and only there; mended, or refused with their place."""

from __future__ import annotations

import numpy as np
import pytest
import shapes
from lumens import truth_tree

from CoronarySegLib.cfd.intersections import self_intersections, without_self_intersections
from CoronarySegLib.cfd.loft import lofted
from CoronarySegLib.cfd.shape_quality import topology_of
from CoronarySegLib.errors import SurfaceError

AWAY = np.array([120.0, -230.0, 45.0])
"""Patients do not lie at the origin."""


def pairs_of(points, triangles=((0, 1, 2), (3, 4, 5))):
    return self_intersections(np.array(points, float) + AWAY, np.array(triangles)).tolist()


FLOOR = [[0, 0, 0], [2, 0, 0], [0, 2, 0]]


@pytest.mark.parametrize(("name", "other", "cut"), [
    ("through the middle", [[0.5, 0.5, -1], [0.5, 0.5, 1], [3, 3, 0]], True),
    ("above", [[0, 0, 1e-6], [2, 0, 1e-6], [0, 2, 1e-6]], False),
    ("a corner on the face", [[0.5, 0.5, 0], [0, 0, 1], [1, 1, 1]], True),
    ("an edge across an edge", [[1, -1, 0], [1, 1, 0], [1, 0, 5]], True),
    ("beside, planes crossing", [[3, 3, -1], [3, 3, 1], [4, 4, 0]], False),
    ("in the plane, over it", [[0.2, 0.2, 0], [3, 0.2, 0], [0.2, 3, 0]], True),
    ("in the plane, inside of it", [[0.2, 0.2, 0], [0.4, 0.2, 0], [0.2, 0.4, 0]], True),
    ("in the plane, beside it", [[3, 0, 0], [5, 0, 0], [3, 2, 0]], False),
])
def test_two_triangles_apart(name, other, cut):
    assert pairs_of(FLOOR + other) == ([[0, 1]] if cut else []), name


@pytest.mark.parametrize(("name", "two", "cut"), [
    ("standing on it", [[0, 0, 1], [-1, -1, 1]], False),
    ("through it", [[1, 1, -0.5], [0.6, 0.6, 1]], True),
    ("in the plane, away from it", [[-1, 0, 0], [0, -1, 0]], False),
    ("in the plane, over it", [[1, 0.5, 0], [0.5, 1, 0]], True),
])
def test_two_triangles_at_a_corner(name, two, cut):
    assert pairs_of(FLOOR + two, ((0, 1, 2), (0, 3, 4))) == ([[0, 1]] if cut else []), name


@pytest.mark.parametrize(("name", "third", "cut"), [
    ("folded open", [1, -1, 0.5], False), ("a right angle", [1, 0, 1], False), ("folded shut", [0.5, 1, 0], True),
])
def test_two_triangles_at_an_edge(name, third, cut):
    assert pairs_of([*FLOOR, third], ((0, 1, 2), (1, 0, 3))) == ([[0, 1]] if cut else []), name


def test_random_triangles_agree_with_a_search_for_a_common_point():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(3 * 60, 3))
    triangles = np.arange(3 * 60).reshape(-1, 3)
    found = {tuple(pair) for pair in self_intersections(points, triangles)}
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 41), np.linspace(0, 1, 41)), -1).reshape(-1, 2)
    grid = grid[grid.sum(1) <= 1.0]
    weights = np.c_[1.0 - grid.sum(1), grid]
    checked = 0
    for a in range(60):
        corners = points[triangles[a]]
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        for b in range(a + 1, 60):
            # Points of b on both sides of a's plane, the nearest of them to it well inside or well outside of a.
            cloud = weights @ points[triangles[b]]
            height = (cloud - corners[0]) @ normal / np.linalg.norm(normal)
            near = cloud[np.abs(height) < 0.03]
            own = np.linalg.lstsq(np.c_[corners[1] - corners[0], corners[2] - corners[0]], (near - corners[0]).T)[0]
            depth = np.minimum(own.min(0), 1.0 - own.sum(0)) if len(near) else np.array([-1.0])
            if not -0.15 < depth.max() < 0.15 and (height.min() < -0.1 < 0.1 < height.max()):
                checked += 1
                assert ((a, b) in found) == (depth.max() > 0), (a, b)
    assert checked > 200


def test_a_clean_vessel_has_none():
    assert len(self_intersections(*lofted(truth_tree(shapes.bifurcating()), spacing_mm=0.4))) == 0


def touching_tubes(overlap_mm: float):
    """Two closed tubes side by side as one surface; walls run through each other by ``overlap_mm``."""
    points, triangles = lofted(truth_tree(shapes.straight(2.0, 8.0)), spacing_mm=0.3)
    other = points + np.array([2.0 - overlap_mm, 0.03, 0.05])
    return np.concatenate([points, other]) + AWAY, np.concatenate([triangles, triangles + len(points)])


def test_walls_that_run_into_each_other_step_back():
    points, triangles = touching_tubes(0.05)
    mended = without_self_intersections(points, triangles)
    assert mended.pairs > 0
    assert len(self_intersections(mended.points_mm, mended.triangles)) == 0
    assert mended.largest_shift_mm < 0.3
    before, after = topology_of(points, triangles), topology_of(mended.points_mm, mended.triangles)
    assert after.volume_mm3 == pytest.approx(before.volume_mm3, rel=0.02)
    assert after.euler == before.euler


def test_what_cannot_be_mended_is_refused_with_its_place():
    points, triangles = touching_tubes(0.05)
    with pytest.raises(SurfaceError, match=r"cuts through itself.*LPS 12\d\.\d, -2\d\d\.\d"):
        without_self_intersections(points, triangles, fixed_points=np.arange(len(points)))
