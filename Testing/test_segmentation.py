import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from CoronarySegLib.errors import Cancelled, EmptyResultError, ModelError, NotACoronaryCTError
from CoronarySegLib.postprocessing import PostOptions
from CoronarySegLib.segmentation import SegmentOptions, segment
from CoronarySegLib.volume import Geometry, Volume

sys.path.insert(0, str(Path(__file__).parent / "inference"))
from inference_samples import heart_volume, save_two_stage_model, save_whole_model

# The ball with two bars that stands for a heart is no chest: the checks of the input would rightly refuse it.
UNCHECKED = SegmentOptions(check=False)


@pytest.fixture(scope="module")
def a_model(tmp_path_factory):
    return save_two_stage_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def a_run(a_model):
    calls = []
    volume = replace(heart_volume(), warnings=("The rescale slope was missing.",))
    result = segment(
        volume, model=a_model, device="torch", options=UNCHECKED, progress=lambda f, t: calls.append((f, t))
    )
    return volume, result, calls


def test_both_trees_are_found_on_the_input_grid(a_run):
    volume, result, _ = a_run
    assert result.labels.geometry == result.probability.geometry == volume.geometry
    for label, low, high in ((1, 400, 650), (2, 700, 3000)):
        truth = (volume.array > low) & (volume.array < high)
        found = result.labels.array == label
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.9


def test_labels_are_uint8_and_the_probability_float32_between_0_and_1(a_run):
    _, result, _ = a_run
    assert result.labels.array.dtype == np.uint8
    assert result.probability.array.dtype == np.float32
    assert 0 <= result.probability.array.min() < result.probability.array.max() <= 1


def test_the_probability_crosses_the_threshold_where_the_labels_end(a_run):
    _, result, _ = a_run
    lumen = np.isin(result.labels.array, (1, 2))
    near = ndimage.binary_dilation(lumen, np.ones((3, 3, 3)))
    assert np.array_equal((result.probability.array >= result.trees.threshold_used)[near], lumen[near])


def test_surfaces_are_watertight_and_lie_on_the_vessels(a_run):
    _, result, _ = a_run
    assert set(result.surfaces) == {"left", "right"}
    for name, centre_x in (("left", 25), ("right", -25)):
        surface = result.surfaces[name]
        low, high = surface.polydata.GetBounds()[:2]
        assert surface.report.watertight
        assert (low + high) / 2 == pytest.approx(centre_x, abs=1.5)


def test_both_point_clouds_are_made(a_run):
    _, result, _ = a_run
    assert {kind: cloud.kind for kind, cloud in result.point_clouds.items()} == {
        "distance": "distance", "confidence": "confidence",
    }


def test_every_step_is_timed_in_order(a_run):
    _, result, _ = a_run
    assert list(result.timings) == [
        "check", "locate", "prepare", "predict", "postprocess", "walls", "input_grid", "surfaces",
    ]


def test_warnings_of_the_input_come_through(a_run):
    assert a_run[1].warnings[0] == "The rescale slope was missing."


def test_the_card_of_the_model_is_part_of_the_result(a_run, a_model):
    assert a_run[1].model_card == a_model.card


def test_progress_speaks_and_never_goes_back(a_run):
    fractions = [fraction for fraction, _ in a_run[2]]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    texts = {text.split(" (")[0] for _, text in a_run[2]}
    assert {"Finding the heart", "Following the coronaries", "Bringing the result to the input grid"} <= texts


@pytest.mark.parametrize("at", [0.02, 0.5, 0.8, 0.9])
def test_cancel_is_heard_in_every_part(a_model, at):
    with pytest.raises(Cancelled):
        segment(heart_volume(), model=a_model, device="torch", options=UNCHECKED, progress=lambda done, text: done < at)


def test_the_paper_model_goes_the_same_way(tmp_path):
    options = SegmentOptions(check=False, post=PostOptions(plausible_mm3=10))
    result = segment(heart_volume(), model=save_whole_model(tmp_path), device="torch", options=options)
    assert result.prediction.left_prior is None
    assert set(np.unique(result.labels.array)) >= {0, 1, 2}


def test_what_is_no_ct_of_the_heart_is_refused_by_the_checks(a_model):
    air = Volume(np.full((60, 100, 100), -1000, np.int16), Geometry((60, 100, 100), (2.0, 2.0, 2.0)))
    with pytest.raises(NotACoronaryCTError):
        segment(air, model=a_model)


def test_an_empty_prediction_is_an_error_and_no_empty_mask(a_model):
    # No piece is ever as large as a litre.
    options = SegmentOptions(check=False, post=PostOptions(minimum_tree_mm3=1e6, minimum_fragment_mm3=1e6))
    with pytest.raises(EmptyResultError):
        segment(heart_volume(), model=a_model, device="torch", options=options)


def test_an_unknown_model_is_told_before_the_work(a_model):
    calls = []
    with pytest.raises(ModelError):
        segment(heart_volume(), model="no such model", progress=lambda f, t: calls.append(f))
    assert calls == []


def test_an_unknown_quality_is_refused():
    with pytest.raises(ValueError, match="fast, standard, best"):
        SegmentOptions(quality="superb")
