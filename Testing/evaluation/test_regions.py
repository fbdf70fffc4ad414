"""Figures by position, branch and calibre, on straight vessels with known answers."""

from types import SimpleNamespace

import numpy as np
import pytest
from evaluation_samples import GRID, straight_branch, tube_mask, two_trees

from CoronarySegLib.evaluation import centreline_of_branches, evaluate
from CoronarySegLib.evaluation.anatomy import named_centreline
from CoronarySegLib.evaluation.centreline import Centreline
from CoronarySegLib.evaluation.regions import family_of, region_scores
from CoronarySegLib.volume import Geometry, Volume


def branch(name, z_mm, parent=-1, x_mm=0.0, radius_mm=1.2, side="left"):
    """A straight vessel along z, from the first to the second of ``z_mm``."""
    z = np.linspace(*z_mm, 37)
    points = np.c_[np.full(37, x_mm), np.zeros(37), z]
    return SimpleNamespace(name=name, side=side, parent=parent, points_lps_mm=points, radius_mm=np.full(37, radius_mm))


def named(regions):
    return {(region.kind, region.name): region for region in regions}


def test_a_vessel_cut_off_at_half_is_whole_proximally_and_missing_distally():
    truth = tube_mask(GRID, (0.0, 0.0), 1.2)
    cut = tube_mask(GRID, (0.0, 0.0), 1.2, (-9.0, 0.0))
    found = named(region_scores(centreline_of_branches([branch("LAD", (-9.0, 9.0))]), cut, truth, GRID))
    proximal, mid, distal = (found["position", name] for name in ("proximal", "mid", "distal"))
    assert (proximal.dice, proximal.found, proximal.sensitivity) == (1.0, 1.0, 1.0)
    assert 0.5 < mid.dice < 0.8
    assert (distal.dice, distal.found) == (0.0, 0.0)
    assert proximal.length_mm == pytest.approx(6.0, abs=0.6)


def test_reach_goes_on_from_the_parent_and_is_a_share_of_the_longest_way():
    line = centreline_of_branches([
        branch("LM", (0.0, 2.0)), branch("LAD", (2.0, 10.0), parent=0), branch("LCx", (2.0, 6.0), parent=0),
        branch("RCA", (0.0, -4.0), side="right"),
    ])
    ends = {name: float(line.reach[line.name == name].max()) for name in ("LM", "LAD", "LCx", "RCA")}
    assert ends == pytest.approx({"LM": 0.2, "LAD": 1.0, "LCx": 0.6, "RCA": 1.0})


def test_a_daughter_that_leaves_a_parent_halfway_begins_there():
    line = centreline_of_branches([branch("LAD", (0.0, 10.0)), branch("D1", (5.0, 7.0), parent=0)])
    assert float(line.reach[line.name == "D1"].min()) == pytest.approx(0.5)


def test_branches_without_parents_or_in_a_circle_have_no_reach():
    assert centreline_of_branches([straight_branch()]).reach is None
    assert centreline_of_branches([branch("a", (0, 1), parent=1), branch("b", (0, 1), parent=0)]).reach is None


def test_branches_are_scored_by_family_and_what_has_no_name_together():
    truth = tube_mask(GRID, (5.0, 0.0), 1.2) | tube_mask(GRID, (-5.0, 0.0), 1.2)
    line = centreline_of_branches([
        branch("D1", (-9, 0), x_mm=5.0), branch("D2", (0, 9), x_mm=5.0), branch("twig", (-9, 9), x_mm=-5.0)
    ])
    found = named(region_scores(line, tube_mask(GRID, (5.0, 0.0), 1.2), truth, GRID))
    assert [name for kind, name in found if kind == "branch"] == ["D", "unnamed"]
    assert (found["branch", "D"].dice, found["branch", "unnamed"].dice) == (1.0, 0.0)
    assert [family_of(name) for name in ("OM12", "PDA", "")] == ["OM", "PDA", "unnamed"]


def test_what_is_false_near_a_vessel_counts_there_and_far_away_nowhere():
    truth = tube_mask(GRID, (0.0, 0.0), 1.2)
    line = centreline_of_branches([branch("LAD", (-9.0, 9.0))])
    beside, far = (region_scores(line, truth | tube_mask(GRID, (x, 0.0), 1.0), truth, GRID)[0] for x in (3.0, 9.0))
    assert beside.dice < 0.8
    assert far.dice == 1.0


def test_without_names_there_are_regions_by_radius_alone():
    scores = evaluate(two_trees(), two_trees())
    assert {region.kind for region in scores.by_region} == {"radius"}
    assert all(region.dice == 1.0 for region in scores.by_region)


def test_named_centrelines_of_the_truth_are_told_apart_by_evaluate():
    branches = [branch("LAD", (-9, 9), x_mm=5.0), branch("RCA", (-9, 9), x_mm=-5.0, side="right")]
    truth = two_trees()
    left = truth.with_array(truth.array * (truth.array == 1))
    found = named(evaluate(left, truth, centrelines=branches).by_region)
    assert (found["branch", "LAD"].dice, found["branch", "RCA"].dice) == (1.0, 0.0)
    assert found["position", "distal"].found == pytest.approx(0.5)


def test_an_empty_line_has_no_regions():
    nothing = Centreline(np.zeros((0, 3)), np.zeros(0), np.zeros(0), np.zeros(0, "<U5"))
    mask = tube_mask(GRID, (0.0, 0.0), 1.0)
    assert region_scores(nothing, mask, mask, GRID) == ()


def test_the_vessels_of_a_mask_are_followed_for_positions():
    geometry = Geometry((60, 40, 60), (0.6, 0.6, 0.6), (-18.0, -12.0, -18.0))
    labels = np.zeros(geometry.shape_zyx, np.uint8)
    for value, x in ((1, 9.0), (2, -9.0)):
        labels[tube_mask(geometry, (x, 0.0), 1.8, (-16.0, 15.0))] = value
    line, warnings = named_centreline(Volume(labels, geometry))
    assert warnings == ()
    assert line.length_mm.sum() == pytest.approx(62.0, rel=0.1)
    assert (float(line.reach.min()), float(line.reach.max())) == (0.0, 1.0)


def test_a_truth_that_is_no_vessel_is_warned_of():
    line, warnings = named_centreline(two_trees().with_array(np.pad(np.ones((2, 2, 2), np.uint8), (0, 46))))
    assert line is None
    assert "could not be followed" in warnings[0]
