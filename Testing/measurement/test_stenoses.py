"""Narrowings are found, measured, graded, and not evaluated where nobody could."""

from dataclasses import replace

import numpy as np
import pytest
from vessel_samples import Narrowing, branch, forked, grid, single

from CoronarySegLib.centreline import CentrelineTree
from CoronarySegLib.errors import InputError
from CoronarySegLib.measurement import Grade, MeasurementOptions, Reason, grade_of, measure_tree
from CoronarySegLib.volume import Geometry, Volume


@pytest.mark.parametrize("share", [0.3, 0.4, 0.55, 0.72, 0.8])
def test_depth_and_place_of_a_single_lesion(share):
    tree = single(narrowings=[Narrowing(40.0, share)])
    healthy = float(single().branches[0].radius_mm[160] * 2)
    (found,) = measure_tree(tree, grid=grid(0.1)).stenoses
    assert found.diameter_percent == pytest.approx(100 * share, abs=2.0)
    assert found.minimal_diameter_mm == pytest.approx(healthy * (1 - share), rel=0.04)
    assert found.area_percent == pytest.approx(100 * (1 - (1 - share) ** 2), abs=3.0)
    assert found.position_mm == pytest.approx(40.0, abs=0.5)
    assert found.length_mm == pytest.approx(8.0, rel=0.35)
    assert found.start_mm < found.position_mm < found.end_mm


def test_noise_is_no_stenosis():
    for seed in range(5):
        assert measure_tree(single(noise_mm=0.12, seed=seed)).stenoses == ()


def test_steps_at_side_branches_are_no_stenoses():
    assert measure_tree(forked(noise_mm=0.05)).stenoses == ()


def test_several_lesions_are_several():
    lesions = [Narrowing(20.0, 0.4), Narrowing(45.0, 0.75), Narrowing(62.0, 0.5, 6.0)]
    found = measure_tree(single(narrowings=lesions, noise_mm=0.05)).stenoses
    assert [s.position_mm for s in found] == pytest.approx([20.0, 45.0, 62.0], abs=1.0)
    assert [s.diameter_percent for s in found] == pytest.approx([40.0, 75.0, 50.0], abs=5.0)


def test_two_close_lesions_meet_where_the_lumen_is_widest_between_them():
    found = measure_tree(single(narrowings=[Narrowing(38.0, 0.6, 6.0), Narrowing(44.0, 0.6, 6.0)])).stenoses
    assert len(found) == 2
    assert found[0].end_mm == found[1].start_mm == pytest.approx(41.0, abs=0.5)


def test_a_lesion_across_a_junction_is_one_lesion_of_the_vessel():
    tree = forked(narrowings=((Narrowing(20.0, 0.5, 20.0),), (), ()))
    found = [s for s in measure_tree(tree).stenoses if s.vessel == "LAD"]
    assert len(found) == 1
    assert found[0].diameter_percent == pytest.approx(50.0, abs=4.0)


def test_a_gap_is_a_total_occlusion():
    tree = single()
    radius = tree.branches[0].radius_mm.copy()
    radius[150:180] = np.nan
    cut = tree.with_branches([replace(tree.branches[0], radius_mm=radius, area_mm2=np.pi * radius**2)])
    (found,) = measure_tree(cut, grid=grid(0.1)).stenoses
    assert found.grade is Grade.occluded
    assert found.minimal_diameter_mm == 0.0
    assert found.area_percent == 100.0
    assert found.length_mm == pytest.approx(7.5, abs=1.0)
    assert "occluded, or the mask is cut" in found.remarks[0]


def test_a_narrowing_that_only_closes_the_end_is_not_listed():
    tree = single((2.0, 2.0))
    radius = tree.branches[0].radius_mm.copy()
    radius[-9:] *= np.linspace(1.0, 0.1, 9)
    assert measure_tree(tree.with_branches([replace(tree.branches[0], radius_mm=radius)])).stenoses == ()


def test_a_vessel_narrower_than_three_voxels_is_not_evaluable():
    tree = single((1.3, 1.2), [Narrowing(40.0, 0.5)])
    (found,) = measure_tree(tree, grid=grid(0.5)).stenoses
    assert found.not_evaluable == (Reason.resolution,)
    assert measure_tree(tree, grid=grid(0.2)).stenoses[0].evaluable


def test_voxels_are_counted_across_the_vessel_not_along_it():
    flat = Geometry((8, 8, 8), (0.25, 0.25, 2.0))  # thick slices; the vessel runs through them
    (found,) = measure_tree(single(narrowings=[Narrowing(40.0, 0.5)]), grid=flat).stenoses
    assert found.voxels_across == pytest.approx(found.minimal_diameter_mm / 0.25, rel=0.01)
    assert found.voxel_percent == pytest.approx(100 * 0.25 / found.reference_diameter_mm, rel=0.01)


