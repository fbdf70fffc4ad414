"""Each kind of suspicion on a vessel made for it, and nothing where there is nothing."""

from dataclasses import replace

import numpy as np
import pytest
from review_samples import (
    DISTAL,
    END,
    FORK,
    GRID,
    HEALTHY,
    SIDE,
    SIDE_END,
    TIP_MM,
    TRUNK,
    branch,
    case,
    line,
    lumen_of,
    tube,
)

from CoronarySegLib.errors import InputError
from CoronarySegLib.review import Kind, ReviewCase, Suspect, find_suspects
from CoronarySegLib.review.queue import merged
from CoronarySegLib.volume import Geometry, Volume


@pytest.fixture(scope="module")
def lumen() -> np.ndarray:
    return lumen_of(*HEALTHY)


def of_kind(queue, kind: Kind) -> list[Suspect]:
    return [one for one in queue if one.kind is kind]


def near(suspect: Suspect, place, mm: float = 3.0) -> bool:
    return float(np.linalg.norm(np.subtract(suspect.place_lps_mm, place))) <= mm


def test_a_healthy_tree_raises_no_suspicion(lumen):
    assert find_suspects(case(lumen)) == ()


def test_a_labelled_piece_behind_a_gap_is_a_gap_in_the_middle_of_it(lumen):
    hole = tube(line((35, 20, 15), (40, 20, 15)), 2.5) > 0.5
    broken = np.where(hole, 0.0, lumen)
    (found, *_) = find_suspects(case(broken, (TRUNK, branch(0, FORK, (33, 20, 15), 1.3, "LAD"), SIDE)))
    assert found.kind is Kind.GAP
    assert near(found, (37.5, 20, 15))
    assert "LAD" in found.text


def test_a_vessel_that_goes_on_in_the_probability_alone_is_a_gap(lumen):
    behind = tube(line((40, 20, 15), END), 1.1)
    seen = np.where(tube(line((34, 20, 15), END), 2.5) > 0.5, 0.0, lumen)
    ended = branch(0, FORK, (33, 20, 15), 1.3, "LAD")
    found = find_suspects(case(seen, (TRUNK, ended, SIDE), probability=0.95 * np.maximum(seen, behind)))
    (first, *_) = of_kind(found, Kind.GAP)
    assert near(first, (37, 20, 15))
    assert "network sees a vessel" in first.text


def test_a_piece_far_from_everything_is_isolated(lumen):
    far = tube(line((8, 5, 3), (18, 5, 3)), 1.0)
    found = find_suspects(case(np.maximum(lumen, far)))
    (piece,) = of_kind(found, Kind.PIECE)
    assert piece.place_lps_mm[1] < 8.0


def test_a_leak_on_a_piece_apart_is_found_as_well(lumen):
    hole = tube(line((35, 20, 15), (40, 20, 15)), 2.5) > 0.5
    broken = np.maximum(np.where(hole, 0.0, lumen), tube((47, 17, 15), 2.8))
    found = find_suspects(case(broken, (TRUNK, branch(0, FORK, (33, 20, 15), 1.3, "LAD"), SIDE)))
    (leak,) = of_kind(found, Kind.LEAK)
    assert near(leak, (47, 17, 15))


def test_a_bump_too_short_for_a_centreline_is_a_spur(lumen):
    found = find_suspects(case(np.maximum(lumen, tube(line((34, 20, 15), (34, 24, 15)), 0.8))))
    (spur,) = of_kind(found, Kind.SPUR)
    assert near(spur, (34, 24, 15))


def test_a_ball_on_the_side_of_a_vessel_is_a_leak(lumen):
    (first, *_) = find_suspects(case(np.maximum(lumen, tube((34, 17, 15), 3.0))))
    assert first.kind is Kind.LEAK
    assert near(first, (34, 17, 15))


