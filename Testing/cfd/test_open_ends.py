"""Ends are cut flat and normal to the vessel, only there, and are named after what they close."""

from dataclasses import replace

import numpy as np
import pytest
from opened_samples import branch, forked_tree, surface_of, tube_tree

from CoronarySegLib.centreline.tree import CentrelineTree
from CoronarySegLib.cfd import ends
from CoronarySegLib.cfd.caps import capped, check_names
from CoronarySegLib.cfd.cuts import CutOptions, cut_at, propose_cuts
from CoronarySegLib.cfd.ends import open_ends, with_wall
from CoronarySegLib.cfd.extensions import ExtensionOptions, extended
from CoronarySegLib.cfd.intersections import self_intersections
from CoronarySegLib.cfd.lids import lid
from CoronarySegLib.cfd.rims import boundary_loops
from CoronarySegLib.errors import SurfaceError
from CoronarySegLib.reconstruction.mesh import parts_of, volume_and_area
from CoronarySegLib.reconstruction.quality import edge_faults


@pytest.fixture(scope="module")
def fork():
    tree = forked_tree()
    points, triangles = surface_of(tree)
    return tree, open_ends(points, triangles, tree, propose_cuts(tree).cuts)


@pytest.fixture(scope="module")
def tube():
    tree = tube_tree()
    points, triangles = surface_of(tree, 0.3)
    return tree, open_ends(points, triangles, tree, propose_cuts(tree).cuts)


def smallest_angle(points, triangles):
    a, b, c = points[triangles.T]
    angles = []
    for p, q, r in ((a, b, c), (b, c, a), (c, a, b)):
        u, v = q - p, r - p
        angles.append(np.degrees(np.arccos((u * v).sum(1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1))))
    return np.min(angles)


def test_every_end_is_cut_and_named_after_its_branch(fork):
    _, opened = fork
    assert [c.name for c in opened.cuts] == ["inlet_LM", "outlet_LAD", "outlet_D1", "outlet_LCx", "outlet_1"]
    assert opened.skipped == ()


def test_a_cut_on_a_piece_of_the_mesh_is_the_cut_on_the_whole(fork, monkeypatch):
    tree, opened = fork
    monkeypatch.setattr(ends, "REACH_MM", 1e6)
    again = open_ends(*surface_of(tree), tree, propose_cuts(tree).cuts)
    corners = [np.sort(o.points_lps_mm[o.triangles].reshape(-1, 9), axis=0) for o in (opened, again)]
    assert np.array_equal(*corners)


def test_a_lumen_that_goes_on_far_beyond_its_centreline_is_cut_off_whole():
    points, triangles = surface_of(tube_tree(60.0), 0.3)
    tree = tube_tree(30.0)
    opened = open_ends(points, triangles, tree, propose_cuts(tree).cuts)
    assert parts_of(len(opened.points_lps_mm), opened.triangles)[0] == 1
    assert opened.points_lps_mm[:, 2].max() == pytest.approx(opened.cuts[1].position_lps_mm[2], abs=1e-6)


def test_an_end_inside_another_vessel_is_not_cut_through_that_vessel():
    points, triangles = surface_of(tube_tree(30.0), 0.3)
    tree = CentrelineTree("right", (
        branch([[0, 0, 0], [0, 0, 20]], 1.5, name="RCA"),
        branch([[0, 0, 20], [0, 0, 30]], 1.5, 0, "RCA"),
        # A second course back through the same lumen, as of two vessels drawn as one.
        branch([[0, 0, 20], [0.4, 0, 18], [0.4, 0, 8]], 1.0, 0),
    ))
    inside = cut_at(tree.branches[2], 2, 8.0, "outlet", "before the end", "outlet_1")
    opened = open_ends(points, triangles, tree, (*propose_cuts(tree).cuts, inside))
    assert [cut.name for cut in opened.cuts] == ["inlet_RCA", "outlet_RCA"]
    assert [text.split()[0] for text in opened.skipped] == ["outlet_1"]
    for end, cut in ((0, opened.cuts[0]), (1, opened.cuts[1])):
        assert np.abs(opened.rim_points(end)[:, 2] - cut.position_lps_mm[2]).max() < 1e-6


