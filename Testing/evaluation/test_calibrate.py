"""A model that is too sure of itself is measured, mended and stays what it was otherwise."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CoronarySegLib.cli.main import main
from CoronarySegLib.errors import InputError, ModelError
from CoronarySegLib.evaluation.calibrate import calibrate
from CoronarySegLib.inference import predict
from CoronarySegLib.models import ModelCard, StageCard, find_model, load_stage, save_model
from CoronarySegLib.models.tempering import tempered_copy
from CoronarySegLib.networks import imported
from CoronarySegLib.training.pairs import find_pairs
from CoronarySegLib.volume import Geometry, Volume

SIZE, TOO_SURE = 24, 4.0
GRID = Geometry((SIZE,) * 3, (1.0, 1.0, 1.0))
torch.set_num_threads(1)


@pytest.fixture
def data(tmp_path):
    """Four CTs whose HU say how probable a vessel is, and truths drawn from that."""
    for number in range(4):
        rng = np.random.default_rng(number)
        chance = rng.uniform(0.02, 0.98, GRID.shape_zyx)
        hu = 250.0 + 100.0 * np.log(chance / (1 - chance))
        for name, array in (("images", hu.astype(np.int16)), ("labels", (rng.random(chance.shape) < chance))):
            (tmp_path / "data" / name).mkdir(parents=True, exist_ok=True)
            image = Volume(array.astype(np.int16 if name == "images" else np.uint8), GRID).to_image()
            sitk.WriteImage(image, str(tmp_path / "data" / name / f"{number}.nii.gz"))
    return tmp_path / "data"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Four times the logit that the HU mean: its network is one voxelwise weight wherever it is built."""
    monkeypatch.setattr(imported, "_built", lambda *_: torch.nn.Conv3d(1, 1, 1))
    low, high = -1000.0, 1500.0
    arguments = {
        "library": "monai", "target": "UNet", "arguments": {}, "outputs": [[0]], "classes": 1, "activation": "sigmoid",
        "size_factor": [1, 1, 1],
        "scale": TOO_SURE * (high - low) / 100.0, "shift": TOO_SURE * (low - 250.0) / 100.0,
    }
    stage = StageCard("patches", "ImportedNetwork", arguments, ("ct",), ("lumen",), None, (SIZE,) * 3,
                      hu_window=(low, high), native=True)
    card = ModelCard("too sure", "recommended", "1", "", (stage,), "", "", system="patches")
    state = {"network.weight": torch.ones(1, 1, 1, 1, 1), "network.bias": torch.zeros(1)}
    return save_model(tmp_path / "model", card, {"patches": state}, precision="float32")


def test_the_factor_by_which_it_was_too_sure_is_found_and_mends_other_cases(model, data):
    pairs = find_pairs(data)
    found = calibrate(model, pairs[:2], pairs[2:], device="torch")
    assert found.temperature == pytest.approx(TOO_SURE, rel=0.1)
    assert found.before.expected_error > 0.1
    assert found.after.expected_error < 0.03
    assert (found.fitted_on, found.judged_on) == (("0", "1"), ("2", "3"))
    json.dumps(found.as_dict(), allow_nan=False)


def test_the_temperature_is_stored_on_the_card_and_applied(model, data, tmp_path):
    made = tempered_copy(model, TOO_SURE, tmp_path / "tempered", figures={"calibration_error": 0.01})
    assert (made.card.stages[0].temperature, made.card.figures["calibration_error"]) == (TOO_SURE, 0.01)
    x = torch.rand(1, 1, 4, 4, 4)
    assert torch.allclose(load_stage(made, "patches")(x) * TOO_SURE, load_stage(model, "patches")(x), atol=1e-4)
    ct = Volume(np.full(GRID.shape_zyx, 300.0, np.float32), GRID)
    before, after = (predict(ct, m, device="torch").lumen.array.mean() for m in (model, made))
    assert (before, after) == pytest.approx((1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(-0.5))), abs=0.01)


def test_a_second_temperature_comes_on_top(model, tmp_path):
    twice = tempered_copy(tempered_copy(model, 2.0, tmp_path / "a"), 1.5, tmp_path / "b")
    assert twice.card.stages[0].temperature == 3.0


def test_a_case_may_not_fit_and_judge(model, data):
    pairs = find_pairs(data)
    with pytest.raises(InputError, match="cannot both"):
        calibrate(model, pairs[:2], pairs[1:])
    with pytest.raises(InputError, match="at least two"):
        calibrate(model, pairs[:1], ())


def test_the_command_reports_draws_and_exports(model, data, tmp_path, capsys):
    (tmp_path / "split.csv").write_text("0,Training\n1,Val\n2,Val\n3,Testing\n")
    code = main(["calibrate", "--model", str(model.path), "--data", str(data), "--split", str(tmp_path / "split.csv"),
                 "-o", str(tmp_path / "report"), "--export", str(tmp_path / "made"), "--device", "torch",
                 "--progress", "none"])
    assert code == 0
    values = json.loads((tmp_path / "report" / "calibration.json").read_text())
    assert (values["fitted_on"], values["judged_on"]) == (["1", "2"], ["3"])
    assert (tmp_path / "report" / "after.png").stat().st_size > 1000
    assert find_model(tmp_path / "made").card.stages[0].temperature == pytest.approx(values["temperature"], abs=1e-3)
    assert "judged on 1 others" in capsys.readouterr().out


def test_a_level_set_has_no_temperature(model, tmp_path):
    text = (model.path / "model.json").read_text().replace('"system": "patches"', '"system": "patches_level_set"')
    (model.path / "model.json").write_text(text)
    with pytest.raises(ModelError, match="not the last network's own"):
        tempered_copy(find_model(model.path), 2.0, tmp_path / "made")
