"""From a folder of angiograms through the training loop to a model that predicts."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from CoronarySegLib.angiogram import AngiogramImage
from CoronarySegLib.angiogram.inference import predict_angiogram
from CoronarySegLib.angiogram.training import phantoms
from CoronarySegLib.benchmark.entrants import find_entrants
from CoronarySegLib.benchmark.run import Plan, run_entrant, score_model
from CoronarySegLib.benchmark.table import results_table
from CoronarySegLib.errors import TrainingError
from CoronarySegLib.models import open_model
from CoronarySegLib.training.augment import Augmentation
from CoronarySegLib.training.config import TrainConfig
from CoronarySegLib.training.hardware import choose_hardware
from CoronarySegLib.training.loop import train
from CoronarySegLib.training.opening import DataChoice, open_choice
from CoronarySegLib.training.published import PUBLISHED, deviations_of, published_config
from CoronarySegLib.training.recorder import read_log
from CoronarySegLib.training.sources import Patch
from CoronarySegLib.training.state import new_state, read_weights

SMALL = {
    "stage_changes": {"patch_zyx": [1, 64, 64], "binarisation": "otsu"}, "network_arguments": {"blocks": [2, 2]},
    "batch": 2, "workers": 0, "tensorboard": False, "precision": "off", "learning_rate": 1e-3, "ema_decay": 0.0,
    "validate_every_steps": 20,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six patients, each with a dark vessel somewhere on a noisy ground; patient 5 is kept for testing."""
    root = tmp_path_factory.mktemp("angiograms")
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (root / kind).mkdir()
    for patient in range(6):
        mask = np.zeros((64, 64), bool)
        mask[4:60, 12 + 8 * patient : 18 + 8 * patient] = True
        image = (np.where(mask, 60, 170) + rng.normal(0, 8, mask.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(image).save(root / "images" / f"{patient}_RAO.png")
        Image.fromarray(255 * mask.astype(np.uint8)).save(root / "masks" / f"{patient}_RAO.png")
    words = ["Training"] * 4 + ["Val", "Testing"]
    (root / "split.csv").write_text("".join(f"{i}_RAO,{word}\n" for i, word in enumerate(words)))
    return root


def test_a_system_on_angiograms_trains_predicts_and_is_scored_by_name(folder, tmp_path):
    (entrant,) = find_entrants(("angiogram-cgnet",))
    plan = Plan(folder, folder / "split.csv", steps=40, device="cpu", settings={"*": SMALL})
    result = run_entrant(entrant, plan, tmp_path / "cgnet")
    assert set(result.cases) == {"5_RAO"}
    assert result.cases["5_RAO"]["dice"] > 0.5
    assert (tmp_path / "cgnet" / "cases" / "5_RAO.png").is_file()
    assert "specificity" in results_table([result]).header
    assert "HD95 (mm)" not in results_table([result]).header

    model = open_model(tmp_path / "cgnet" / "model")
    assert model.card.system == "angiogram"
    assert model.card.stages[0].binarisation == "otsu"
    image = AngiogramImage(np.asarray(Image.open(folder / "images" / "5_RAO.png"), np.float32) / 255)
    assert predict_angiogram(image, model, device="torch").mask[30, 54]
    every = score_model(model, "again", Plan(folder, None, device="cpu"), tmp_path / "again")
    assert len(every.cases) == 6
    cases = json.loads((tmp_path / "cgnet" / "angiogram-cgnet" / "cases.json").read_text())
    assert cases["validation"] == ["4_RAO"]


def test_a_network_of_several_looks_trains_and_goes_on_where_it_was(folder, tmp_path):
    looks = {"channels_global": [2, 4, 4], "channels_local": [2, 4, 4], "channels_focal": [2, 4, 4],
             "local_size": 32, "focal_size": 16, "pixels_per_point": 8, "focal_after": 1}
    config = published_config("tprnet", **{**SMALL, "ema_decay": 0.9, "network_arguments": looks, "steps": 2,
                                           "output_bias": 1.0, "device": "cpu"})
    source, validation = open_choice(DataChoice(data=str(folder)), config, validation_patches=2)
    train(config, source, validation, tmp_path / "run")
    result = train(config.with_changes(steps=3), source, validation, tmp_path / "run", resume=True)
    assert result.step == 3
    weights = read_weights(tmp_path / "run", "last").state_dict
    assert int(weights["passes"]) == 3
    losses = [event for event in read_log(tmp_path / "run") if event["event"] == "train"]
    assert all(event["auxiliary"] > 0 for event in losses)


def test_nobody_on_angiograms_takes_part_among_ct_systems_unasked():
    on_ct, on_angiograms = (find_entrants((), on_angiograms=flag) for flag in (False, True))
    assert {e.name for e in on_angiograms} >= {"unet3plus", "tprnet", "tprnet-global", "angiogram-unet"}
    assert not {e.name for e in on_ct} & {e.name for e in on_angiograms}


def test_the_papers_settings_are_what_they_say():
    paper = published_config("unet3plus", "paper", cases=437)
    assert (paper.optimiser, paper.learning_rate, paper.weight_decay, paper.focal_gamma) == ("rmsprop", 1e-4, 1e-4, 2.0)
    assert paper.spec.binarisation == "otsu"
    assert paper.steps == 100 * 437 // paper.batch
    assert deviations_of(paper) == (
        "unet3plus: the encoder starts from chance instead of ImageNet's weights (encoder_weights).",
    )
    refined = published_config("tprnet", "paper", cases=1000)
    assert (refined.optimiser, refined.momentum, refined.schedule, refined.gradient_clip) == ("sgd", 0.99, "poly", 12.0)
    assert not deviations_of(refined)
    assert any("merging" in text for text in deviations_of(published_config("tprnet", cases=1000)))


@pytest.mark.parametrize(("name", "kind"), [("rmsprop", "RMSprop"), ("sgd", "SGD"), ("adam", "Adam")])
def test_the_optimiser_is_the_one_the_settings_name(name, kind):
    config = TrainConfig(
        stage="angiogram", network="CGNet", network_arguments={"blocks": [2, 2]}, optimiser=name, ema_decay=0.0,
        device="cpu", weight_decay=1e-4,
    )
    optimiser = new_state(config, choose_hardware(config)).optimiser
    assert type(optimiser).__name__ == kind
    assert optimiser.param_groups[0]["weight_decay"] == 1e-4


def test_a_network_without_such_an_encoder_takes_no_imagenet_weights():
    config = TrainConfig(stage="angiogram", network="CGNet", encoder_weights="imagenet.safetensors", device="cpu")
    with pytest.raises(TrainingError, match="CGNet has no encoder"):
        new_state(config, choose_hardware(config))


def test_augmentation_moves_image_and_mask_together():
    image = np.zeros((1, 1, 64, 64), np.float32)
    image[..., 20:40, 20:40] = 1.0
    spec = published_config("unet3plus", cases=1, stage_changes={"patch_zyx": [1, 64, 64]}).spec
    augment = Augmentation(spec)
    changed = 0
    for seed in range(8):
        made = augment(Patch(image, image.copy()), np.random.default_rng(seed))
        assert made.image.shape == image.shape
        inside = made.target > 0.5
        assert made.image[inside].mean() > made.image[~inside].mean() + 0.5
        changed += not np.array_equal(made.target, image)
    assert changed >= 4


def test_synthetic_angiograms_are_made_once_and_split_by_heart(tmp_path, monkeypatch):
    """The hearts themselves are stood in for: making one takes seconds."""
    made = []

    def a_run(settings, scene):
        made.append((settings.seed, scene))
        return settings

    def written(run, folder):
        mask = np.zeros((64, 64), np.uint8)
        mask[8:56, 30:34] = 255
        for kind, pixels in (("images", 200 - mask // 2 + np.uint8(run.seed % 40)), ("masks", mask)):
            (folder / kind).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(folder / kind / f"{run.seed}_left.png")
        return {"images": (folder / "images" / f"{run.seed}_left.png",)}

    monkeypatch.setattr(phantoms, "make_scene", lambda settings: settings.seed)
    monkeypatch.setattr(phantoms, "make_angiogram", a_run)
    monkeypatch.setattr(phantoms, "write_angiogram", written)
    monkeypatch.setattr(phantoms, "VIEWS_A_HEART", 2)
    config = published_config("tprnet", cases=1, stage_changes={"patch_zyx": [1, 64, 64]})
    choice = DataChoice(phantoms=8, cache=str(tmp_path))
    source, _ = open_choice(choice, config, validation_patches=2)
    assert len(made) == 8
    assert {scene for _, scene in made} == set(phantoms.heart_seeds(8))
    assert len(phantoms.heart_seeds(8)) == 4
    assert len(source.cases) == 6  # one heart, two views, validates
    open_choice(choice, config, validation_patches=2)
    assert len(made) == 8


def test_every_system_on_angiograms_can_be_built_from_its_settings():
    for name, entry in PUBLISHED.items():
        if entry.paper["stage"] == "angiogram" and entry.paper["network"] in ("UNet3Plus", "TPRNet", "CGNet"):
            config = published_config(name, cases=1)
            with torch.device("meta"):
                from CoronarySegLib.networks import build_network

                assert build_network(config.network, config.built_arguments()).in_channels == 1