def an_ostium_beside_which_another_vessel_leaves():
    tree = CentrelineTree("right", (
        branch([[0, 0, 0], [1.5, 0, 0]], 1.6, name="RCA"),
        branch([[1.5, 0, 0], [14, -2, 0]], 1.6, 0, "RCA"),
        branch([[1.5, 0, 0], [0, 2, 0], [-2, 4, 0], [-6, 12, 0]], 1.0, 0, "CB"),
    ))
    return tree, *surface_of(tree, 0.25)


def test_an_inlet_leans_to_spare_a_vessel_that_leaves_beside_the_ostium():
    tree, points, triangles = an_ostium_beside_which_another_vessel_leaves()
    opened = open_ends(points, triangles, tree, propose_cuts(tree).cuts)
    assert [cut.name for cut in opened.cuts] == ["inlet_RCA", "outlet_RCA", "outlet_CB"]
    assert "tilted" in opened.cuts[0].reason
    assert opened.skipped == ()


def test_an_inlet_that_takes_a_vessel_away_says_so(monkeypatch):
    monkeypatch.setattr(ends, "TILTS_DEG", (1.0,))
    monkeypatch.setattr(ends, "LARGEST_LOSS_SHARE", 0.6)
    tree, points, triangles = an_ostium_beside_which_another_vessel_leaves()
    opened = open_ends(points, triangles, tree, propose_cuts(tree).cuts)
    assert "inlet_RCA takes away" in opened.skipped[0]


def test_of_planes_that_all_take_something_the_inlet_gets_the_one_that_takes_least(monkeypatch):
    tree, points, triangles = an_ostium_beside_which_another_vessel_leaves()
    inlet, beside = propose_cuts(tree).cuts[0], np.array([[-2.0, 4.0, 0.0]])
    sparing = np.array([0.0, -1.0, 0.0])
    monkeypatch.setattr(
        ends.Bystanders, "lost",
        lambda self, removed, cut: (5.0 - float(cut.normal @ sparing) if cut.kind == "inlet" else 0.0, beside),
    )
    opened = open_ends(points, triangles, tree, propose_cuts(tree).cuts)
    leaning = opened.cuts[0].normal @ sparing
    assert leaning > np.sin(np.radians(30.0)) > inlet.normal @ sparing
    assert f"takes away {5.0 - leaning:.1f} mm" in opened.skipped[0]


def test_a_fold_of_the_wall_near_an_end_does_not_keep_it_closed():
    tree = tube_tree(30.0)
    points, triangles = surface_of(tree, 0.3)
    outlet = propose_cuts(tree).cuts[1]
    folded = int(np.argmin(np.abs(points[:, 2] - (outlet.position_lps_mm[2] - 1.5))))
    ring = np.setdiff1d(triangles[(triangles == folded).any(1)], [folded])
    points[folded] += 2.2 * (points[ring[0]] - points[folded])
    assert len(self_intersections(points, triangles))
    opened = open_ends(points, triangles, tree, propose_cuts(tree).cuts)
    assert [cut.reason for cut in opened.cuts] == [cut.reason for cut in propose_cuts(tree).cuts]


def test_rims_lie_exactly_on_planes_normal_to_the_centreline(fork):
    tree, opened = fork
    for index, cut in enumerate(opened.cuts):
        heights = (opened.rim_points(index) - cut.position_lps_mm) @ cut.normal
        assert np.abs(heights).max() < 1e-9
        curve = tree.branches[cut.branch].points_lps_mm
        step = np.argmin(np.linalg.norm(curve - cut.position_lps_mm, axis=1))
        chord = curve[min(step + 1, len(curve) - 1)] - curve[step - 1]
        assert abs(chord @ cut.normal) / np.linalg.norm(chord) > 0.999


