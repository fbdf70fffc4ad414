"""The healthy reference is that of the vessel before it fell ill."""

import numpy as np
import pytest
from vessel_samples import Narrowing, branch, forked, single

from CoronarySegLib.centreline import CentrelineTree
from CoronarySegLib.measurement import MeasurementOptions
from CoronarySegLib.measurement.reference import healthy_reference
from CoronarySegLib.measurement.sampling import sampled

OPTIONS = MeasurementOptions()


def reference_of(tree):
    samples = sampled(tree, OPTIONS)
    return samples, healthy_reference(tree, samples, [s.inscribed_diameter_mm for s in samples], OPTIONS)


def worst_error(found, healthy_tree) -> float:
    """Largest relative error away from the first point of a branch, which belongs to the mother as well."""
    healthy = sampled(healthy_tree, OPTIONS)
    return max(float(np.abs(a / b.inscribed_diameter_mm - 1.0)[4:].max()) for a, b in zip(found, healthy, strict=True))


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("at_mm", [12.0, 40.0, 66.0])
def test_a_lesion_does_not_draw_its_own_reference_down(share, at_mm):
    _, found = reference_of(single(narrowings=[Narrowing(at_mm, share, 14.0)], noise_mm=0.05))
    assert worst_error(found, single()) < 0.07


def test_several_lesions_over_half_of_a_vessel_do_not_either():
    lesions = [Narrowing(15.0, 0.5, 14.0), Narrowing(33.0, 0.7, 16.0), Narrowing(55.0, 0.4, 12.0)]
    _, found = reference_of(single(narrowings=lesions, noise_mm=0.05))
    assert worst_error(found, single()) < 0.08


def test_noise_alone_gives_the_taper_back():
    _, found = reference_of(single(noise_mm=0.1))
    assert worst_error(found, single()) < 0.03


def test_steps_at_side_branches_are_followed():
    _, found = reference_of(forked(noise_mm=0.05))
    assert worst_error(found, forked()) < 0.05
    assert found[0][-1] - found[2][0] > 0.4  # the step itself is there and is not smoothed away


def test_a_stretch_that_is_diseased_throughout_is_lifted_by_what_follows():
    short = (25.0, 8.0, 40.0)
    ill = forked(main=((3.6, 3.5), (1.2, 1.2), (2.3, 2.1)), lengths_mm=short)
    _, found = reference_of(ill)
    assert found[2].min() > 2.2


def test_a_left_main_diseased_throughout_is_lifted_by_the_bifurcation_law():
    daughters = (3.6, 3.2)
    law = sum(d**2.4 for d in daughters) ** (1 / 2.4)
    trunk = branch((0, 0, 0), (0, 0, -1), 12.0, (1.8, 1.8), name="LM")
    ends = trunk.points_lps_mm[-1]
    pair = [
        branch(ends, (sign, 0, -1), 50.0, (d, d), parent=0, name=name)
        for sign, d, name in zip((1, -1), daughters, ("LAD", "LCx"), strict=True)
    ]
    _, found = reference_of(CentrelineTree("left", (trunk, *pair)))
    assert found[0].mean() == pytest.approx(law, rel=0.05)


def test_an_ectasia_does_not_lift_the_reference():
    _, found = reference_of(single(narrowings=[Narrowing(40.0, -0.6, 16.0)], noise_mm=0.05))
    assert worst_error(found, single()) < 0.05


def test_the_closing_dome_of_an_end_does_not_lower_it():
    tree = single((2.0, 2.0))
    radius = tree.branches[0].radius_mm.copy()
    radius[-8:] *= np.linspace(1.0, 0.2, 8)
    from dataclasses import replace

    closed = tree.with_branches([replace(tree.branches[0], radius_mm=radius)])
    _, found = reference_of(closed)
    assert found[0][-1] == pytest.approx(2.0, rel=0.03)


def test_nothing_measured_gives_no_reference():
    tree = single()
    samples = sampled(tree, OPTIONS)
    assert healthy_reference(tree, samples, [np.full(len(s.arc_mm), np.nan) for s in samples], OPTIONS) is None