def test_a_stub_is_a_spur_and_a_side_branch_is_none(lumen):
    end = (14.0, 24.5, 15.0)
    one, two = branch(-1, TRUNK.points_lps_mm[0], (14, 20, 15), 1.6, "LAD"), branch(0, (14, 20, 15), FORK, 1.6, "LAD")
    tree = (one, two, replace(DISTAL, parent=1), replace(SIDE, parent=1), branch(0, (14, 20, 15), end, 0.7))
    found = find_suspects(case(np.maximum(lumen, tube(line((14, 20, 15), end), 0.7)), tree))
    (spur,) = of_kind(found, Kind.SPUR)
    assert near(spur, end)


def test_a_branch_that_widens_beside_an_artery_with_less_contrast_may_be_a_vein(lumen):
    start, end = (30.0, 24.0, 15.0), (52.0, 24.5, 15.0)
    vein = branch(0, FORK, start, 0.6), branch(3, start, end, (0.7, 1.2, 1.8, 1.6))
    body = lumen_of(*vein)
    everything = np.maximum(lumen, body)
    ct = np.maximum(-90 + 490 * lumen, -90 + 350 * body)
    queue = find_suspects(case(everything, (*HEALTHY, *vein), ct=ct))
    (found,) = of_kind(queue, Kind.VEIN)
    assert found.branch == 4
    assert "grows wider" in found.text


def test_a_branch_with_less_contrast_than_others_as_wide_may_be_a_vein(lumen):
    side = lumen_of(SIDE)
    others = lumen_of(TRUNK, DISTAL)
    dim = -90 + 490 * np.maximum(others, 0.6 * side)
    (found,) = of_kind(find_suspects(case(lumen, ct=dim)), Kind.VEIN)
    assert found.branch == 2
    assert "contrast is lower" in found.text


def test_thin_vessels_that_are_dim_because_they_are_thin_are_no_veins(lumen):
    thin = (branch(0, FORK, END, 0.6, "LAD"), branch(0, FORK, SIDE_END, 0.6, "D1"))
    vessels = lumen_of(TRUNK, *thin)
    dim = -90 + 490 * np.maximum(lumen_of(TRUNK), 0.6 * lumen_of(*thin))
    assert of_kind(find_suspects(case(vessels, (TRUNK, *thin), ct=dim)), Kind.VEIN) == []


def test_a_gap_is_shown_at_the_free_end_that_points_to_the_piece_and_not_at_a_flank_beside_it(lumen):
    hole = tube(line((35, 20, 15), (37, 20, 15)), 2.0) > 0.5
    flank = branch(0, FORK, (58, 29, 15), 1.1, "D1")
    broken = np.maximum(np.where(hole, 0.0, lumen_of(TRUNK, DISTAL)), lumen_of(flank))
    tree = (TRUNK, branch(0, FORK, (33, 20, 15), 1.3, "LAD"), flank)
    (found, *_) = of_kind(find_suspects(case(broken, tree)), Kind.GAP)
    assert near(found, (36, 20, 15), mm=1.5)
    assert "LAD" in found.text


def test_what_the_network_holds_for_a_vein_is_one(lumen):
    vein = 0.5 * tube(SIDE.points_lps_mm, 1.2)
    (found,) = of_kind(find_suspects(case(lumen, vein=vein)), Kind.VEIN)
    assert found.branch == 2


def test_a_thick_end_is_said_to_end_abruptly(lumen):
    cut = np.where(np.arange(GRID.shape_zyx[2]) * 0.5 > 34.0, 0.0, lumen)
    blunt = branch(0, FORK, (33.5, 20, 15), 1.3, "LAD")
    (found,) = of_kind(find_suspects(case(cut, (TRUNK, blunt, SIDE))), Kind.GAP)
    assert near(found, (33.5, 20, 15))
    assert "ends here while it is 2.6 mm wide" in found.text


def test_a_vessel_that_leaves_the_field_of_view_is_no_gap():
    trunk = branch(-1, (30, 20, 15), (0.5, 20, 15), 1.5, "RCA")
    assert find_suspects(case(lumen_of(trunk), (trunk,))) == ()