def test_a_minimum_below_two_voxels_says_so():
    (found,) = measure_tree(single(narrowings=[Narrowing(40.0, 0.8)]), grid=grid(0.5)).stenoses
    assert found.evaluable
    assert "below what the grid resolves" in found.remarks[0]


def calcium_beside(at_mm: float, degrees: float) -> Volume:
    """A shell of calcium round ``single()`` that covers ``degrees`` of the wall, 4 mm long, on a 0.2 mm grid."""
    shape, spacing, origin = (420, 40, 40), 0.2, np.array([-3.9, -3.9, -82.0])
    z, y, x = np.meshgrid(*(origin[axis] + spacing * np.arange(n) for axis, n in zip((2, 1, 0), shape, strict=True)),
                          indexing="ij")
    away, turn = np.hypot(x, y), np.degrees(np.arctan2(y, x)) % 360.0
    shell = (away > 0.5) & (away < 1.9) & (turn <= degrees) & (np.abs(-z - at_mm) < 2.0)
    return Volume(shell.astype(np.uint8), Geometry(shape, (spacing,) * 3, tuple(origin)))


@pytest.mark.parametrize("degrees", [60.0, 180.0, 359.0])
def test_calcium_round_the_wall_is_measured_in_degrees(degrees):
    tree = single(narrowings=[Narrowing(40.0, 0.5)])
    (found,) = measure_tree(tree, grid=grid(0.1), calcium=calcium_beside(40.0, degrees)).stenoses
    assert found.calcium_degrees == pytest.approx(degrees, abs=25.0)
    assert (Reason.calcium in found.not_evaluable) == (degrees > 90.0)


def test_calcium_elsewhere_leaves_a_lesion_evaluable():
    tree = single(narrowings=[Narrowing(40.0, 0.5)])
    measured = measure_tree(tree, grid=grid(0.1), calcium=calcium_beside(15.0, 300.0))
    assert measured.stenoses[0].evaluable
    assert measured.vessels[0].figures.evaluable_share == pytest.approx(1.0 - 4.0 / 75.0, abs=0.02)


def test_grades_begin_at_their_lower_limit():
    assert [grade_of(p) for p in (0, 24.9, 25, 49.9, 50, 69.9, 70, 99.5, 100)] == [
        Grade.none_or_minimal, Grade.none_or_minimal, Grade.mild, Grade.mild, Grade.moderate, Grade.moderate,
        Grade.severe, Grade.severe, Grade.occluded,
    ]


def test_a_vessel_nobody_can_evaluate_has_no_grade():
    assert measure_tree(single((1.2, 1.2)), grid=grid(0.5)).vessels[0].grade is None
    assert measure_tree(single((3.0, 3.0)), grid=grid(0.5)).vessels[0].grade is Grade.none_or_minimal


def test_a_trunk_that_is_all_junction_has_no_grade():
    trunk = branch((0, 0, 0), (0, 0, -1), 3.0, (4.0, 4.0), name="LM")
    end = trunk.points_lps_mm[-1]
    pair = [branch(end, (sign, 0, -1), 30.0, (3.0, 3.0), parent=0) for sign in (1, -1)]
    left_main = measure_tree(CentrelineTree("left", (trunk, *pair)), grid=grid(0.3)).named("LM")
    assert left_main.figures.evaluable_share == 0.0
    assert left_main.grade is None


def test_a_small_trunk_is_remarked_as_small_or_diffusely_diseased():
    (vessel,) = measure_tree(single((2.2, 1.8))).vessels
    assert any("small vessel or diffuse disease" in remark for remark in vessel.remarks)
    assert not any("diffuse" in remark for remark in measure_tree(single((3.9, 2.5))).vessels[0].remarks)


def test_a_wide_blunt_end_is_remarked():
    (vessel,) = measure_tree(single((3.8, 3.4), length_mm=30.0)).vessels
    assert any("the mask ends there" in remark for remark in vessel.remarks)


def test_what_was_not_given_is_said():
    text = " ".join(measure_tree(single()).remarks)
    assert "No grid was given" in text
    assert "No calcium mask was given" in text
    full = measure_tree(single(), grid=grid(), calcium=calcium_beside(15.0, 90.0))
    assert "No " not in " ".join(full.remarks)


def test_a_sphere_that_narrows_in_a_wide_section_is_no_finding():
    tree = single(narrowings=[Narrowing(40.0, 0.5)])
    wide = replace(tree.branches[0], area_mm2=single().branches[0].area_mm2)  # the centreline ran along the wall
    (found,) = measure_tree(tree.with_branches([wide]), grid=grid(0.1)).stenoses
    assert found.not_evaluable == (Reason.disagreement,)


