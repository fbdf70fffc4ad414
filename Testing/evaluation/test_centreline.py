import numpy as np
import pytest
from evaluation_samples import GRID, straight_branch, tube_mask

from CoronarySegLib.evaluation import centreline_of_branches, centreline_of_mask
from CoronarySegLib.evaluation.centreline import near_mask
from CoronarySegLib.volume import Geometry

OBLIQUE = Geometry((40, 48, 48), (0.4, 0.4, 0.7), (3.0, -7.0, 11.0), (0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1))


def test_length_of_a_branch_is_shared_among_its_points():
    line = centreline_of_branches([straight_branch()])
    assert line.length_mm.sum() == pytest.approx(18.0)


def test_skeleton_of_a_tube_has_its_radius_and_about_its_length():
    line = centreline_of_mask(tube_mask(GRID, (0.0, 0.0), 1.5), GRID)
    assert np.median(line.radius_mm) == pytest.approx(1.5, abs=0.25)
    assert line.length_mm.sum() == pytest.approx(18.0, rel=0.2)


def test_skeleton_of_a_tube_lies_on_its_axis_on_an_oblique_grid_with_thick_slices():
    centre = OBLIQUE.centre_lps_mm
    mask = tube_mask(OBLIQUE, tuple(centre[:2]), 1.6, (centre[2] - 9, centre[2] + 9))
    line = centreline_of_mask(mask, OBLIQUE)
    assert np.hypot(*(line.points_lps_mm[:, :2] - centre[:2]).T).mean() < 0.45


def test_a_mask_within_the_lumen_radius_is_near_and_one_beside_the_vessel_is_not():
    line = centreline_of_branches([straight_branch(radius_mm=1.5)])
    assert near_mask(line, tube_mask(GRID, (1.0, 0.0), 0.4), GRID).all()
    assert not near_mask(line, tube_mask(GRID, (3.0, 0.0), 0.4), GRID).any()


def test_nothing_is_near_an_empty_mask():
    line = centreline_of_branches([straight_branch()])
    assert not near_mask(line, np.zeros(GRID.shape_zyx, bool), GRID).any()


def test_the_centreline_of_an_empty_mask_has_no_points():
    assert len(centreline_of_mask(np.zeros((4, 4, 4), bool), GRID)) == 0