def test_edges_of_a_flat_rim_are_not_much_longer_than_those_of_its_wall():
    points, triangles = surface_of(tube_tree(radius_mm=1.5), 0.25)
    flat = points * [2.0, 0.5, 1.0]  # as wide a section, in which half as large a sphere fits
    tree = tube_tree(radius_mm=0.75)
    opened = open_ends(flat, triangles, tree, propose_cuts(tree).cuts, edge_per_radius=0.3)
    for index, cut in enumerate(opened.cuts):
        rim = opened.rim_points(index)
        assert np.ptp(rim[:, 0]) > 5.0
        assert np.linalg.norm(rim - np.roll(rim, 1, axis=0), axis=1).max() < 1.55 * 0.3 * cut.radius_mm


def test_a_branch_that_crosses_the_same_infinite_plane_stays_whole(fork):
    opened = fork[1]
    # The plane at the end of D1 crosses the LAD as well: both must still reach their own cuts.
    for cut in opened.cuts[1:]:
        distance = np.linalg.norm(opened.points_lps_mm - cut.position_lps_mm, axis=1).min()
        assert distance < 1.3 * cut.radius_mm
    assert parts_of(len(opened.points_lps_mm), opened.triangles)[0] == 1
    assert len(boundary_loops(opened.triangles)) == len(opened.cuts)


def test_the_capped_model_is_closed_manifold_and_keeps_the_cross_sections(tube):
    _, opened = tube
    model = capped(opened)
    assert edge_faults(model.points_lps_mm, model.triangles) == (0, 0)
    volume, _ = volume_and_area(model.points_lps_mm, model.triangles)
    assert volume == pytest.approx(np.pi * 1.5**2 * 23.5, rel=0.02)
    for patch in model.openings:
        assert patch.radius_mm == pytest.approx(1.5, rel=0.01)
        assert patch.flatness_mm < 1e-9
        assert patch.normal @ patch.cut.normal == pytest.approx(1.0)
    assert [p.kind for p in model.patches] == ["wall", "inlet", "outlet"]
    assert len(model.triangles) == sum(p.triangles for p in model.patches)


def test_lids_are_of_even_triangles(fork):
    model = capped(fork[1])
    for patch in model.openings:
        assert smallest_angle(model.points_lps_mm, model.triangles_of(patch.name)) > 25.0


@pytest.mark.parametrize("share", [0.15, 0.4])
def test_a_lid_fits_a_rim_that_is_not_convex(share):
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radius = 1.0 + share * np.cos(2 * angles) * np.cos(angles)
    rim = np.stack([radius * np.cos(angles), radius * np.sin(angles), np.zeros(48)], axis=1)
    new, triangles = lid(rim, np.array([0.0, 0.0, 1.0]))
    points = np.concatenate([rim, new])
    a, b, c = points[triangles.T]
    areas = np.cross(b - a, c - a)[:, 2] / 2
    flat = rim[:, :2]
    after = np.roll(flat, -1, axis=0)
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(0.5 * (flat[:, 0] * after[:, 1] - flat[:, 1] * after[:, 0]).sum())


def test_extensions_are_straight_circles_of_the_openings_area(fork):
    _, opened = fork
    before = capped(opened)
    longer, notes = extended(opened, ExtensionOptions(5.0, 3.0))
    model = capped(longer)
    assert notes == ()
    assert edge_faults(model.points_lps_mm, model.triangles) == (0, 0)
    for old, new in zip(before.openings, model.openings, strict=True):
        diameters = 5.0 if new.kind == "inlet" else 3.0
        assert new.extension_mm == pytest.approx(diameters * 2 * old.radius_mm, rel=1e-6)
        assert new.area_mm2 == pytest.approx(old.area_mm2, rel=0.02)
        way = new.centroid_lps_mm - old.centroid_lps_mm
        assert way / np.linalg.norm(way) == pytest.approx(new.cut.normal, abs=1e-3)
        assert new.cut.position_lps_mm == pytest.approx(old.cut.position_lps_mm)
        ring = model.points_lps_mm[np.unique(model.triangles_of(new.name))] - new.centroid_lps_mm
        rim = np.linalg.norm(ring, axis=1).max()
        assert np.isclose(np.linalg.norm(ring, axis=1), rim, rtol=1e-3).sum() >= 12


