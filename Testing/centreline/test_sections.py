"""Cross-sections at given points, without the extraction round them."""

import numpy as np
import pytest
from shapes import grid_round, probability_of, straight

from CoronarySegLib.centreline.nodes import NodeTree
from CoronarySegLib.centreline.sections import measured_sections


def line(start, end, step_mm=0.4):
    count = round(float(np.linalg.norm(np.subtract(end, start))) / step_mm) + 1
    return np.linspace(start, end, count)


def nodes_of(trunk, side=None, leaving=10):
    points = trunk if side is None else np.concatenate([trunk, side])
    parent = np.arange(len(points)) - 1
    if side is not None:
        parent[len(trunk)] = leaving
    return NodeTree(points, parent, np.full(len(points), 1.0))


@pytest.fixture(scope="module")
def field():
    shape = straight(3.0, 24.0)
    return probability_of(shape, grid_round(shape, (0.4, 0.4, 0.4), margin_mm=8.0))


def test_a_point_off_the_axis_is_told_where_the_axis_is(field):
    trunk = line([0.4, -0.2, 20], [0.4, -0.2, 4])
    sections = measured_sections(nodes_of(trunk), field, 0.5)
    np.testing.assert_allclose(sections.centre_lps_mm[5:-5, :2], 0.0, atol=0.1)


def test_the_largest_sphere_fits_inside(field):
    sections = measured_sections(nodes_of(line([0, 0, 20], [0, 0, 4])), field, 0.5)
    np.testing.assert_allclose(sections.radius_mm, 1.5, rtol=0.04)
    np.testing.assert_allclose(sections.area_mm2, np.pi * 1.5**2, rtol=0.04)


def test_a_branch_outside_of_the_lumen_has_no_radius_and_keeps_its_place(field):
    side = line([4.0, 0, 16], [4.0, 0, 12])
    nodes = nodes_of(line([0, 0, 20], [0, 0, 4]), side)
    sections = measured_sections(nodes, field, 0.5)
    beyond = slice(-len(side) + 3, None)
    assert np.isnan(sections.area_mm2[beyond]).all()
    assert (sections.trust[beyond] == 0.0).all()
    assert np.isfinite(sections.centre_lps_mm).all()


def test_a_stenosis_between_points_is_not_filled_up(field):
    narrow = field.with_array(field.array.copy())
    index = np.argwhere(narrow.array > 0)
    points = field.geometry.points_lps(index[:, ::-1])
    # A ring-shaped plaque: 1.6 mm of lumen left over 3 mm.
    plaque = (np.abs(points[:, 2] - 12.0) < 1.5) & (np.linalg.norm(points[:, :2], axis=1) > 0.8)
    narrow.array[tuple(index[plaque].T)] = 0.0
    sections = measured_sections(nodes_of(line([0, 0, 20], [0, 0, 4])), narrow, 0.5)
    assert sections.radius_mm.min() == pytest.approx(0.8, abs=0.12)
    assert sections.radius_mm.max() == pytest.approx(1.5, rel=0.04)
