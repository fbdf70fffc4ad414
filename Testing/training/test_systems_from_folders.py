"""Published systems from a folder of cases to a model that segments, with networks of a few hundred weights."""

import numpy as np
import pytest
import torch
from training_samples import a_case, write_pair

from CoronarySegLib.errors import TrainingError
from CoronarySegLib.inference import predict
from CoronarySegLib.reading import read_volume
from CoronarySegLib.training.export import export_model
from CoronarySegLib.training.folder_source import open_folder
from CoronarySegLib.training.initial_masks import note_cases
from CoronarySegLib.training.loop import train
from CoronarySegLib.training.opening import DataChoice, open_choice
from CoronarySegLib.training.published import PUBLISHED, published_config
from CoronarySegLib.training.stages import stage_spec

torch.set_num_threads(1)
QUICK = {"workers": 0, "threads": 1, "tensorboard": False, "device": "cpu", "steps": 2, "precision": "off"}
SLICES = {**QUICK, "network_arguments": {"channels": [2, 4], "image_size": 32}, "patch_zyx": [1, 32, 32],
          "stage_changes": {"patch_zyx": [1, 32, 32]}, "vessel_share": 0.02}
REFINE = {**QUICK, "network_arguments": {"base": 2}, "critic_base": 2, "patch_zyx": [32, 32, 32],
          "stage_changes": {"patch_zyx": [32, 32, 32]}}


@pytest.fixture
def a_folder(tmp_path):
    """Five cases, of which 1 and 2 train, 3 and 4 validate and 5 tests."""
    image, labels = a_case()
    rows = []
    for name, word in zip("12345", ("Training", "Training", "Val", "Val", "Testing"), strict=True):
        write_pair(tmp_path / "data", image + int(name), labels, name, "imagecas")
        rows.append(f"{name},{word}")
    (tmp_path / "split.csv").write_text("\n".join(rows))
    return tmp_path


def run(folder, name, settings, **choice):
    config = published_config(name, **settings)
    run_folder = folder / name
    run_folder.mkdir()
    data = DataChoice(data=str(folder / "data"), split=str(folder / "split.csv"), **choice)
    source, validation = open_choice(data, config, validation_patches=1)
    data.write(run_folder)
    note_cases(run_folder, source)
    train(config, source, validation, run_folder)
    return run_folder, source


def test_seg2refinenet_from_a_split_folder_to_a_model_that_segments(a_folder):
    slices, first = run(a_folder, "sfanet", SLICES)
    refine, second = run(a_folder, "attention-gan", REFINE, initial_run=str(slices))
    assert [case.name for case in first.cases] == ["1", "2"]
    assert [case.name for case in second.cases] == ["3"]
    patch = second.sample(np.random.default_rng(0))
    assert patch.image.shape == (2, 32, 32, 32)
    assert set(np.unique(patch.image[1])) <= {0.0, 1.0}

    model = export_model([refine, slices], a_folder / "model")
    assert (model.card.system, [s.name for s in model.card.stages]) == ("slices_refined", ["slices", "refine"])
    assert any("base" in text for text in model.card.deviations)
    ct = read_volume(a_folder / "data" / "5.img.nii.gz")
    prediction = predict(ct, model, device="torch")
    assert prediction.lumen.array.shape == ct.array.shape
    assert np.isfinite(prediction.lumen.array).all()


def test_masks_of_cases_the_first_stage_learned_from_are_refused(a_folder):
    slices, _ = run(a_folder, "sfanet", SLICES)
    config = published_config("attention-gan", **REFINE)
    leaking = DataChoice(data=str(a_folder / "data"), initial_run=str(slices))
    with pytest.raises(TrainingError, match=r"learned from .*1"):
        open_choice(leaking, config)


def test_a_refining_stage_without_masks_says_where_they_come_from(a_folder):
    with pytest.raises(TrainingError, match="--initial-from"):
        open_folder(a_folder / "data", stage_spec("refine"), patch_zyx=(32, 32, 32))


def test_one_stage_systems_become_models_of_their_own_kind(a_folder):
    small = {**QUICK, "patch_zyx": [16, 16, 16], "stage_changes": {"spacing_mm": 1.0, "patch_zyx": [32, 32, 32]}}
    for name, arguments, system in (
        ("mask-guided", {"coarse_channels": [2, 2], "channels": [2, 2]}, "patches"),
        ("shen", {"channels": [2, 4]}, "patches_level_set"),
        ("chen", {"channels": [2, 2, 2, 2, 2, 2]}, "vesselness"),
    ):
        patch = {"patch_zyx": [32, 32, 32]} if name == "chen" else {}
        folder, _ = run(a_folder, name, {**small, "network_arguments": arguments, **patch})
        model = export_model([folder], a_folder / f"{name}-model", system=PUBLISHED[name].system)
        assert model.card.system == system


def test_the_share_of_vessel_is_that_of_the_cases(a_folder):
    source, _ = open_folder(a_folder / "data", stage_spec("slices"), patch_zyx=(1, 32, 32))
    labels = source.cases[0].array("labels")
    assert source.vessel_share == pytest.approx(float(np.isin(labels, (1, 2)).mean()))


def test_native_stages_keep_the_scanners_voxels_and_sharpen_them(a_folder):
    source, _ = open_folder(a_folder / "data", stage_spec("slices"), patch_zyx=(1, 48, 48))
    assert source.cases[0].array("image").shape == (40, 48, 48)
    plain, _ = open_folder(a_folder / "data", stage_spec("slices", {"sharpen": False}), patch_zyx=(1, 48, 48))
    sharp, soft = (s.sample(np.random.default_rng(1)).image for s in (source, plain))
    assert sharp.std() > soft.std()
