"""Several answers to one CT and how far they differ."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from inference_samples import heart_volume
from test_every_system import BARS, NOTHING, a_model, a_stage, of_channel

from CoronarySegLib.cli.main import main
from CoronarySegLib.errors import Cancelled
from CoronarySegLib.inference.ensemble import NOISE_HU, binary_entropy, predict_ensemble, varied
from CoronarySegLib.reading import read_volume

torch.set_num_threads(1)


@pytest.fixture
def two_models(tmp_path):
    return [
        a_model(tmp_path / name, "patches", (a_stage("patches"), of_channel(0, 1, band)))
        for name, band in (("finds", BARS), ("blind", NOTHING))
    ]


def test_models_that_disagree_are_unsure_where_they_do(two_models):
    answer = predict_ensemble(heart_volume(), two_models, device="torch", quality="fast")
    middle = heart_volume().array > 450
    assert answer.mean.lumen.array[middle].mean() == pytest.approx(0.5, abs=0.02)
    assert answer.variance.array[middle].mean() == pytest.approx(0.25, abs=0.02)
    assert answer.entropy.array[middle].mean() == pytest.approx(1.0, abs=0.02)
    assert answer.variance.array[~middle].max() < 0.25
    assert answer.members == ("by hand 0", "by hand 0")


def test_one_model_on_one_image_is_sure_of_itself(two_models):
    answer = predict_ensemble(heart_volume(), two_models[:1], device="torch", quality="fast")
    assert answer.variance.array.max() == 0


def test_varied_images_are_further_members(two_models):
    answer = predict_ensemble(heart_volume(), two_models[:1], variations=1, device="torch", quality="fast")
    assert answer.members == ("by hand 0", "by hand 0, variation 1")
    assert 0 < answer.variance.array.max() <= 0.25


def test_a_variation_is_an_offset_and_noise_and_always_the_same():
    volume = heart_volume()
    change = varied(volume, 2).array - volume.array
    assert change.mean() == pytest.approx(-25.0, abs=0.5)
    assert change.std() == pytest.approx(NOISE_HU, rel=0.05)
    assert np.array_equal(varied(volume, 2).array, varied(volume, 2).array)
    assert varied(volume, 0) is volume


def test_entropy_is_one_bit_at_one_half_and_none_when_sure():
    assert binary_entropy(np.array([0.0, 0.5, 1.0])) == pytest.approx([0.0, 1.0, 0.0], abs=1e-5)


@pytest.mark.parametrize("wrong", [{"folders": []}, {"variations": 9}])
def test_what_makes_no_ensemble_is_refused(two_models, wrong):
    with pytest.raises(ValueError, match=r"at least one model|variations must"):
        predict_ensemble(heart_volume(), **{"folders": two_models, "device": "torch", **wrong})


def test_it_can_be_stopped(two_models):
    with pytest.raises(Cancelled):
        predict_ensemble(heart_volume(), two_models, device="torch", progress=lambda fraction, text: fraction < 0.3)


def test_the_command_writes_the_three_maps_on_the_grid_of_the_ct(two_models, tmp_path, capsys):
    volume = heart_volume()
    ct = tmp_path / "ct.nii.gz"
    sitk.WriteImage(volume.with_array(volume.array.astype(np.int16)).to_image(), str(ct))
    models = [option for folder in two_models for option in ("-m", str(folder.path))]
    options = ["--variations", "0", "--quality", "fast", "--device", "torch", "--progress", "none"]
    assert main(["uncertainty", str(ct), "-o", str(tmp_path / "maps"), *models, *options]) == 0
    for name, largest in (("mean", 0.5), ("variance", 0.25), ("entropy", 1.0)):
        found = read_volume(tmp_path / "maps" / f"{name}.nii.gz")
        assert found.geometry.same_grid(volume.geometry)
        assert found.array.max() == pytest.approx(largest, abs=0.03)
    assert "2 answers" in capsys.readouterr().out