def test_an_abrupt_narrowing_is_named_with_its_widths(lumen):
    radius = np.array(DISTAL.radius_mm)
    away = np.abs(DISTAL.arc_mm - 12.0)
    radius[away < 1.2] = 0.45
    narrow = replace(DISTAL, radius_mm=radius)
    (found,) = of_kind(find_suspects(case(lumen_of(TRUNK, narrow, SIDE), (TRUNK, narrow, SIDE))), Kind.RADIUS)
    assert near(found, (34, 20, 15))
    assert "changes abruptly: 2.6 mm before" in found.text


def test_a_stretch_of_which_the_network_is_unsure_is_found(lumen):
    weak = tube(line((34, 20, 15), (40, 20, 15)), 2.0) > 0.5
    (found,) = find_suspects(case(lumen, probability=np.where(weak, 0.55, 0.95) * lumen))
    assert found.kind is Kind.CONFIDENCE
    assert near(found, (37, 20, 15))


def test_models_that_differ_say_where_to_look(lumen):
    differ = np.where(tube(line((34, 20, 15), (40, 20, 15)), 2.0) > 0.5, 0.2, 0.0)
    (found,) = find_suspects(case(lumen, variance=differ))
    assert "models do not agree" in found.text


def test_the_same_case_gives_the_same_queue(lumen):
    leaky = case(np.maximum(lumen, tube((34, 17, 15), 3.0)))
    assert find_suspects(leaky) == find_suspects(leaky)


def test_two_entries_at_one_place_become_one_that_names_both():
    gap = Suspect(Kind.GAP, (1.0, 2.0, 3.0), 0.8, "a gap")
    unsure = Suspect(Kind.CONFIDENCE, (2.0, 2.0, 3.0), 0.5, "unsure")
    elsewhere = Suspect(Kind.CONFIDENCE, (20.0, 2.0, 3.0), 0.4, "unsure")
    assert merged([unsure, elsewhere, gap]) == (replace(gap, also=("low confidence",)), elsewhere)


def test_a_place_near_a_better_one_waits_for_others_that_are_nearly_as_suspicious():
    best = Suspect(Kind.LEAK, (0.0, 0.0, 0.0), 0.9, "a leak")
    beside = Suspect(Kind.SPUR, (6.0, 0.0, 0.0), 0.6, "a stub")
    elsewhere = Suspect(Kind.SPUR, (40.0, 0.0, 0.0), 0.5, "a stub")
    assert merged([elsewhere, beside, best]) == (best, elsewhere, beside)


def test_empty_labels_have_no_queue(lumen):
    assert find_suspects(case(np.zeros_like(lumen))) == ()


def test_without_centrelines_pieces_are_still_found(lumen):
    far = tube(line((8, 5, 3), (18, 5, 3)), 1.0)
    plain = replace(case(np.maximum(lumen, far)), trees={})
    assert of_kind(find_suspects(plain), Kind.PIECE)


def test_volumes_on_another_grid_are_refused(lumen):
    labels = case(lumen).labels
    other = Volume(np.zeros((5, 5, 5), np.float32), Geometry((5, 5, 5), (1.0, 1.0, 1.0)))
    with pytest.raises(InputError, match="probability"):
        ReviewCase(labels, probability=other)


def test_a_suspect_survives_being_written_as_text():
    suspect = Suspect(Kind.LEAK, (1.5, -2.0, 3.25), 0.75, "look here", "left", 3, "the LAD", ("gap",))
    assert Suspect.of_dict({**suspect.as_dict(), "of a later version": 1}) == suspect


def test_tips_of_the_samples_are_as_thin_as_real_ones():
    assert DISTAL.radius_mm[-1] == SIDE.radius_mm[-1] == TIP_MM
    assert tuple(SIDE.points_lps_mm[-1]) == SIDE_END