def test_a_minimum_without_a_section_of_its_own_lies_in_a_junction():
    tree = single(narrowings=[Narrowing(40.0, 0.5)])
    area = tree.branches[0].area_mm2.copy()
    area[150:170] = np.nan  # a touching branch fills the section
    (found,) = measure_tree(tree.with_branches([replace(tree.branches[0], area_mm2=area)]), grid=grid(0.1)).stenoses
    assert found.not_evaluable == (Reason.junction,)


def test_a_tree_measured_without_sections_is_evaluated_by_its_spheres():
    tree = single(narrowings=[Narrowing(40.0, 0.5)])
    nothing = np.full_like(tree.branches[0].area_mm2, np.nan)
    (found,) = measure_tree(tree.with_branches([replace(tree.branches[0], area_mm2=nothing)]), grid=grid(0.1)).stenoses
    assert found.evaluable
    assert np.isnan(found.area_percent)


def test_a_slit_that_keeps_one_of_its_two_diameters_stays_evaluable():
    tree = single(narrowings=[Narrowing(40.0, 0.5)])
    slit = np.pi * tree.branches[0].radius_mm * single().branches[0].radius_mm
    (found,) = measure_tree(tree.with_branches([replace(tree.branches[0], area_mm2=slit)]), grid=grid(0.1)).stenoses
    assert found.evaluable
    assert found.area_percent == pytest.approx(50.0, abs=2.0)


def test_a_lesion_at_the_end_of_a_branch_that_forks_is_found():
    trunk = branch((0, 0, 0), (0, 0, -1), 30.0, (4.0, 4.0), [Narrowing(25.0, 0.5)])
    end = trunk.points_lps_mm[-1]
    pair = [branch(end, (sign, 0, -1), 30.0, (3.0, 3.0), parent=0) for sign in (1, -1)]
    found = measure_tree(CentrelineTree("left", (trunk, *pair))).stenoses
    assert [s.vessel for s in found] == ["branch 0"]
    assert found[0].diameter_percent == pytest.approx(50.0, abs=5.0)


def test_the_smallest_diameter_is_reported_where_the_reference_steps():
    tree = forked(narrowings=((Narrowing(24.0, 0.5, 12.0),), (Narrowing(0.5, 0.5, 12.0),), ()))
    found = [s for s in measure_tree(tree).stenoses if s.vessel == "LAD"]
    assert len(found) == 1
    assert found[0].minimal_diameter_mm == pytest.approx(2.9 * 0.5, rel=0.06)


def test_area_basis_reads_the_stenosis_on_the_section():
    tree = single(narrowings=[Narrowing(40.0, 0.5)])
    slit = replace(tree.branches[0], area_mm2=tree.branches[0].area_mm2 * 1.44)  # oval: wider than its sphere
    (found,) = measure_tree(tree.with_branches([slit]), options=MeasurementOptions(basis="area")).stenoses
    assert found.minimal_diameter_mm == pytest.approx(3.0 * 0.5 * 1.2, rel=0.04)
    assert found.diameter_percent == pytest.approx(50.0, abs=2.0)


def test_a_tree_without_radii_is_refused_in_words():
    tree = single()
    nothing = np.full(len(tree.branches[0].radius_mm), np.nan)
    empty = tree.with_branches([replace(tree.branches[0], radius_mm=nothing, area_mm2=nothing)])
    with pytest.raises(InputError, match="Extract the centrelines again"):
        measure_tree(empty)


def test_branches_and_vessels_tell_the_same_length_and_calibre():
    measured = measure_tree(forked())
    lad = measured.named("LAD")
    assert lad.figures.length_mm == pytest.approx(90.0, abs=1e-6)
    assert sum(measured.branches[i].figures.length_mm for i in lad.indices) == pytest.approx(90.0, abs=1e-6)
    assert measured.branches[3].from_ostium_mm == pytest.approx(50.0)
    assert measured.branches[0].figures.mean_inscribed_diameter_mm == pytest.approx(3.55, abs=0.02)
    assert lad.figures.tortuosity == pytest.approx(1.0, abs=1e-6)


def test_volume_is_that_of_the_cone():
    (vessel,) = measure_tree(single((4.0, 2.0), length_mm=60.0)).vessels
    assert vessel.figures.volume_mm3 == pytest.approx(np.pi * 60.0 / 12.0 * (16.0 + 8.0 + 4.0), rel=0.01)
    assert vessel.figures.taper_mm_per_cm == pytest.approx(2.0 / 6.0, rel=0.05)


def test_an_unnamed_branch_is_a_vessel_of_its_own():
    tree = CentrelineTree("left", (branch((0, 0, 0), (0, 0, -1), 30.0, (3.0, 2.5)),))
    assert measure_tree(tree).vessels[0].label == "branch 0"
