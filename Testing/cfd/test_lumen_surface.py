"""The lumen's surface against analytic vessels: one piece, no loop, and the diameters that went in."""

from __future__ import annotations

import numpy as np
import pytest
import shapes
from lumens import truth_tree
from opened_samples import branch
from scipy import ndimage
from skimage.measure import euler_number

from CoronarySegLib.centreline.tree import CentrelineTree
from CoronarySegLib.cfd.ledger import LumenLedger
from CoronarySegLib.cfd.loops import _opening, tunnels_of, without_loops
from CoronarySegLib.cfd.quality import quality_report
from CoronarySegLib.cfd.ruler import ruler_along
from CoronarySegLib.cfd.shape_quality import topology_of
from CoronarySegLib.cfd.sparse_voxels import SparseVoxels
from CoronarySegLib.cfd.surface import LumenSurfaceOptions, lumen_surface
from CoronarySegLib.errors import EmptyResultError, InputError
from CoronarySegLib.reconstruction.mesh import volume_and_area
from CoronarySegLib.volume import Geometry, Volume

OBLIQUE = ((0.4, 0.4, 0.6), (20, 0, 35))

DEFAULT = LumenSurfaceOptions()


def made(shape, options=DEFAULT, kind="mask", spacing=OBLIQUE[0], angles=OBLIQUE[1]):
    grid = shapes.grid_round(shape, spacing, angles)
    lumen = (shapes.mask_of if kind == "mask" else shapes.probability_of)(shape, grid)
    return lumen_surface(lumen, truth_tree(shape), options)


@pytest.mark.parametrize("kind", ["mask", "probability"])
def test_every_branch_of_a_bifurcation_keeps_its_diameter(kind):
    surface = made(shapes.bifurcating(), kind=kind)
    assert [b.diameter_mm for b in surface.steps[-1].branches] == pytest.approx([4.0, 3.2, 2.6], rel=0.015)


def test_the_surface_is_closed_manifold_and_of_one_piece():
    surface = made(shapes.bifurcating())
    found = topology_of(surface.points_mm, surface.triangles)
    assert (found.closed, found.manifold, found.components, found.loops, found.turned) == (True, True, 1, 0, 0)
    assert found.volume_mm3 > 0


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_mirrored_grid_has_its_normals_outward_too(mirrored):
    shape = shapes.bent(2.5, 6.0, 120.0)
    grid = shapes.grid_round(shape, *OBLIQUE, mirrored=mirrored)
    surface = lumen_surface(shapes.mask_of(shape, grid), truth_tree(shape))
    assert volume_and_area(surface.points_mm, surface.triangles)[0] > 0
    assert abs(surface.steps[-1].volume_against_mask_percent) < 1.0


def test_smoothing_takes_the_voxels_steps_and_no_diameter():
    shape = shapes.straight(2.0, 16.0)
    stepped, smooth = made(shape, LumenSurfaceOptions(smoothing="none")), made(shape)
    assert abs(smooth.steps[-1].branches[0].against_mask_percent) < 0.5
    # Without steps the largest sphere that fits is wider in the same section.
    assert smooth.steps[-1].branches[0].inscribed_mm > 1.03 * stepped.steps[-1].branches[0].inscribed_mm


def test_the_smallest_lumen_of_a_stenosis_is_kept():
    branch = made(shapes.stenosed(3.0, 0.4, 6.0, 20.0), spacing=(0.3, 0.3, 0.4)).steps[-1].branches[0]
    assert branch.smallest_mm < 0.7 * branch.diameter_mm
    assert abs(branch.smallest_change_percent) < 5.0


def test_a_voxel_that_sticks_out_leaves_no_spike():
    shape = shapes.straight(3.0, 14.0)
    grid = shapes.grid_round(shape, (0.4, 0.4, 0.4))
    mask = shapes.mask_of(shape, grid)
    x, y, z = np.rint(grid.index_of(np.array([0.0, 0.0, 7.0]))).astype(int)
    mask.array[z, y, x:x + 6] = 1
    surface = lumen_surface(mask, truth_tree(shape))
    assert "creases smoothed" in [step.name for step in surface.steps]
    stepped = lumen_surface(mask, truth_tree(shape), LumenSurfaceOptions(smoothing="none"))
    before, after = (np.hypot(*s.points_mm[:, :2].T).max() for s in (stepped, surface))
    assert before > 2.2
    assert after < 1.5 + 0.4  # less than a voxel over the wall


def test_a_vessel_thinner_than_its_voxels_stays_joined():
    shape = shapes.straight(3.0, 16.0)
    thin = shapes.tube([[0, 0, 0], [0, 0, -12]], 0.3, 0)
    shape = shapes.Shape((*shape.tubes, thin))
    grid = shapes.grid_round(shape, (0.5, 0.5, 0.5), (20, 10, 35))
    mask = shapes.mask_of(shape, grid)
    assert ndimage.label(mask.array)[1] > 1
    whole = lumen_surface(mask, truth_tree(shape))
    broken = lumen_surface(mask, truth_tree(shape), LumenSurfaceOptions(thread_radius_mm=0.0))
    assert topology_of(whole.points_mm, whole.triangles).components == 1
    assert whole.points_mm[:, 2].min() < -11.0 < broken.points_mm[:, 2].min()


