"""Centrelines of vessels whose course and calibre are known."""

import numpy as np
import pytest
from agreement import area_error, farthest_truth_mm, mean_error_mm, radius_error
from shapes import (
    bent,
    bifurcating,
    coronary_like,
    grid_round,
    helix,
    mask_of,
    probability_of,
    stenosed,
    straight,
    tapered,
    with_twig,
)

from CoronarySegLib.centreline import CentrelineOptions, extract_centrelines
from CoronarySegLib.volume import Volume

STRAIGHT_GRID = {"spacing_xyz_mm": (0.35, 0.35, 0.4)}
TURNED_GRID = {"spacing_xyz_mm": (0.4, 0.4, 0.6), "angles_deg": (20.0, 0.0, 35.0)}
MIRRORED_GRID = {"spacing_xyz_mm": (0.4, 0.4, 0.6), "angles_deg": (70.0, 40.0, 10.0), "mirrored": True}
GRIDS = pytest.mark.parametrize("grid", [STRAIGHT_GRID, TURNED_GRID, MIRRORED_GRID], ids=["axis", "turned", "mirrored"])


def tree_of(shape, grid, **options):
    return extract_centrelines(mask_of(shape, grid_round(shape, **grid)), values={"left": 1}, **options)["left"]


@GRIDS
@pytest.mark.parametrize(
    "shape", [straight(3.0), straight(2.0), bent(3.0), helix(2.0), tapered(), stenosed()],
    ids=["3 mm", "2 mm", "bent", "helix", "tapered", "stenosed"],
)
def test_course_and_radius_of_one_vessel_are_right(shape, grid):
    tree = tree_of(shape, grid)
    assert len(tree.branches) == 1
    assert mean_error_mm(shape, tree) < 0.15
    assert radius_error(shape, tree) < 0.05
    assert area_error(shape.tubes[0], tree) < 0.06


@GRIDS
def test_a_vessel_of_a_millimetre_and_a_half_is_measured_to_a_twentieth_in_a_mask(grid):
    shape = bent(1.5)
    tree = tree_of(shape, grid)
    assert mean_error_mm(shape, tree) < 0.15
    assert radius_error(shape, tree) < 0.05


@GRIDS
def test_an_oval_vessel_has_the_radius_of_its_short_axis_and_its_whole_area(grid):
    # The shape only gives the grid: the mask is an elliptic cylinder of 4.0 x 2.4 mm.
    geometry = grid_round(straight(4.0), **grid)
    k, j, i = np.indices(geometry.shape_zyx)
    points = geometry.points_lps(np.stack([i, j, k], axis=-1))
    inside = (points[..., 0] / 2.0) ** 2 + (points[..., 1] / 1.2) ** 2 < 1.0
    inside &= (points[..., 2] > 0.0) & (points[..., 2] < 24.0)
    branch = extract_centrelines(Volume(inside.astype(np.uint8), geometry), values={"left": 1})["left"].branches[0]
    inner = slice(8, -8)
    assert branch.radius_mm[inner].mean() == pytest.approx(1.2, rel=0.06)
    assert np.nanmean(branch.area_mm2[inner]) == pytest.approx(np.pi * 2.0 * 1.2, rel=0.04)


@pytest.mark.parametrize("diameter_mm", [1.5, 2.0, 3.0])
def test_a_probability_makes_the_radius_finer_than_the_voxels(diameter_mm):
    shape = bent(diameter_mm)
    grid = grid_round(shape, **TURNED_GRID)
    tree = tree_of(shape, TURNED_GRID, probability=probability_of(shape, grid))
    assert radius_error(shape, tree) < 0.04


@GRIDS
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_the_smallest_lumen_is_right_to_a_tenth_or_a_third_of_a_voxel(share, grid):
    smallest_mm = 3.0 * (1.0 - share)
    branch = tree_of(stenosed(3.0, share), grid).branches[0]
    middle = np.abs(branch.arc_mm - 0.5 * branch.length_mm) < 6.0
    found_mm = 2.0 * branch.radius_mm[middle].min()
    allowed_mm = max(0.1 * smallest_mm, max(grid["spacing_xyz_mm"]) / 3.0)
    assert found_mm == pytest.approx(smallest_mm, abs=allowed_mm)


