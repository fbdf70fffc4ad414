"""From prediction to trees as a whole, and the trees on other grids."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from tree_samples import GRID, LEFT_END, RIGHT_END, at, between, prediction_of, tube

from CoronarySegLib.errors import Cancelled, EmptyResultError
from CoronarySegLib.postprocessing import PostOptions, extract_trees, labels_on
from CoronarySegLib.volume import Geometry, Volume


def rotated(spacing_xyz_mm: tuple[float, float, float], shape_zyx: tuple[int, int, int]) -> Geometry:
    angle = np.deg2rad(20.0)
    direction = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    half = (np.asarray(shape_zyx[::-1]) - 1) / 2.0 * spacing_xyz_mm
    origin = GRID.centre_lps_mm - direction @ half
    return Geometry(shape_zyx, spacing_xyz_mm, tuple(origin), tuple(direction.ravel()))


@pytest.fixture(scope="module")
def trees(both):
    return extract_trees(prediction_of(both))


def test_both_trees_of_a_clean_probability_come_out_whole(trees, both):
    assert np.array_equal(trees.labels.array > 0, both >= 0.5)
    assert trees.threshold_used == 0.5


def test_the_cleaned_probability_says_the_same_as_the_labels(both):
    rng = np.random.default_rng(3)
    noise = ndimage.gaussian_filter(rng.standard_normal(both.shape), 1.2)
    noisy = np.clip(both * rng.uniform(0.6, 1.0, both.shape) + (noise > 3.2 * noise.std()) * 0.8, 0, 1)
    trees = extract_trees(prediction_of(noisy))
    assert np.array_equal(trees.lumen.array >= trees.threshold_used, np.isin(trees.labels.array, (1, 2)))
    assert trees.components_dropped > 0


def test_an_input_probability_is_left_as_it_was(both):
    prediction = prediction_of(both.copy())
    before = prediction.lumen.array.copy()
    extract_trees(prediction)
    assert np.array_equal(prediction.lumen.array, before)


def test_what_is_rather_a_vein_is_no_lumen_and_an_unsure_vein_takes_nothing(both):
    vein = np.zeros_like(both)
    half = both.shape[2] // 2
    vein[..., half:] = np.where(both[..., half:] > 0, 0.99, 0.0)
    lumen = 0.9 * both
    found, kept = (
        extract_trees(replace(prediction_of(lumen), vein=Volume(v.astype(np.float32), GRID)), options)
        for v, options in ((vein, PostOptions()), (0.4 * vein, PostOptions()))
    )
    assert not (found.labels.array[..., half:] > 0).any()
    assert (found.labels.array[..., :half] > 0).any()
    assert np.array_equal(kept.labels.array, extract_trees(prediction_of(lumen)).labels.array)
    ignored = extract_trees(
        replace(prediction_of(lumen), vein=Volume(vein, GRID)), PostOptions(exclude_veins=False)
    )
    assert np.array_equal(ignored.labels.array, kept.labels.array)


@pytest.mark.parametrize("field", [np.zeros(GRID.shape_zyx, np.float32), np.full(GRID.shape_zyx, np.nan, np.float32)])
def test_nothing_found_is_an_error_and_not_an_empty_mask(field):
    with pytest.raises(EmptyResultError):
        extract_trees(prediction_of(field))


def test_specks_alone_are_an_empty_result():
    with pytest.raises(EmptyResultError, match="No coronary tree"):
        extract_trees(prediction_of(tube((0, 0, 0), (1, 0, 0), 1.0)))


def test_a_chamber_alone_is_an_empty_result():
    with pytest.raises(EmptyResultError, match="chamber"):
        extract_trees(prediction_of(tube((0, 0, -5), (3, 0, -5), 9.0)))


def test_a_fixed_threshold_above_everything_is_an_empty_result(both):
    with pytest.raises(EmptyResultError, match=r"0\.95"):
        extract_trees(prediction_of(0.9 * both), PostOptions(threshold=0.95))


def test_the_papers_filter_keeps_one_tree(both):
    trees = extract_trees(prediction_of(both), PostOptions.paper())
    assert len(trees.sides) == 1
    assert any("missing" in text for text in trees.warnings)


def test_keeping_two_components_keeps_both_trees(both):
    trees = extract_trees(prediction_of(both), replace(PostOptions.paper(), keep=2))
    assert trees.sides == ("left", "right")


def test_the_papers_opening_removes_a_thin_branch(both):
    branch = tube(between(LEFT_END, (34, -24, -20), 0.4), (34, -24, -20), 0.5)
    thin = np.maximum(both, tube(LEFT_END, (34, -24, -20), 0.5))
    assert (extract_trees(prediction_of(thin)).labels.array[branch >= 0.5] == 1).all()
    opened = extract_trees(prediction_of(thin), PostOptions(opening=True, weak_threshold=None))
    assert not opened.labels.array[branch >= 0.5].any()


def test_opening_everything_away_says_what_to_do():
    with pytest.raises(EmptyResultError, match="opening"):
        extract_trees(prediction_of(tube((0, 0, 0), (30, 0, 0), 0.45)), PostOptions.paper())


@pytest.mark.parametrize("values", [{"threshold": 0.0}, {"threshold": 1.5}, {"weak_threshold": -1.0}, {"keep": 0}])
def test_impossible_options_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        PostOptions(**values)


def test_a_progress_callback_can_stop_it(both):
    with pytest.raises(Cancelled):
        extract_trees(prediction_of(both), progress=lambda fraction, text: fraction < 0.5)


def test_the_same_grid_gives_the_same_labels(trees):
    assert np.array_equal(labels_on(trees, None, GRID).array, trees.labels.array)


@pytest.mark.parametrize("spacing", [(0.35, 0.35, 0.4), (0.5, 0.4, 0.625)])
def test_volumes_survive_the_way_to_an_oblique_input_grid(trees, spacing):
    shape = tuple(int(70 / s) for s in reversed(spacing))
    labels = labels_on(trees, None, rotated(spacing, shape))
    for name, value in (("left", 1), ("right", 2)):
        volume = np.count_nonzero(labels.array == value) * np.prod(spacing)
        assert volume == pytest.approx(trees.volume_mm3(name), rel=0.05)


def test_labels_lie_at_the_same_places_on_an_oblique_grid(trees):
    grid = rotated((0.4, 0.4, 0.5), (140, 200, 200))
    labels = labels_on(trees, None, grid)
    for point, value in (((20, -8, 12), 1), ((-25, -18, 5), 2)):
        assert labels.array[tuple(np.rint(grid.index_of(point)[::-1]).astype(int))] == value


def test_a_grid_elsewhere_stays_empty(trees):
    elsewhere = replace(GRID, origin_lps_mm=(500.0, 0.0, 0.0))
    assert not labels_on(trees, None, elsewhere).array.any()


def test_calcium_travels_to_the_other_grid(trees):
    array = trees.labels.array.copy()
    array[at((20, -8, 14))] = 3
    z, y, x = at((20, -8, 15))
    array[z - 2 : z + 3, y - 2 : y + 3, x - 2 : x + 3] = 3
    labels = labels_on(replace(trees, labels=Volume(array, GRID)), None, rotated((0.4, 0.4, 0.4), (160, 200, 200)))
    assert (labels.array == 3).any()


def test_the_summary_names_volumes_and_counts(trees):
    assert "left" in trees.summary()
    assert "reconnected" in trees.summary()
    assert trees.labels.array[at(RIGHT_END)] == 2
