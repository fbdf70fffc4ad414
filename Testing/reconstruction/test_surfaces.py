"""Surfaces of known vessels: closed, true to size, in the right place."""

import numpy as np
import pytest
from surface_samples import (
    GRID,
    bend,
    capsule,
    capsule_mm3,
    is_watertight_in_a_file,
    joined,
    oblique_grid,
    share,
    trees_of,
)

from CoronarySegLib.errors import Cancelled, EmptyResultError
from CoronarySegLib.postprocessing.trees import LABELS
from CoronarySegLib.reconstruction import SurfaceOptions, reconstruct, reconstruct_labels
from CoronarySegLib.reconstruction.mesh import points_of, triangles_of, volume_and_area
from CoronarySegLib.volume import Geometry, Volume

METHODS = [SurfaceOptions(), SurfaceOptions(method="labels"), SurfaceOptions(method="paper")]
METHOD_NAMES = [options.method for options in METHODS]
ENDS = (-7.0, -3.0, -6.0), (6.0, 5.0, 7.0)
LENGTH = float(np.linalg.norm(np.subtract(*ENDS)))
FORK = joined(
    capsule((-8, 0, 0), (0, 0, 0), 1.6), capsule((0, 0, 0), (7, 5, 2), 1.2), capsule((0, 0, 0), (7, -5, -2), 1.0)
)
SHAPES = {"tube": capsule(*ENDS, 1.5), "bend": bend(7.0, 1.3), "bifurcation": FORK}


@pytest.fixture(scope="module")
def shapes():
    return {name: share(distance, GRID) for name, distance in SHAPES.items()}


@pytest.mark.parametrize("options", METHODS, ids=METHOD_NAMES)
@pytest.mark.parametrize("name", SHAPES)
def test_every_method_gives_one_watertight_part(shapes, name, options):
    surface = reconstruct(trees_of(shapes[name]), options=options)["left"]
    assert surface.report.watertight
    assert surface.report.components == 1
    assert is_watertight_in_a_file(surface.polydata)


@pytest.mark.parametrize(("radius", "tolerance"), [(0.75, 0.09), (1.0, 0.06), (1.5, 0.035), (2.0, 0.03)])
def test_the_default_encloses_the_volume_of_the_vessel(radius, tolerance):
    report = reconstruct(trees_of(share(capsule(*ENDS, radius), GRID)))["left"].report
    assert report.volume_mm3 == pytest.approx(capsule_mm3(LENGTH, radius), rel=tolerance)


@pytest.mark.parametrize("name", SHAPES)
def test_the_default_encloses_what_the_shares_add_up_to(shapes, name):
    report = reconstruct(trees_of(shapes[name]))["left"].report
    assert report.volume_mm3 == pytest.approx(shapes[name].sum() * GRID.voxel_mm3, rel=0.04)


def test_the_report_measures_the_diameter_at_the_axis(shapes):
    report = reconstruct(trees_of(shapes["tube"]))["left"].report
    assert report.steps[-1].mean_diameter_mm == pytest.approx(3.0, abs=0.25)


def test_smoothing_of_the_default_keeps_the_volume(shapes):
    steps = reconstruct(trees_of(shapes["bifurcation"]))["left"].report.steps
    assert [step.name for step in steps] == ["iso-surface", "windowed sinc", "volume kept"]
    assert steps[-1].volume_mm3 == pytest.approx(steps[0].volume_mm3, rel=1e-3)


def test_the_paper_shrinks_a_thin_vessel_and_the_report_says_so():
    trees = trees_of(share(capsule(*ENDS, 0.6), GRID))
    step = reconstruct(trees, options=SurfaceOptions(method="paper"))["left"].report.steps[-1]
    assert step.name == "Laplacian"
    assert step.volume_change_percent < -20.0
    assert step.thin_diameter_change_percent < -10.0


def test_the_paper_keeps_the_largest_part_only(shapes):
    two = np.maximum(shapes["tube"], share(capsule((-8, 8, -8), (-4, 8, -8), 1.2), GRID))
    report = reconstruct(trees_of(two), options=SurfaceOptions(method="paper"))["left"].report
    assert (report.components, report.removed_parts) == (1, 1)


def test_a_speck_beside_the_tree_goes_and_a_fragment_stays(shapes):
    speck = share(capsule((-9, 9, 0), (-9, 9, 0.1), 0.5), GRID)
    fragment = share(capsule((-8, 8, -8), (-4, 8, -8), 1.2), GRID)
    report = reconstruct(trees_of(np.maximum.reduce([shapes["tube"], speck, fragment])))["left"].report
    assert (report.components, report.removed_parts) == (2, 1)


def test_a_cavity_gives_no_inner_wall():
    field = share(capsule((-2, 0, 0), (2, 0, 0), 4.0), GRID)
    field[22:26, 22:26, 22:26] = 0.0
    report = reconstruct(trees_of(field))["left"].report
    assert (report.components, report.removed_parts) == (1, 1)