def test_an_extension_stops_before_another_vessel():
    # A hairpin: the end looks back at the beginning, 8 mm away.
    angles = np.linspace(0, np.pi, 40)
    bend = np.stack([20 + 8 * np.sin(angles), 8 * np.cos(angles), 0 * angles], axis=1)
    wall = [[10, 8, 0], [6, 8, 0], [6, -24, 0]]
    tree = CentrelineTree("right", (branch([*wall[::-1], *bend], 1.2, name="RCA"), ))
    points, triangles = surface_of(tree, 0.35)
    opened = open_ends(points, triangles, tree, propose_cuts(tree).cuts)
    free, notes = extended(opened, ExtensionOptions(0.0, 12.0))
    assert len(notes) == 1
    assert notes[0].startswith("outlet_RCA")
    assert 0 < free.extensions_mm[1] < 25.0
    model = capped(free)
    assert edge_faults(model.points_lps_mm, model.triangles) == (0, 0)


def test_a_swapped_name_is_found(fork):
    model = capped(fork[1])
    a, b = model.openings[1], model.openings[2]
    swapped = (replace(a, cut=b.cut), replace(b, cut=a.cut))
    wrong = replace(model, patches=(*model.patches[:2], *swapped, *model.patches[4:]))
    with pytest.raises(SurfaceError, match="lies at the cut of"):
        check_names(wrong)


def test_thin_ends_are_cut_where_they_become_too_thin():
    tree = CentrelineTree("left", (
        branch([[0, 0, 0], [10, 0, 0]], 2.0, name="LM"),
        branch([[10, 0, 0], [50, 0, 0]], [1.8, 0.5], 0, "LAD"),
        branch([[10, 0, 0], [14, 8, 0], [14, 30, 0]], 0.5, 0, "D1"),
    ))
    lad, d1 = propose_cuts(tree, CutOptions(smallest_diameter_mm=1.5)).cuts[1:]
    assert 2 * lad.radius_mm == pytest.approx(1.5, abs=0.05)
    assert d1.name == "outlet_D1"
    assert d1.arc_mm < 6.0


def test_two_ends_of_one_name_are_counted_and_unnamed_ones_numbered():
    tree = CentrelineTree("right", (
        branch([[0, 0, 0], [20, 0, 0]], 2.0),
        branch([[20, 0, 0], [34, 12, 0]], 1.2, 0, "PLB"),
        branch([[20, 0, 0], [34, -12, 0]], 1.2, 0, "PLB"),
        branch([[20, 0, 0], [34, 0, 12]], 1.2, 0),
    ))
    assert [c.name for c in propose_cuts(tree).cuts] == ["inlet_right", "outlet_PLB_1", "outlet_PLB_2", "outlet_1"]


def test_a_stump_too_short_to_cut_stays_closed():
    tree = CentrelineTree("left", (
        branch([[0, 0, 0], [20, 0, 0]], 2.0, name="LM"),
        branch([[20, 0, 0], [40, 3, 0]], 1.5, 0, "LAD"),
        branch([[20, 0, 0], [20, -2.5, 0]], 1.0, 0, "D1"),
    ))
    proposal = propose_cuts(tree)
    assert [c.name for c in proposal.cuts] == ["inlet_LM", "outlet_LAD"]
    assert proposal.closed == (2,)


def test_a_wall_that_lost_an_opening_is_refused(tube):
    _, opened = tube
    model = capped(opened)
    with pytest.raises(SurfaceError, match="was lost"):
        with_wall(opened, model.points_lps_mm, model.triangles)


def test_a_surface_without_triangles_has_no_holes():
    assert boundary_loops(np.zeros((0, 3), np.int64)) == []
