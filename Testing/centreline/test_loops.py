"""Loops of touching branches: what is cut keeps the tree whole, and what cannot be opened is said."""

from __future__ import annotations

import numpy as np
import pytest
import shapes

from CoronarySegLib.centreline import extract_centrelines, loops
from CoronarySegLib.centreline.voxel_graph import voxel_graph

GRID = ((0.4, 0.4, 0.6), (20, 0, 35))


def graph_of(shape):
    mask = shapes.mask_of(shape, shapes.grid_round(shape, *GRID))
    return voxel_graph(mask.array > 0, mask.with_array(mask.array.astype(np.float32)))


def crossing(graph, z_mm: float):
    """Edges that pass a plane across z."""
    return np.diff(graph.points_lps_mm[graph.edges][:, :, 2] > z_mm, axis=1)[:, 0]


@pytest.fixture(scope="module")
def an_island():
    """Two strands side by side, 3.2 mm apart at z = -6, that both lead to all that is distal."""
    return graph_of(shapes.island(bow_mm=1.6))


def test_a_cut_through_both_strands_of_an_island_is_made_through_one(an_island):
    both = crossing(an_island, -6.0)
    assert len(np.unique(an_island.without_edges(both).components())) == 2
    cut = loops._keeping_whole(an_island, both, np.array([1.6, 0.0, -6.0]))
    assert cut.any()
    assert (an_island.points_lps_mm[an_island.edges[cut]][:, :, 0] > 0).all()
    assert len(np.unique(an_island.without_edges(cut).components())) == 1


def test_a_cut_through_a_vessel_is_not_made(an_island):
    through = crossing(an_island, -20.0)
    assert through.any()
    assert not loops._keeping_whole(an_island, through, np.array([0.0, 0.0, -20.0])).any()


def test_what_lies_behind_an_island_is_followed_to_its_end():
    shape = shapes.island()
    mask = shapes.mask_of(shape, shapes.grid_round(shape, *GRID))
    tree = extract_centrelines(mask, values={"left": 1})["left"]
    assert min(branch.points_lps_mm[:, 2].min() for branch in tree.branches) < -29.0


def test_loops_that_stay_are_said(monkeypatch):
    monkeypatch.setattr(loops, "MOST_LOOPS", 0)
    shape = shapes.touching_branches()
    mask = shapes.mask_of(shape, shapes.grid_round(shape, *GRID))
    tree = extract_centrelines(mask, values={"left": 1})["left"]
    assert any("could not be opened" in text for text in tree.warnings)
