from dataclasses import replace

import numpy as np
import pytest
from inference_samples import heart_volume, save_two_stage_model, save_whole_model

from CoronarySegLib.errors import Cancelled, ModelError, NotACoronaryCTError
from CoronarySegLib.inference import predict
from CoronarySegLib.inference.locator import locate
from CoronarySegLib.inference.region import fine_region
from CoronarySegLib.inference.stage_inputs import stage_channels
from CoronarySegLib.models import ModelCard, save_model
from CoronarySegLib.preparation import resample, resized_grid
from CoronarySegLib.volume import Geometry, Volume


@pytest.fixture(scope="module")
def a_model(tmp_path_factory):
    return save_two_stage_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def a_prediction(a_model):
    return predict(heart_volume(), a_model, device="torch")


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_the_bars_are_found_where_they_are(a_prediction):
    truth = resample(heart_volume(), a_prediction.lumen.geometry, interpolation="linear", fill=-1024).array > 350
    assert dice(a_prediction.lumen.array > 0.5, truth) > 0.97


def test_a_rotated_input_gives_the_same_in_space(a_model, a_prediction):
    volume = heart_volume()
    geometry = volume.geometry
    direction = (0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
    origin = tuple(-np.reshape(direction, (3, 3)) @ ((np.asarray(geometry.size_xyz) - 1) / 2 * 2.0) - 1.0)
    turned = resample(volume, Geometry(geometry.shape_zyx, geometry.spacing_xyz_mm, origin, direction), fill=-1000)
    lumen = resample(predict(turned, a_model, device="torch").lumen, a_prediction.lumen.geometry, fill=0)
    assert dice(lumen.array > 0.5, a_prediction.lumen.array > 0.5) > 0.95


def test_left_and_right_priors_lie_on_their_sides(a_prediction):
    for prior, sign in ((a_prediction.left_prior, 1), (a_prediction.right_prior, -1)):
        index = np.argwhere(prior.array > 0.5)
        assert sign * prior.geometry.points_lps(index.mean(0)[::-1])[0] > 15


def test_a_stage_may_see_contrast_in_units_of_the_arteries_that_were_found(a_model):
    volume = heart_volume()
    location = locate(volume, a_model, device="torch")
    assert location.of_arteries_hu == pytest.approx(-100 + 0.9 * 900, abs=10)
    stage = replace(a_model.card.stage("vessels"), inputs=("ct", "contrast"))
    inputs = stage_channels(stage, volume, {}, of_arteries_hu=location.of_arteries_hu)
    for hu in (500.0, 800.0):
        assert inputs[1][volume.array == hu] == pytest.approx((hu + 100) / (1.5 * 0.9 * 900), abs=0.01)
    assert not stage_channels(stage, volume, {})[1].any()


def test_the_fine_grid_is_the_models_and_covers_only_the_bars(a_prediction):
    geometry = a_prediction.lumen.geometry
    assert geometry.spacing_xyz_mm == (1.0, 1.0, 1.0)
    assert geometry.same_grid(a_prediction.ct.geometry)
    extent_z, extent_y, extent_x = geometry.shape_zyx
    assert 50 <= extent_z <= 75
    assert 20 <= extent_y <= 40
    assert 70 <= extent_x <= 90


def test_the_other_outputs_timings_and_engine_are_there(a_prediction):
    assert a_prediction.calcium.array.max() < 0.5
    assert a_prediction.vein.array.max() < 0.5
    assert set(a_prediction.timings) == {"locate", "prepare", "predict"}
    assert a_prediction.engine.startswith("torch")
    assert a_prediction.warnings == ()


def test_what_is_bright_far_from_the_heart_is_not_painted(a_model):
    volume = heart_volume()
    volume.array[30:40, 30:40, 67:70] = 700.0
    geometry = volume.geometry
    prediction = predict(volume, a_model, device="torch", quality="best")
    lumen = resample(prediction.lumen, geometry, interpolation="nearest", fill=0).array
    assert lumen[30:40, 30:40, 67:70].max() < 0.5


@pytest.mark.parametrize("quality", ["fast", "best"])
def test_quality_changes_the_effort_and_not_what_is_found(a_model, a_prediction, quality):
    other = predict(heart_volume(), a_model, device="torch", quality=quality)
    lumen = resample(other.lumen, a_prediction.lumen.geometry, interpolation="nearest", fill=0).array
    assert dice(lumen > 0.5, a_prediction.lumen.array > 0.5) > 0.95


def test_best_mirrors_only_where_training_did(tmp_path):
    model = save_two_stage_model(tmp_path, mirror_axes=(0,))
    assert "2 mirrored passes" in predict(heart_volume(), model, device="torch", quality="best").engine


def test_an_unknown_quality_is_refused(a_model):
    with pytest.raises(ValueError, match="fast, standard, best"):
        predict(heart_volume(), a_model, quality="superb")


def test_the_whole_heart_is_a_larger_region_than_the_corridor(a_model):
    location = locate(heart_volume(), a_model, device="torch")
    corridor, heart = (fine_region(location, 2.0, whole_heart=whole) for whole in (False, True))
    assert heart.wanted.sum() > 2 * corridor.wanted.sum()


def test_the_heart_volume_is_measured(a_model):
    assert locate(heart_volume(), a_model, device="torch").heart_ml == pytest.approx(4 / 3 * np.pi * 5**3, rel=0.05)


def test_a_volume_without_a_heart_is_refused(a_model):
    with pytest.raises(NotACoronaryCTError, match="No heart was found"):
        predict(heart_volume(heart=False), a_model, device="torch")


def test_a_heart_much_too_small_is_refused_with_its_volume(a_model):
    with pytest.raises(NotACoronaryCTError, match=r"only \d+ ml"):
        predict(heart_volume(radius_mm=28), a_model, device="torch")


def test_a_heart_without_coronaries_is_refused_as_lacking_contrast(a_model):
    with pytest.raises(NotACoronaryCTError, match=r"no coronary artery.*without contrast"):
        predict(heart_volume(left=False, right=False), a_model, device="torch")


def test_a_missing_side_is_a_warning(a_model):
    (warning,) = predict(heart_volume(right=False), a_model, device="torch").warnings
    assert "right coronary tree hardly shows" in warning


def test_progress_runs_from_0_to_1_and_never_back(a_model):
    calls = []
    predict(heart_volume(), a_model, device="torch", progress=lambda f, t: calls.append((f, t)))
    fractions = [fraction for fraction, _ in calls]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert all(text for _, text in calls)


def test_cancel_works_in_either_stage(a_model):
    for at in (0.1, 0.6):
        with pytest.raises(Cancelled):
            predict(heart_volume(), a_model, device="torch", progress=lambda f, t, at=at: f < at)


def test_a_model_without_the_vessels_stage_is_a_model_error(a_model, tmp_path):
    import torch
    from safetensors.torch import load_file

    card = a_model.card
    card = ModelCard(card.name, card.profile, "0", "", card.stages[:1], "", "")
    state = {key: value.to(torch.float32) for key, value in load_file(a_model.weights_path("locator")).items()}
    with pytest.raises(ModelError, match="no stage 'vessels'"):
        predict(heart_volume(), save_model(tmp_path, card, {"locator": state}), device="torch")


def test_a_model_that_asks_for_an_unknown_input_is_a_model_error(a_model):
    stage = replace(a_model.card.stage("vessels"), inputs=("ct", "mr", "right_prior"))
    other = replace(a_model, card=a_model.card.with_stage(stage))
    with pytest.raises(ModelError, match="asks for an input 'mr'"):
        predict(heart_volume(), other, device="torch")


def test_the_paper_profile_predicts_the_whole_volume_on_the_input_voxels(tmp_path):
    volume = heart_volume()
    prediction = predict(volume, save_whole_model(tmp_path), device="torch")
    assert prediction.lumen.geometry.same_grid(volume.geometry)
    assert dice(prediction.lumen.array > 0.5, volume.array > 350) > 0.6
    assert 0 <= prediction.lumen.array.min() <= prediction.lumen.array.max() <= 1


def test_the_paper_profile_orders_the_axes_of_any_input(tmp_path):
    volume = heart_volume()
    geometry = volume.geometry
    flipped = Volume(
        volume.array[::-1].copy(),
        Geometry(geometry.shape_zyx, geometry.spacing_xyz_mm, tuple(geometry.points_lps((0, 0, 69))),
                 (1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0)),
    )
    prediction = predict(flipped, save_whole_model(tmp_path), device="torch")
    assert prediction.lumen.geometry.same_grid(geometry)


def test_resizing_keeps_the_box_of_the_volume():
    grid = resized_grid(Geometry((275, 512, 512), (0.4, 0.4, 0.5), (1.0, 2.0, 3.0)), (64, 128, 128))
    assert grid.shape_zyx == (64, 128, 128)
    assert grid.spacing_xyz_mm == pytest.approx((1.6, 1.6, 275 * 0.5 / 64))
    np.testing.assert_allclose(
        grid.points_lps(np.array([-0.5, -0.5, -0.5])), np.array([1.0, 2.0, 3.0]) - np.array([0.2, 0.2, 0.25])
    )
