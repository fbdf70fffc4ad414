"""Fragments: which are joined, which are kept apart and which go."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree
from tree_samples import (
    FAT_HU,
    GRID,
    LEFT,
    LEFT_END,
    LEFT_FORK,
    LUMEN_HU,
    RIGHT,
    RIGHT_BEND,
    RIGHT_END,
    at,
    between,
    prediction_of,
    tube,
    tubes,
)

from CoronarySegLib.postprocessing import PostOptions, extract_trees, gather
from CoronarySegLib.postprocessing.reconnect import GapRule, find_bridge
from CoronarySegLib.volume import Volume

TIP = between(LEFT_FORK, LEFT_END, 0.6)


def broken_left(resume: float, gap_probability: float) -> np.ndarray:
    """Both trees; the left one stops at 0.6 of its last branch and goes on at ``resume``."""
    end = tube(between(LEFT_FORK, LEFT_END, resume), LEFT_END, 1.3)
    bridge = gap_probability * tube(TIP, between(LEFT_FORK, LEFT_END, resume), 1.0)
    whole = tubes((LEFT[0], (LEFT_FORK, TIP, 1.3), LEFT[2], *RIGHT))
    return np.maximum.reduce([whole, end, bridge])


def left_of(trees) -> np.ndarray:
    return trees.labels.array == 1


def pieces(mask: np.ndarray) -> int:
    return ndimage.label(mask)[1]


def test_a_fragment_beyond_a_short_bright_gap_is_joined():
    trees = extract_trees(prediction_of(broken_left(0.8, 0.28)), PostOptions(weak_threshold=None))
    assert trees.components_reconnected == 1
    assert pieces(left_of(trees)) == 1


def test_the_bridge_has_the_calibre_of_the_vessel():
    trees = extract_trees(prediction_of(broken_left(0.8, 0.28)), PostOptions(weak_threshold=None))
    middle = at(between(LEFT_FORK, LEFT_END, 0.7))
    box = tuple(slice(c - 5, c + 6) for c in middle)
    course = np.subtract(LEFT_END, LEFT_FORK) / np.linalg.norm(np.subtract(LEFT_END, LEFT_FORK))
    offset = (np.argwhere(left_of(trees)[box]) - 5)[:, ::-1] * 0.5
    slab = np.abs(offset @ course) < 1.0
    diameter = 2.0 * np.sqrt(slab.sum() * GRID.voxel_mm3 / 2.0 / np.pi)
    assert diameter == pytest.approx(2.6, abs=0.7)


def test_a_fragment_beyond_a_dark_gap_is_not_joined():
    trees = extract_trees(prediction_of(broken_left(0.8, 0.0)))
    assert trees.components_reconnected == 0


def test_a_gap_that_is_too_long_is_not_bridged():
    trees = extract_trees(
        prediction_of(broken_left(0.85, 0.28)), PostOptions(weak_threshold=None, maximum_gap_mm=2.0)
    )
    assert trees.components_reconnected == 0


def test_a_large_certain_fragment_that_cannot_be_joined_is_kept_and_said():
    trees = extract_trees(prediction_of(broken_left(0.8, 0.0)))
    assert trees.components_kept_apart == 1
    assert left_of(trees)[at(between(LEFT_FORK, LEFT_END, 0.9))]
    assert any("kept" in text for text in trees.warnings)


def test_what_is_held_for_a_branch_and_all_but_touches_the_tree_is_joined_though_the_gap_is_dark():
    field = broken_left(0.735, 0.0)
    assert pieces(field[:, :, 80:] >= 0.5) == 2
    trees = extract_trees(prediction_of(field))
    assert (trees.components_reconnected, trees.components_kept_apart) == (1, 0)
    assert pieces(left_of(trees)) == 1


@pytest.mark.parametrize(("seen", "reach_mm", "joined"), [(0.9, 4.0, True), (0.3, 4.0, False), (0.9, 2.0, False)])
def test_a_dark_gap_of_some_millimetres_is_bridged_in_the_middle_of_the_prior_alone(
    left, right, monkeypatch, seen, reach_mm, joined
):
    monkeypatch.setattr(gather, "SEEN_THROUGH_MM", reach_mm)
    trees = extract_trees(prediction_of(broken_left(0.78, 0.0), priors=(seen * left, right)))
    assert (trees.components_reconnected, trees.components_kept_apart) == (int(joined), int(not joined))
    assert pieces(left_of(trees)) == 1 + int(not joined)


def test_a_bridge_over_a_dark_gap_is_as_thin_as_the_thinner_side():
    wide, thin = tube((-20, 0, 0), (0, 0, 0), 2.0), tube((5, 0, 0), (20, 0, 0), 1.0)
    field = np.max([wide, thin, 0.3 * tube((0, 0, 0), (5, 0, 0), 1.0)], axis=0)
    tree, spacing = (wide >= 0.5).astype(np.uint8), np.full(3, 0.5)
    points, fragment = cKDTree(np.argwhere(tree) * spacing), np.argwhere(thin >= 0.5)
    sure, dark = (
        find_bridge(field, tree, 1, fragment, points, spacing, GapRule(8.0, least)).radius_mm for least in (0.15, None)
    )
    assert dark == pytest.approx(1.0, abs=0.3)
    assert sure > dark + 0.15


def test_a_dark_gap_is_left_open_when_nothing_is_to_be_joined():
    trees = extract_trees(prediction_of(broken_left(0.735, 0.0)), PostOptions(reconnect=False))
    assert (trees.components_reconnected, trees.components_kept_apart) == (0, 1)


def test_a_fragment_below_the_smallest_volume_is_dropped(both):
    speck = tube((5, 10, -20), (5, 11, -20), 0.8)
    trees = extract_trees(prediction_of(np.maximum(both, speck)))
    assert trees.components_dropped == 1
    assert trees.labels.array[at((5, 10, -20))] == 0


def test_a_fragment_far_from_both_trees_is_dropped(both):
    far = tube((0, 17, 12), (-10, 17, 16), 1.3)
    trees = extract_trees(prediction_of(np.maximum(both, far)), PostOptions(far_mm=10.0))
    assert (trees.components_dropped, trees.components_kept_apart) == (1, 0)


def test_a_lump_is_not_a_branch(both):
    lump = tube((5, 6, -10), (6, 6, -10), 5.5)
    trees = extract_trees(prediction_of(np.maximum(both, lump)))
    assert trees.labels.array[at((5, 6, -10))] == 0


def test_a_fragment_that_points_elsewhere_is_not_joined():
    across = np.cross(np.subtract(LEFT_END, LEFT_FORK), (0, 1, 0))
    across = across / np.linalg.norm(across)
    middle = np.asarray(between(LEFT_FORK, LEFT_END, 0.78))
    stray = tube(middle - 5 * across, middle + 5 * across, 1.0)
    gap = 0.28 * tube(TIP, middle, 1.0)
    whole = tubes((LEFT[0], (LEFT_FORK, TIP, 1.3), LEFT[2], *RIGHT))
    trees = extract_trees(
        prediction_of(np.maximum.reduce([whole, stray, gap])), PostOptions(weak_threshold=None)
    )
    assert trees.components_reconnected == 0


def test_reconnection_can_be_switched_off():
    trees = extract_trees(
        prediction_of(broken_left(0.8, 0.28)), PostOptions(weak_threshold=None, reconnect=False)
    )
    assert trees.components_reconnected == 0


def test_fragments_in_a_row_are_joined_one_after_the_other():
    shares = ((0.0, 0.5), (0.62, 0.75), (0.87, 1.0))
    bits = [tube(between(RIGHT_BEND, RIGHT_END, a), between(RIGHT_BEND, RIGHT_END, b), 1.4) for a, b in shares]
    thread = 0.28 * tube(RIGHT_BEND, RIGHT_END, 1.0)
    field = np.maximum.reduce([*bits, thread, tubes((*LEFT, RIGHT[0]))])
    trees = extract_trees(prediction_of(field), PostOptions(weak_threshold=None, minimum_fragment_mm3=5.0))
    assert trees.components_reconnected == 2
    assert pieces(trees.labels.array == 2) == 1


def test_a_branch_that_touches_only_at_a_corner_is_joined_face_to_face(both):
    field = both.copy()
    z, y, x = at(LEFT_END)
    edge = np.argwhere(field >= 0.5)
    corner = edge[np.argmin(edge[:, 0] - edge[:, 2] * 0.01)]
    z, y, x = corner + (-1, 1, 1)
    field[z - 6 : z + 1, y : y + 2, x : x + 2] = np.maximum(field[z - 6 : z + 1, y : y + 2, x : x + 2], 0.9)
    trees = extract_trees(prediction_of(field))
    assert max(pieces(trees.labels.array == side) for side in (1, 2)) == 1


@pytest.mark.parametrize(("length_mm", "kept"), [(54.0, True), (24.0, False)])
def test_where_the_prior_sees_nothing_only_a_very_long_piece_is_kept(left, right, length_mm, kept):
    piece = tube((-20, 12, -22), (-20 + length_mm, 12, -22), 0.8)
    trees = extract_trees(prediction_of(np.max([left, right, piece], axis=0), priors=(left, right)))
    assert trees.components_kept_apart == int(kept)
    assert (trees.labels.array[at((-10, 12, -22))] > 0) == kept


@pytest.mark.parametrize(("seen", "joined"), [(0.5, True), (0.0, False)])
def test_a_bridge_leads_to_a_short_thick_piece_only_where_the_prior_sees_something(left, right, seen, joined):
    start, end = between(LEFT_FORK, LEFT_END, 1.15), between(LEFT_FORK, LEFT_END, 1.5)
    piece, gap = tube(start, end, 1.5), 0.28 * tube(LEFT_END, start, 1.0)
    prediction = prediction_of(
        np.max([left, right, piece, gap], axis=0), priors=(np.maximum(left, seen * piece), right)
    )
    trees = extract_trees(prediction, PostOptions(weak_threshold=None))
    assert trees.components_reconnected == int(joined)
    assert (trees.labels.array[at(between(start, end, 0.5))] > 0) == joined


def test_what_hangs_on_a_piece_kept_so_is_joined_to_it(left, right):
    piece = tube((-30, 12, -22), (18, 12, -22), 0.8)
    beyond = tube((23, 12, -22), (33, 12, -22), 0.8)
    faint = 0.35 * tube((18, 12, -22), (23, 12, -22), 0.8)
    trees = extract_trees(
        prediction_of(np.max([left, right, piece, beyond, faint], axis=0), priors=(left, right)),
        PostOptions(weak_threshold=None),
    )
    assert trees.components_reconnected == 1
    assert trees.labels.array[at((28, 12, -22))] > 0


@pytest.mark.parametrize(("length_mm", "kept"), [(18.0, True), (1.0, False)])
def test_a_piece_apart_has_to_be_slender(left, right, length_mm, kept):
    piece = tube((8, 12, -20), (8 + length_mm, 12, -20), 1.7)
    seen = np.maximum(left, piece)
    trees = extract_trees(prediction_of(np.max([left, right, piece], axis=0), priors=(seen, right)))
    assert trees.components_kept_apart == int(kept)


@pytest.mark.parametrize(("around_hu", "kept"), [(LUMEN_HU, False), (60.0, True)])
def test_a_piece_apart_in_blood_is_a_bit_of_a_chamber(left, right, around_hu, kept):
    piece = tube((8, 12, -20), (26, 12, -20), 1.0)
    lumen = np.max([left, right, piece], axis=0)
    chamber = tube((8, 15, -20), (26, 15, -20), 3.0)
    ct = np.maximum(FAT_HU + (LUMEN_HU - FAT_HU) * lumen, FAT_HU + (around_hu - FAT_HU) * chamber)
    trees = extract_trees(prediction_of(lumen, priors=(np.maximum(left, piece), right), ct=ct))
    assert trees.components_kept_apart == int(kept)


@pytest.mark.parametrize(("vein", "kept"), [(0.5, False), (0.2, True)])
def test_a_piece_apart_that_may_well_be_a_vein_is_left_out(left, right, vein, kept):
    piece = tube((8, 12, -20), (26, 12, -20), 1.0)
    prediction = prediction_of(np.max([left, right, piece], axis=0), priors=(np.maximum(left, piece), right))
    prediction = replace(prediction, vein=Volume((vein * (piece > 0)).astype(np.float32), GRID))
    assert extract_trees(prediction).components_kept_apart == int(kept)
    assert extract_trees(prediction, PostOptions(exclude_veins=False)).components_kept_apart == 1


@pytest.mark.parametrize(("sureness", "kept"), [(0.75, False), (1.0, True)])
def test_a_piece_apart_of_which_the_network_is_not_sure_is_left_out(left, right, sureness, kept):
    piece = sureness * tube((8, 12, -20), (26, 12, -20), 1.2)
    trees = extract_trees(
        prediction_of(np.max([left, right, piece], axis=0), priors=(np.maximum(left, piece), right))
    )
    assert trees.components_kept_apart == int(kept)


@pytest.mark.parametrize(("brightness", "kept"), [(0.7, False), (0.95, True)])
def test_a_piece_apart_that_is_dimmer_than_the_trees_is_left_out(left, right, brightness, kept):
    piece = tube((8, 12, -20), (26, 12, -20), 1.0)
    ct = FAT_HU + (LUMEN_HU - FAT_HU) * np.max([left, right, brightness * piece], axis=0)
    lumen, prior = np.max([left, right, piece], axis=0), np.maximum(left, piece)
    assert extract_trees(prediction_of(lumen, priors=(prior, right), ct=ct)).components_kept_apart == int(kept)
    assert extract_trees(prediction_of(lumen, priors=(prior, right))).components_kept_apart == 1


@pytest.mark.parametrize(("radius_mm", "seen", "kept"), [(2.2, True, True), (2.2, False, False), (1.0, True, False)],
                         ids=["large and seen", "not seen", "small"])
def test_a_large_part_that_the_prior_sees_is_kept_however_far_it_lies(left, right, radius_mm, seen, kept):
    far = tube((-5, 17, -22), (15, 17, -22), radius_mm)
    prior = np.maximum(left, far) if seen else left
    prediction = prediction_of(np.max([left, right, far], axis=0), priors=(prior, right))
    trees = extract_trees(prediction, PostOptions(far_mm=5.0))
    assert trees.components_kept_apart == int(kept)