def test_a_vessel_whose_voxels_share_a_corner_only_keeps_its_distal_part():
    array = np.zeros((16, 16, 40), np.uint8)
    array[4:8, 4:8, 3:20] = 1
    array[8:12, 8:12, 20:36] = 1
    assert (ndimage.label(array)[1], ndimage.label(array, np.ones((3, 3, 3)))[1]) == (2, 1)
    # The smooth course cuts the corner outside of the lumen.
    spacing = np.array([0.35, 0.35, 0.65])
    course = spacing * np.array([[3, 5.5, 5.5], [16, 5.5, 6.0], [19, 6.0, 9.0], [22, 9.0, 9.5], [36, 9.5, 9.5]])
    tree = CentrelineTree("right", (branch(course, 0.9, name="RCA"),))
    surface = lumen_surface(Volume(array, Geometry(array.shape, tuple(spacing))), tree)
    found = topology_of(surface.points_mm, surface.triangles)
    assert (found.components, found.loops) == (1, 0)
    assert surface.points_mm[:, 0].max() > 12.0


@pytest.mark.parametrize(("spacing", "angles"), [OBLIQUE, ((0.4, 0.4, 0.4), (0, 0, 0))], ids=["oblique", "isotropic"])
def test_a_touch_of_two_branches_is_cut_apart(spacing, angles):
    shape = shapes.touching_branches()
    open_surface = made(shape, spacing=spacing, angles=angles)
    loop = made(shape, LumenSurfaceOptions(open_loops=False), spacing=spacing, angles=angles)
    assert topology_of(loop.points_mm, loop.triangles).loops == 1
    assert topology_of(open_surface.points_mm, open_surface.triangles).loops == 0
    assert open_surface.cut_mm3 > 0
    assert max(abs(b.against_mask_percent) for b in open_surface.steps[-1].branches) < 3.0


def test_two_branches_side_by_side_behind_their_junction_are_cut_where_they_touch_once_more():
    """A thin branch leaves a wide one, runs beside it for long, and touches it again after a gap."""
    array = np.zeros((24, 24, 70), np.uint8)
    array[8:16, 6:13, 4:66] = 1
    array[10:14, 13:16, 10:27] = 1
    array[10:14, 15:21, 24:27] = 1
    array[10:14, 18:21, 24:44] = 1
    array[10:14, 13:21, 41:44] = 1
    tree = CentrelineTree("left", (
        branch([[1.2, 3.6, 4.6], [3.6, 3.6, 4.6]], 1.4, name="LAD"),
        branch([[3.6, 3.6, 4.6], [25.6, 3.6, 4.6]], 1.4, 0, "LAD"),
        branch([[3.6, 3.6, 4.6], [4.4, 5.6, 4.6], [9.6, 5.6, 4.6], [10.2, 7.6, 4.6], [17.2, 7.6, 4.6]], 0.6, 0, "D1"),
    ))
    lumen = Volume(array, Geometry(array.shape, (0.4, 0.4, 0.4)))
    assert -euler_number(array, connectivity=3) == 0
    found = without_loops(array > 0, lumen.geometry, ruler_along(tree))
    assert -euler_number(found.inside, connectivity=3) == -1
    assert 0 < found.cut.sum() < 50
    assert np.argwhere(found.cut)[:, 2].min() >= 40


def test_a_contact_inside_of_the_lumen_is_no_hole():
    """Where a contact is marked deep inside, cutting it out leaves a cavity and opens nothing."""
    inside = np.zeros((9, 9, 9), bool)
    inside[1:8, 1:8, 1:8] = True
    deep = np.zeros_like(inside)
    deep[4, 4, 4:6] = True
    assert not _opening(inside, deep, SparseVoxels(inside)).any()


def test_a_contact_with_a_cavity_in_it_opens_its_loop():
    """Euler's number stays as it is: the tunnel goes, and the cavity with it."""
    inside = np.zeros((9, 20, 20), bool)
    inside[2:7, 2:18, 2:18] = True
    inside[:, 7:13, 7:13] = False
    contact = np.zeros_like(inside)
    contact[2:7, 2:7, 10] = True
    inside[4, 4, 10] = contact[4, 4, 10] = False
    assert euler_number(inside, connectivity=3) == euler_number(inside & ~contact, connectivity=3) == 1
    assert (_opening(inside, contact, SparseVoxels(inside)) == contact).all()


def test_a_narrow_tunnel_is_filled_and_a_wide_one_is_not():
    inside = np.zeros((14, 40, 24), bool)
    inside[4:10, 4:36, 4:20] = True
    inside[:, 8:11, 10:13] = False
    inside[:, 20:32, 7:17] = False
    filled = tunnels_of(inside, (2,))
    assert -euler_number(inside, connectivity=3) == 1
    assert -euler_number(inside | filled, connectivity=3) == 0
    assert np.argwhere(filled)[:, 1].max() < 12


