"""Centrelines and diameters of vessels whose width is known, finer than a pixel; loops, spurs and crossings."""

import numpy as np
import pytest
from helpers.angiograms import curved_tube

from CoronarySegLib.angiogram import AngiogramImage
from CoronarySegLib.angiogram.measurement import measure_frame, vessel_trees


def image_of(mask, spacing_mm=None):
    return AngiogramImage(np.where(mask, 0.3, 0.7).astype(np.float32), spacing_mm)


def widths_of(measured):
    profile = measured.systems["tree 1"].vessels[0].profile
    inner = ~profile.free_end & ~profile.junction
    return profile.inscribed_diameter_mm[inner] / measured.per_unit


@pytest.mark.parametrize("width", [3.0, 4.0, 6.0, 9.0, 14.0])
def test_widths_from_a_probability_are_right_to_a_tenth_of_a_pixel(width):
    likely = curved_tube(width)
    found = widths_of(measure_frame(image_of(likely > 0.5), likely > 0.5, likely))
    assert abs(found.mean() - width) < 0.05
    assert np.quantile(np.abs(found - width), 0.95) < 0.15


@pytest.mark.parametrize("width", [3.0, 6.0, 14.0])
def test_widths_from_a_mask_alone_are_right_to_half_a_pixel(width):
    mask = curved_tube(width) > 0.5
    found = widths_of(measure_frame(image_of(mask), mask))
    assert abs(found.mean() - width) < 0.25
    assert np.quantile(np.abs(found - width), 0.95) < 0.6


def test_with_a_scale_diameters_are_in_mm_and_else_in_pixels():
    likely = curved_tube(8.0)
    mask = likely > 0.5
    in_mm = measure_frame(image_of(mask, 0.25), mask, likely)
    in_px = measure_frame(image_of(mask), mask, likely)
    assert (in_mm.unit, in_px.unit) == ("mm", "px")
    assert widths_of(in_mm).mean() == pytest.approx(2.0, abs=0.02)
    assert widths_of(in_px).mean() == pytest.approx(8.0, abs=0.05)


@pytest.mark.parametrize("depth", [0.4, 0.6, 0.75])
def test_a_stenosis_is_found_with_its_depth(depth):
    likely = curved_tube(12.0, stenosis=depth)
    measured = measure_frame(image_of(likely > 0.5, 0.3), likely > 0.5, likely)
    found = [s for s in measured.systems["tree 1"].stenoses if s.evaluable]
    assert len(found) == 1
    assert found[0].diameter_percent == pytest.approx(100 * depth, abs=4.0)
    assert found[0].minimal_diameter_mm == pytest.approx(12.0 * (1 - depth) * 0.3, abs=0.1)
    _, x = measured.pixels([found[0].position_lps_mm])[0]
    assert x == pytest.approx(128, abs=8)


def test_a_healthy_vessel_has_no_stenosis():
    likely = curved_tube(8.0)
    measured = measure_frame(image_of(likely > 0.5, 0.3), likely > 0.5, likely)
    assert not [s for s in measured.systems["tree 1"].stenoses if s.evaluable]


def test_a_fork_is_rooted_at_its_widest_end():
    y, x = np.mgrid[:200, :200]
    mask = (np.abs(y - 100) < 7) & (x > 10) & (x < 80)
    for slope in (0.6, -0.6):
        mask |= (np.abs(y - 100 - slope * (x - 75)) < 4) & (x >= 75) & (x < 180)
    (tree,) = vessel_trees(mask)
    assert tree.points_lps_mm[0][0] < 25
    assert len(tree.branches()) == 3


def test_bumps_of_the_wall_are_no_branches():
    y, x = np.mgrid[:200, :200]
    mask = (np.abs(y - 100) < 8) & (x > 10) & (x < 190)
    for at in (50, 90, 140):
        mask |= np.hypot(y - 108, x - at) < 4
    (tree,) = vessel_trees(mask)
    assert len(tree.branches()) == 1


def test_a_loop_is_opened_and_a_ring_has_a_tree():
    y, x = np.mgrid[:200, :200]
    ring = np.abs(np.hypot(y - 100, x - 100) - 60) < 4
    (tree,) = vessel_trees(ring)
    assert tree.step_mm.sum() > 300
    (with_stem,) = vessel_trees(ring | ((np.abs(y - 100) < 4) & (x < 45)))
    assert with_stem.points_lps_mm[0][0] < 10


def test_pieces_are_trees_of_their_own_the_longest_first():
    y, x = np.mgrid[:200, :200]
    mask = ((np.abs(y - 50) < 4) & (x > 10) & (x < 190)) | ((np.abs(y - 150) < 4) & (x > 60) & (x < 140))
    trees = vessel_trees(mask)
    assert [round(tree.step_mm.sum(), -1) for tree in trees] == [170, 70]


@pytest.mark.parametrize("mask", [np.zeros((100, 100), bool), np.eye(100, dtype=bool) & (np.arange(100) < 2)])
def test_nothing_to_measure_is_no_error(mask):
    measured = measure_frame(image_of(mask), mask)
    assert measured.trees == {}
    assert measured.systems == {}
