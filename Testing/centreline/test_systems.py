"""Which voxels are one coronary system, and what cannot be one."""

import numpy as np
import pytest
from agreement import farthest_truth_mm
from shapes import Shape, grid_round, mask_of, straight, touching_branches, tube, two_systems

from CoronarySegLib.centreline import extract_centrelines
from CoronarySegLib.errors import EmptyResultError, InputError
from CoronarySegLib.volume import Geometry, Volume

GRID = Geometry((40, 40, 40), (0.5, 0.5, 0.5))
COARSE = (0.5, 0.5, 0.6)


def volume(array=None):
    return Volume(np.zeros(GRID.shape_zyx, np.uint8) if array is None else array.astype(np.uint8), GRID)


def ball(radius_voxels):
    return volume(np.square(np.indices(GRID.shape_zyx) - 20).sum(axis=0) < radius_voxels**2)


def test_an_empty_mask_is_named():
    with pytest.raises(EmptyResultError, match="no coronary artery"):
        extract_centrelines(volume())


def test_one_voxel_is_named():
    mask = volume()
    mask.array[20, 20, 20] = 1
    with pytest.raises(EmptyResultError, match="few voxels"):
        extract_centrelines(mask)


def test_a_label_without_voxels_is_said_on_the_tree_that_is_there():
    mask = mask_of(straight(3.0, 20.0), grid_round(straight(3.0, 20.0)))
    (tree,) = extract_centrelines(mask, values={"left": 1, "right": 2}).values()
    assert any("label 2 (right)" in text and "missing" in text for text in tree.warnings)


def test_a_label_on_too_short_a_piece_is_said_on_the_tree_that_is_there():
    whole = straight(3.0, 20.0)
    stump = Shape((tube([[8, 0, 10], [8, 0, 9]], 0.8),))
    grid = grid_round(whole.joined(stump), COARSE)
    mask = mask_of(whole, grid)
    mask.array[mask_of(stump, grid).array > 0] = 2
    (tree,) = extract_centrelines(mask).values()
    assert any("labelled right" in text for text in tree.warnings)


def test_a_mask_in_metres_is_named():
    shape = straight(3.0, 20.0)
    mask = mask_of(shape, grid_round(shape))
    grid = Geometry(mask.geometry.shape_zyx, (0.0004, 0.0004, 0.0004))
    with pytest.raises(EmptyResultError, match="in mm"):
        extract_centrelines(Volume(mask.array, grid))


@pytest.mark.parametrize("mask", [ball(18), volume(np.ones(GRID.shape_zyx))], ids=["chamber", "everything"])
def test_a_chamber_is_refused_with_its_place(mask):
    with pytest.raises(InputError, match=r"mm wide at LPS \(10, 10, 10\)"):
        extract_centrelines(mask)


def test_a_probability_that_does_not_fit_is_refused():
    shape = straight(3.0, 20.0)
    mask = mask_of(shape, grid_round(shape))
    with pytest.raises(InputError, match="different grids"):
        extract_centrelines(mask, probability=volume())
    with pytest.raises(InputError, match="no numbers"):
        extract_centrelines(mask, probability=mask.with_array(np.full(mask.array.shape, np.nan)))


def test_an_ostium_far_away_is_refused():
    shape = straight(3.0, 20.0)
    mask = mask_of(shape, grid_round(shape))
    with pytest.raises(InputError, match="mm away"):
        extract_centrelines(mask, values={"left": 1}, ostia_lps_mm={"left": np.array([90.0, 0.0, 0.0])})


def test_a_vessel_that_reaches_the_border_is_followed_to_it_and_named():
    mask = volume()
    mask.array[:, 18:23, 18:23] = 1
    (tree,) = extract_centrelines(mask).values()
    assert tree.length_mm > 17.0
    assert any("border" in text for text in tree.warnings)


def test_a_sheet_gives_a_tree_and_no_defect():
    mask = volume()
    mask.array[5:35, 5:35, 20] = 1
    (tree,) = extract_centrelines(mask).values()
    assert np.isfinite(tree.length_mm)


def test_two_trees_in_one_binary_mask_become_left_and_right():
    shape = two_systems()
    trees = extract_centrelines(mask_of(shape, grid_round(shape, COARSE, (30.0, 50.0, 20.0), mirrored=True)))
    assert set(trees) == {"left", "right"}
    assert trees["left"].side == "left"
    assert trees["left"].ostium_lps_mm[0] > trees["right"].ostium_lps_mm[0]
    assert (len(trees["left"].leaves), len(trees["right"].leaves)) == (5, 1)