@GRIDS
def test_a_bifurcation_has_three_branches_that_meet_in_a_point(grid):
    shape = bifurcating()
    tree = tree_of(shape, grid)
    assert [branch.parent for branch in tree.branches] == [-1, 0, 0]
    for branch in tree.branches[1:]:
        np.testing.assert_array_equal(branch.points_lps_mm[0], tree.branches[0].points_lps_mm[-1])
    assert mean_error_mm(shape, tree) < 0.2
    assert radius_error(shape, tree) < 0.06


def test_sections_at_a_bifurcation_are_not_given_as_areas_of_one_vessel():
    shape = bifurcating(3.0, (3.0, 3.0), 90.0)
    tree = tree_of(shape, STRAIGHT_GRID)
    area = np.concatenate([branch.area_mm2 for branch in tree.branches])
    near = np.concatenate([np.linalg.norm(b.points_lps_mm, axis=1) < 1.0 for b in tree.branches])
    assert np.isnan(area[near]).mean() >= 0.6
    assert np.nanmax(area[~near]) < 1.35 * np.pi * 1.5**2


@pytest.mark.parametrize("grid", [{"spacing_xyz_mm": (0.5, 0.5, 0.5)}, TURNED_GRID], ids=["axis", "turned"])
def test_every_branch_of_a_coronary_tree_is_found_and_none_besides(grid):
    shape = coronary_like()
    tree = tree_of(shape, grid)
    assert len(tree.branches) == len(shape.tubes)
    assert len(tree.leaves) == len(shape.free_ends_lps_mm)
    assert farthest_truth_mm(shape, tree) < 1.5
    assert mean_error_mm(shape, tree) < 0.15
    assert radius_error(shape, tree) < 0.05
    assert np.linalg.norm(tree.ostium_lps_mm - shape.ostium_lps_mm) < 2.5


@pytest.mark.parametrize(("stands_out_mm", "branches"), [(2.0, 1), (6.0, 3)])
def test_a_row_of_single_voxels_is_a_branch_only_when_it_is_long(stands_out_mm, branches):
    mask = mask_of(straight(2.0), grid_round(straight(2.0), (0.5, 0.5, 0.5), margin_mm=9.0))
    x, y, z = np.rint(mask.geometry.index_of(np.array([0.0, 0.0, 12.0]))).astype(int)
    mask.array[z, y, x:x + round((1.0 + stands_out_mm) / 0.5)] = 1
    tree = extract_centrelines(mask, values={"left": 1})["left"]
    assert len(tree.branches) == branches


def test_a_twig_that_stands_up_from_the_trunk_is_no_ostium():
    shape = with_twig()
    assert np.linalg.norm(tree_of(shape, TURNED_GRID).ostium_lps_mm - shape.ostium_lps_mm) < 2.5


def test_points_lie_at_even_steps():
    branch = tree_of(helix(), TURNED_GRID, options=CentrelineOptions(step_mm=0.5)).branches[0]
    steps = np.diff(branch.arc_mm)
    assert steps.mean() == pytest.approx(0.5, rel=0.05)
    assert np.ptp(steps) < 0.05


def test_the_course_is_smooth():
    # The chord of 1 mm turns by 0.1 rad at most on a circle of 10 mm; a voxel staircase turns by half a radian.
    branch = tree_of(bent(2.0, 10.0), TURNED_GRID).branches[0]
    course = np.diff(branch.points_lps_mm[2:-2:2], axis=0)
    course /= np.linalg.norm(course, axis=1, keepdims=True)
    turn = np.arccos(np.clip((course[1:] * course[:-1]).sum(axis=1), -1.0, 1.0))
    assert turn.max() < 0.2


def test_a_given_ostium_is_where_the_tree_begins():
    shape = bent(3.0)
    mask = mask_of(shape, grid_round(shape, **STRAIGHT_GRID))
    for end in (shape.tubes[0].points_lps_mm[0], shape.tubes[0].points_lps_mm[-1]):
        tree = extract_centrelines(mask, values={"left": 1}, ostia_lps_mm={"left": end})["left"]
        assert np.linalg.norm(tree.ostium_lps_mm - end) < 2.0
