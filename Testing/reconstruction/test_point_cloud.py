"""The trees as coloured points."""

import numpy as np
import pytest
from surface_samples import GRID, capsule, share, trees_of

from CoronarySegLib.errors import EmptyResultError
from CoronarySegLib.inference.prediction import Prediction
from CoronarySegLib.reconstruction import point_cloud, reconstruct
from CoronarySegLib.volume import Volume

WIDE = capsule((-8, -6, 0), (8, -6, 0), 1.8)
NARROW = capsule((-8, 6, 0), (8, 6, 0), 1.0)


@pytest.fixture(scope="module")
def trees():
    return trees_of(share(WIDE, GRID), 0.8 * share(NARROW, GRID))


@pytest.fixture(scope="module")
def surfaces(trees):
    return reconstruct(trees)


@pytest.fixture(scope="module")
def prediction(trees):
    return Prediction(lumen=trees.lumen, ct=Volume(np.zeros(GRID.shape_zyx, np.float32), GRID), engine="test")


def test_distance_is_the_local_radius(surfaces):
    cloud = point_cloud(surfaces)
    assert np.median(cloud.scalar[cloud.side == 1]) == pytest.approx(1.8, abs=0.2)
    assert np.median(cloud.scalar[cloud.side == 2]) == pytest.approx(1.0, abs=0.25)
    assert cloud.unit == "mm"


def test_confidence_is_the_probability_below_the_wall(surfaces, prediction):
    cloud = point_cloud(surfaces, prediction, kind="confidence")
    assert np.median(cloud.scalar[cloud.side == 1]) == pytest.approx(1.0, abs=0.05)
    assert np.median(cloud.scalar[cloud.side == 2]) == pytest.approx(0.8, abs=0.05)
    assert cloud.colour_range == (0.0, 1.0)


def test_points_lie_on_the_walls(surfaces):
    cloud = point_cloud(surfaces)
    wall = np.minimum(WIDE(cloud.points_lps_mm), NARROW(cloud.points_lps_mm))
    assert np.abs(wall).mean() < 0.1


def test_the_number_of_points_is_limited_and_both_trees_keep_their_share(surfaces):
    cloud = point_cloud(surfaces, maximum_points=500)
    assert len(cloud) <= 501
    assert set(np.unique(cloud.side)) == {1, 2}


def test_the_same_surfaces_give_the_same_points(surfaces):
    first, second = (point_cloud(surfaces, maximum_points=700) for _ in range(2))
    assert np.array_equal(first.points_lps_mm, second.points_lps_mm)


def test_colours_run_from_dark_to_bright_with_the_scalar(surfaces):
    cloud = point_cloud(surfaces)
    brightness = cloud.colours_rgb().astype(int).sum(1)
    assert cloud.colours_rgb().dtype == np.uint8
    assert brightness[np.argmax(cloud.scalar)] > brightness[np.argmin(cloud.scalar)]


def test_an_unknown_kind_is_refused(surfaces):
    with pytest.raises(ValueError, match="kind"):
        point_cloud(surfaces, kind="colour")


def test_confidence_without_a_prediction_is_refused(surfaces):
    with pytest.raises(ValueError, match="prediction"):
        point_cloud(surfaces, kind="confidence")


def test_no_surface_is_an_empty_result():
    with pytest.raises(EmptyResultError):
        point_cloud({})