def test_a_pinhole_is_filled():
    shape = shapes.straight(3.0, 16.0)
    grid = shapes.grid_round(shape, (0.4, 0.4, 0.4))
    mask = shapes.mask_of(shape, grid)
    x, y, z = np.rint(grid.index_of(np.array([0.0, 0.0, 8.0]))).astype(int)
    mask.array[z, y, :] &= np.arange(mask.array.shape[2]) != x
    mask.array[z, :, x] = 0
    surface = lumen_surface(mask, truth_tree(shape))
    assert surface.filled_mm3 > 0
    assert topology_of(surface.points_mm, surface.triangles).loops == 0


def test_a_window_in_a_sheet_of_one_voxel_is_filled():
    array = np.zeros((12, 20, 40), np.uint8)
    array[4:8, 4:9, 3:37] = 1
    array[7, 9:15, 14:26] = 1
    array[7, 11, 19:21] = 0
    assert euler_number(array, connectivity=3) == 0
    tree = CentrelineTree("left", (branch([[1.6, 2.6, 2.2], [14.0, 2.6, 2.2]], 1.0, name="LAD"),))
    lumen = Volume(array, Geometry(array.shape, (0.4, 0.4, 0.4)))
    found = without_loops(array > 0, lumen.geometry, ruler_along(tree))
    assert np.argwhere(found.filled).tolist() == [[7, 11, 19], [7, 11, 20]]
    surface = lumen_surface(lumen, tree)
    assert topology_of(surface.points_mm, surface.triangles).loops == 0


def test_the_laplacian_names_its_price():
    shape = shapes.straight(1.5, 16.0)
    kept, shrunk = made(shape), made(shape, LumenSurfaceOptions(smoothing="Laplacian"))
    assert abs(kept.steps[-1].branches[0].against_mask_percent) < 3.0
    assert shrunk.steps[-1].name == "Laplacian"
    assert shrunk.steps[-1].branches[0].change_percent < -10.0
    assert "Laplacian" in shrunk.summary()


def test_a_branch_that_the_surface_has_lost_counts_with_all_of_its_diameter():
    array = np.zeros((12, 12, 60), np.uint8)
    array[4:8, 4:8, 4:56] = 1
    tree = CentrelineTree("right", (branch([[2.0, 2.75, 2.75], [27.5, 2.75, 2.75]], 1.0, name="RCA"),))
    ledger = LumenLedger(Volume(array, Geometry(array.shape, (0.5, 0.5, 0.5))), 0.5, tree)
    speck = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0], [0.0, 0.0, 0.1]]) + 500.0
    step = ledger.add("lost", speck, np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]))
    assert step.branches[0].diameter_mm == 0.0
    assert step.branches[0].mask_mm == pytest.approx(4.0 / np.sqrt(np.pi), rel=0.01)
    assert step.mean_change_percent(2.0) == pytest.approx(100.0)


def test_other_vessels_in_the_mask_are_left_out():
    shape = shapes.straight(3.0, 16.0)
    both = shape.joined(shapes.straight(2.0, 16.0).moved([8, 0, 0]))
    grid = shapes.grid_round(both, *OBLIQUE)
    surface = lumen_surface(shapes.mask_of(both, grid), truth_tree(shape))
    assert surface.left_out_mm3 == pytest.approx(np.pi * 16.0 + 4.2, rel=0.05)
    assert surface.points_mm[:, 0].max() < 4.0


def test_a_loft_has_the_tree_s_diameters():
    surface = made(shapes.bifurcating(), LumenSurfaceOptions(method="loft"))
    assert [b.diameter_mm for b in surface.steps[-1].branches] == pytest.approx([4.0, 3.2, 2.6], rel=0.015)
    report = quality_report(surface.points_mm, surface.triangles)
    assert report["closed"].passed
    assert report["manifold"].passed
    assert report["self_intersections"].passed


def test_branches_of_a_loft_that_touch_are_cut_apart():
    surface = made(shapes.touching_branches(), LumenSurfaceOptions(method="loft"))
    found = topology_of(surface.points_mm, surface.triangles)
    assert (found.components, found.loops) == (1, 0)


def test_an_empty_mask_is_a_named_error():
    shape = shapes.straight(3.0, 16.0)
    mask = shapes.mask_of(shape, shapes.grid_round(shape))
    with pytest.raises(EmptyResultError, match="no lumen"):
        lumen_surface(mask.with_array(np.zeros_like(mask.array)), truth_tree(shape))
    with pytest.raises(EmptyResultError, match="does not run through"):
        lumen_surface(mask, truth_tree(shape.moved([0, 30, 0])))


def test_a_field_beyond_0_and_1_is_refused():
    shape = shapes.straight(3.0, 16.0)
    mask = shapes.mask_of(shape, shapes.grid_round(shape))
    with pytest.raises(InputError, match="between 0 and 1"):
        lumen_surface(mask.with_array(mask.array * np.float32(300.0)), truth_tree(shape))