@pytest.mark.parametrize("options", METHODS, ids=METHOD_NAMES)
@pytest.mark.parametrize("mirrored", [False, True])
def test_an_oblique_grid_gives_outward_normals_at_the_right_place(options, mirrored):
    grid = oblique_grid(mirrored)
    ends = np.array([(24.0, -23.0, 95.0), (35.0, -18.0, 106.0)])
    trees = trees_of(share(capsule(*ends, 1.6), grid), grid=grid)
    polydata = reconstruct(trees, options=options)["left"].polydata
    points, triangles = points_of(polydata), triangles_of(polydata)
    assert volume_and_area(points, triangles)[0] > 0
    assert points.mean(0) == pytest.approx(ends.mean(0), abs=0.2)
    normals = np.array([polydata.GetPointData().GetNormals().GetTuple3(i) for i in range(0, len(points), 97)])
    course = ends[1] - ends[0]
    place = np.clip((points[::97] - ends[0]) @ course / (course @ course), 0, 1)
    outward = points[::97] - ends[0] - place[:, None] * course
    assert (np.einsum("ij,ij->i", normals, outward) > 0).mean() > 0.99


def test_the_distance_to_the_true_wall_is_a_fraction_of_a_voxel():
    grid = oblique_grid()
    ends = np.array([(24.0, -23.0, 95.0), (35.0, -18.0, 106.0)])
    wall = capsule(*ends, 1.6)
    surface = reconstruct(trees_of(share(wall, grid), grid=grid))["left"]
    distance = np.abs(wall(points_of(surface.polydata)))
    assert distance.mean() < 0.05
    assert distance.max() < 0.3


@pytest.mark.parametrize("options", METHODS, ids=METHOD_NAMES)
def test_a_tree_cut_by_the_border_of_the_volume_is_closed(options):
    trees = trees_of(share(capsule((-20, 0, 0), (20, 3, 2), 1.8), GRID))
    assert reconstruct(trees, options=options)["left"].report.watertight


@pytest.mark.parametrize("options", METHODS, ids=METHOD_NAMES)
def test_touching_trees_stay_two_closed_surfaces(options):
    left = share(capsule((1.0, -8, 0), (1.0, 8, 0), 1.3), GRID)
    right = share(capsule((-1.0, -8, 3), (-1.0, 8, -3), 1.3), GRID)
    surfaces = reconstruct(trees_of(left, right), options=options)
    for name, limit in (("left", -0.6), ("right", 0.6)):
        assert surfaces[name].report.watertight
        assert surfaces[name].report.components == 1
        # The tubes overlap by 0.6 mm; neither wall may lie more than half a voxel beyond its own tube.
        x = points_of(surfaces[name].polydata)[:, 0]
        assert (x.min() > limit) if name == "left" else (x.max() < limit)


@pytest.mark.parametrize("options", METHODS, ids=METHOD_NAMES)
def test_a_single_voxel_still_gives_a_watertight_surface(options):
    field = np.zeros(GRID.shape_zyx, np.float32)
    field[20, 20, 20] = 1.0
    assert reconstruct(trees_of(field), options=options)["left"].report.watertight


@pytest.mark.parametrize("options", METHODS, ids=METHOD_NAMES)
def test_voxels_touching_at_corners_give_a_watertight_surface(options):
    field = np.zeros(GRID.shape_zyx, np.float32)
    for step in range(12):
        field[10 + step, 10 + step, 10 + step // 2] = 1.0
    assert reconstruct(trees_of(field), options=options)["left"].report.watertight


def test_a_corrected_segmentation_alone_gives_surfaces_on_its_own_grid():
    grid = oblique_grid()
    mask = share(capsule((24.0, -23.0, 95.0), (35.0, -18.0, 106.0), 1.6), grid) >= 0.5
    report = reconstruct_labels(Volume(mask.astype(np.uint8) * 2, grid))["right"].report
    assert report.watertight
    assert report.volume_mm3 == pytest.approx(mask.sum() * grid.voxel_mm3, rel=0.03)


def test_calcium_becomes_a_surface_of_its_own(shapes):
    trees = trees_of(shapes["tube"])
    trees.labels.array[30:33, 5:8, 5:8] = LABELS["calcium"]
    trees.labels.array[20:23, 40:43, 5:8] = LABELS["calcium"]
    surfaces = reconstruct(trees)
    assert set(surfaces) == {"left", "calcium"}
    assert surfaces["calcium"].report.components == 2
    assert "calcium" not in reconstruct(trees, options=SurfaceOptions(calcium=False))


def test_trees_without_a_voxel_are_an_error_with_advice():
    with pytest.raises(EmptyResultError, match="Segment again"):
        reconstruct(trees_of(None))


def test_labels_without_the_wanted_values_are_an_error_that_names_them():
    with pytest.raises(EmptyResultError, match="left = 1"):
        reconstruct_labels(Volume(np.full((5, 5, 5), 9, np.uint8), Geometry((5, 5, 5), (1.0, 1.0, 1.0))))


@pytest.mark.parametrize("values", [{"method": "fancy"}, {"pass_band": 0.0}])
def test_impossible_surface_options_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        SurfaceOptions(**values)


def test_a_progress_callback_can_stop_the_reconstruction(shapes):
    with pytest.raises(Cancelled):
        reconstruct(trees_of(shapes["tube"]), progress=lambda fraction, text: False)


def test_the_summary_has_a_line_for_each_step(shapes):
    summary = reconstruct(trees_of(shapes["tube"]))["left"].report.summary()
    assert summary.startswith("watertight")
    assert len(summary.splitlines()) == 4