def test_a_label_volume_gives_one_tree_per_label():
    left, right = straight(3.0, 20.0), straight(2.5, 20.0).moved([12.0, 0.0, 0.0])
    grid = grid_round(left.joined(right), COARSE)
    labels = mask_of(left, grid).array + 2 * mask_of(right, grid).array
    trees = extract_centrelines(Volume(labels, grid))
    assert trees["left"].ostium_lps_mm[0] < 3.0 < trees["right"].ostium_lps_mm[0]


def test_two_trees_joined_by_a_leak_are_parted_there():
    first = tube([[0, 0, 40], [8, 2, 25], [0, 0, 8]], [2.0, 1.6, 1.0])
    second = tube([[-24, 0, 40], [-32, 2, 25], [-24, 0, 8]], [1.8, 1.5, 0.9])
    leak = tube([first.points_lps_mm[-1], [-12, 0, 5], second.points_lps_mm[-1]], 0.7)
    shape = Shape((first, second, leak))
    trees = extract_centrelines(mask_of(shape, grid_round(shape, COARSE)))
    assert set(trees) == {"left", "right"}
    assert all(any("separated" in text for text in tree.warnings) for tree in trees.values())
    for tree, ostium in ((trees["left"], first.points_lps_mm[0]), (trees["right"], second.points_lps_mm[0])):
        assert np.linalg.norm(tree.ostium_lps_mm - ostium) < 2.5


@pytest.mark.parametrize(
    "grid", [{"spacing_xyz_mm": (0.35, 0.35, 0.4)}, {"spacing_xyz_mm": (0.5, 0.5, 0.5)},
             {"spacing_xyz_mm": (0.4, 0.4, 0.6), "angles_deg": (70.0, 40.0, 10.0)}], ids=["fine", "coarse", "turned"],
)
def test_branches_that_touch_are_opened_at_the_contact(grid):
    shape = touching_branches()
    tree = extract_centrelines(mask_of(shape, grid_round(shape, **grid)), values={"left": 1})["left"]
    assert [branch.parent for branch in tree.branches] == [-1, 0, 0]
    assert np.linalg.norm(tree.branches[0].points_lps_mm[-1] - [0, 0, 0]) < 1.5
    assert farthest_truth_mm(shape, tree) < 1.5
    assert any("closed a loop" in text for text in tree.warnings)


def test_a_loop_is_opened_where_the_probability_is_low():
    # Two equal arcs between the same ends: only the probability says where the ring has to be opened.
    trunk = tube([[0, 0, 12], [0, 0, 0]], 1.5)
    sides = [tube([[0, 0, 0], [s * 8, 0, -8], [0, 0, -16]], 1.1, 0) for s in (1.0, -1.0)]
    shape = Shape((trunk, *sides, tube([[0, 0, -16], [0, 0, -26]], 1.1, 1)))
    mask = mask_of(shape, grid_round(shape, COARSE))
    points = mask.geometry.points_lps(np.argwhere(mask.array)[:, ::-1])
    doubtful = np.linalg.norm(points - [-7.0, 0.0, -11.0], axis=1) < 2.0
    probability = mask.array.astype(np.float32)
    probability[tuple(np.argwhere(mask.array)[doubtful].T)] = 0.55
    tree = extract_centrelines(mask, values={"left": 1}, probability=mask.with_array(probability))["left"]
    longest = max(tree.leaves, key=lambda leaf: tree.curve(tree.path_from_ostium(leaf)).length_mm)
    way = tree.curve(tree.path_from_ostium(longest)).points_lps_mm
    assert way[:, 2].min() < -22.0
    assert way[:, 0].max() > 6.0
    assert any("closed a loop" in text for text in tree.warnings)


def gapped(gap_mm):
    shape = straight(2.4, 40.0)
    mask = mask_of(shape, grid_round(shape, (0.4, 0.4, 0.4)))
    z = mask.geometry.points_lps(np.argwhere(mask.array)[:, ::-1])[:, 2]
    mask.array[tuple(np.argwhere(mask.array)[np.abs(z - 15.0) < 0.5 * gap_mm].T)] = 0
    return mask


def test_a_short_gap_is_bridged_and_named():
    tree = extract_centrelines(gapped(2.0), values={"left": 1})["left"]
    assert tree.length_mm == pytest.approx(40.0, abs=2.5)
    assert any("gap" in text for text in tree.branches[0].warnings)
    assert np.isfinite(tree.branches[0].radius_mm).all()


def test_a_fragment_far_away_is_left_out_and_named():
    tree = extract_centrelines(gapped(7.0), values={"left": 1})["left"]
    assert tree.length_mm < 25.0
    assert any("left out" in text for text in tree.warnings)


def test_a_broken_vessel_in_an_unsided_mask_is_one_system():
    assert len(extract_centrelines(gapped(2.0))) == 1
