"""Weights trained with nnU-Net and MONAI become models that are found by name and segment."""

import json
import pickle

import numpy as np
import pytest
import torch
from foreign_folders import (
    LABELS,
    NETWORK,
    TRANSFORMS,
    bundle_config,
    nnunet_state,
    write_bundle,
    write_nnunet,
)
from monai.networks.nets import UNet
from torch.nn import functional

from CoronarySegLib.cli.main import main
from CoronarySegLib.errors import ModelError
from CoronarySegLib.inference import predict
from CoronarySegLib.models import FOLDERS_VARIABLE, find_model, load_stage
from CoronarySegLib.models.importing import import_model
from CoronarySegLib.volume import Geometry, Volume

torch.set_num_threads(1)


def plain_unet(state, x):
    """nnU-Net's plain U-Net of three levels written out with torch's functions, biases and all."""
    strides = ([1, 1, 1], [1, 2, 2], [2, 2, 2])

    def block(prefix, x, stride):
        for number, step in ((0, stride), (1, [1, 1, 1])):
            at = f"{prefix}.convs.{number}"
            weight = state[f"{at}.conv.weight"]
            padding = [(n - 1) // 2 for n in weight.shape[2:]]
            x = functional.conv3d(x, weight, state[f"{at}.conv.bias"], stride=step, padding=padding)
            x = functional.instance_norm(x, weight=state[f"{at}.norm.weight"], bias=state[f"{at}.norm.bias"])
            x = functional.leaky_relu(x, 0.01)
        return x

    skips = []
    for level, stride in enumerate(strides):
        x = block(f"encoder.stages.{level}.0", x, stride)
        skips.append(x)
    for number, stride in enumerate(reversed(strides[1:])):
        up = functional.conv_transpose3d(x, state[f"decoder.transpconvs.{number}.weight"],
                                         state[f"decoder.transpconvs.{number}.bias"], stride=stride)
        x = block(f"decoder.stages.{number}", torch.cat([up, skips[-2 - number]], 1), [1, 1, 1])
    return functional.conv3d(x, state["decoder.seg_layers.1.weight"], state["decoder.seg_layers.1.bias"])


def in_window(hu, low=-100.0, high=700.0):
    return (hu.clip(low, high) - low) / (high - low)


@pytest.fixture
def hu():
    return torch.from_numpy(np.random.default_rng(0).uniform(-300, 900, (1, 1, 8, 16, 24)).astype(np.float32))


@pytest.fixture(scope="module")
def a_ct():
    array = np.random.default_rng(1).normal(200, 300, (10, 30, 36)).astype(np.float32)
    return Volume(array, Geometry(array.shape, (0.6, 0.6, 0.9), (5.0, 6.0, 7.0)))


def test_an_imported_nnunet_answers_as_its_own_network_on_its_own_values(hu, tmp_path):
    model = import_model(write_nnunet(tmp_path), tmp_path / "model", fold="1")
    network = load_stage(model, "patches")
    values = (hu.clip(-100.0, 700.0) - 300.0) / 150.0  # CTNormalization of the plan
    with torch.no_grad():
        found = torch.sigmoid(network(in_window(hu)))
        expected = torch.softmax(plain_unet(nnunet_state(1), values), dim=1)
    assert torch.allclose(found[:, 0], expected[:, 1], atol=1e-4)  # coronary artery
    assert torch.allclose(found[:, 1], expected[:, 2], atol=1e-4)  # calcified plaque
    assert float(expected[:, 1].std()) > 0.05


def test_the_card_says_what_the_plan_says(tmp_path):
    card = import_model(write_nnunet(tmp_path).parent, tmp_path / "model").card
    stage, = card.stages
    assert (stage.spacing_zyx_mm, stage.patch_zyx) == ((1.0, 0.5, 0.75), (8, 16, 24))
    assert (stage.hu_window, stage.outputs, stage.mirror_axes) == ((-100.0, 700.0), ("lumen", "calcium"), (0, 2))
    assert "Dataset900_Made" in card.description
    assert any("aorta" in text for text in card.deviations)


def test_an_imported_model_segments_by_name(a_ct, tmp_path, monkeypatch):
    import_model(write_nnunet(tmp_path), tmp_path / "models" / "their-nnunet")
    monkeypatch.setenv(FOLDERS_VARIABLE, str(tmp_path / "models"))
    prediction = predict(a_ct, find_model("their-nnunet"), device="torch")
    grid = prediction.lumen.geometry
    assert grid.shape_zyx == (9, 36, 29)  # 10 x 0.9 / 1.0, 30 x 0.6 / 0.5, 36 x 0.6 / 0.75
    assert prediction.calcium.geometry.same_grid(grid)
    # The same field: outer faces where the CT has them.
    edges = [g.points_lps([-0.5] * 3) for g in (grid, a_ct.geometry)]
    assert np.allclose(*edges)
    assert 0.0 < float(prediction.lumen.array.mean()) < 1.0


def test_other_axes_of_a_plan_are_followed(hu, tmp_path):
    straight = import_model(write_nnunet(tmp_path / "a"), tmp_path / "straight")
    turned = import_model(write_nnunet(tmp_path / "b", transpose_forward=[2, 0, 1]), tmp_path / "turned")
    assert turned.card.stages[0].patch_zyx == (16, 24, 8)
    assert turned.card.stages[0].spacing_zyx_mm == (0.5, 0.75, 1.0)
    assert turned.card.stages[0].mirror_axes == (1, 2)
    x = in_window(hu)
    with torch.no_grad():
        expected = load_stage(straight, "patches")(x)
        # Their axis i is our axis transpose_forward[i].
        found = load_stage(turned, "patches")(x.permute(0, 1, 3, 4, 2)).permute(0, 1, 4, 2, 3)
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_reader_that_turns_images_to_ras_is_followed(hu, tmp_path):
    straight = import_model(write_nnunet(tmp_path / "a"), tmp_path / "straight")
    turned = import_model(
        write_nnunet(tmp_path / "b", image_reader_writer="NibabelIOWithReorient"), tmp_path / "turned"
    )
    x = in_window(hu)
    with torch.no_grad():
        expected = torch.flip(load_stage(straight, "patches")(torch.flip(x, (3, 4))), (3, 4))
        assert torch.allclose(load_stage(turned, "patches")(x), expected, atol=1e-5)


def test_labels_are_chosen_by_hand_where_their_names_say_nothing(tmp_path):
    trained = write_nnunet(tmp_path, labels={"background": 0, "a": 1, "b": 2, "c": 3})
    with pytest.raises(ModelError, match=r"\(a, b, c\).*--lumen"):
        import_model(trained, tmp_path / "model")
    model = import_model(trained, tmp_path / "model", outputs={"lumen": ["a", "c"], "vein": ["b"]})
    assert model.card.stages[0].outputs == ("lumen", "vein")
    assert model.card.stages[0].arguments["outputs"] == [[1, 3], [2]]
    with pytest.raises(ModelError, match="no label d"):
        import_model(trained, tmp_path / "other", outputs={"lumen": ["d"]})


def test_joined_labels_have_the_sum_of_their_probabilities(hu, tmp_path):
    model = import_model(write_nnunet(tmp_path), tmp_path / "model", fold="0",
                         outputs={"lumen": ["coronary artery", "aorta"]})
    with torch.no_grad():
        found = torch.sigmoid(load_stage(model, "patches")(in_window(hu)))[:, 0]
        values = (hu.clip(-100.0, 700.0) - 300.0) / 150.0
        expected = torch.softmax(plain_unet(nnunet_state(0), values), dim=1)
    assert torch.allclose(found, expected[:, 1] + expected[:, 3], atol=1e-4)


def test_regions_that_overlap_have_a_logit_each(tmp_path):
    labels = {"background": 0, "coronary": [1, 2], "plaque": [2]}
    state = nnunet_state(classes=2)
    model = import_model(write_nnunet(tmp_path, labels=labels, state=state), tmp_path / "model")
    arguments = model.card.stages[0].arguments
    assert (arguments["activation"], arguments["classes"]) == ("sigmoid", 2)
    assert (model.card.stages[0].outputs, arguments["outputs"]) == (("lumen", "calcium"), [[0], [1]])


def test_plans_of_older_versions_are_read(hu, tmp_path):
    old = {
        "UNet_class_name": "PlainConvUNet", "UNet_base_num_features": 4, "unet_max_num_features": 6,
        "n_conv_per_stage_encoder": [2, 2, 2], "n_conv_per_stage_decoder": [2, 2],
        "pool_op_kernel_sizes": [[1, 1, 1], [1, 2, 2], [2, 2, 2]],
        "conv_kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
    }
    trained = write_nnunet(tmp_path, state=nnunet_state(channels=(4, 6, 6)), configuration=old)
    plans = json.loads((trained / "plans.json").read_text())
    del plans["configurations"]["base"]["architecture"]
    (trained / "plans.json").write_text(json.dumps(plans))
    model = import_model(trained, tmp_path / "model")
    assert model.card.stages[0].arguments["arguments"]["channels"] == [4, 6, 6]


def test_a_checkpoint_that_could_run_code_is_refused_and_runs_none(tmp_path):
    trained = write_nnunet(tmp_path)
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return marker.touch, ()

    torch.save({"network_weights": nnunet_state(), "logging": Evil()}, trained / "fold_0" / "checkpoint_final.pth")
    with pytest.raises(ModelError, match="could run somebody else's code"):
        import_model(trained, tmp_path / "model")
    assert not marker.exists()
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(("changes", "message"), [
    ({"configuration": {"normalization_schemes": ["ZScoreNormalization"]}}, "normalised by ZScoreNormalization"),
    ({"configuration": {"patch_size": [64, 64]}}, "patch_size should be three"),
    ({"transpose_forward": [0, 0, 1]}, "transpose_forward"),
    ({"state": {"encoder.stages.0.0.convs.0.conv.weight": torch.zeros(4, 1, 1, 3, 3)}}, "do not fit the network"),
    ({"labels": {**LABELS, "vein": 4}}, "do not fit the network"),
    ({"configurations": [1, 2]}, "not laid out as nnU-Net"),
    ({"configuration": {"architecture": {"network_class_name": "PlainConvUNet"}}}, "has no entry 'arch_kwargs'"),
])
def test_what_cannot_be_imported_is_named(tmp_path, changes, message):
    with pytest.raises(ModelError, match=message):
        import_model(write_nnunet(tmp_path, **changes), tmp_path / "model")


def test_folders_that_are_incomplete_say_what_is_missing(tmp_path):
    trained = write_nnunet(tmp_path)
    with pytest.raises(ModelError, match=r"no fold 7.*0, 1"):
        import_model(trained, tmp_path / "model", fold="7")
    with pytest.raises(ModelError, match=r"checkpoint_best\.pth is not there"):
        import_model(trained, tmp_path / "model", weights="checkpoint_best.pth")
    with pytest.raises(ModelError, match="neither an nnU-Net"):
        import_model(trained / "fold_0", tmp_path / "model")
    with pytest.raises(ModelError, match="exists and is not empty"):
        import_model(trained, trained)


def test_a_foreign_folder_given_as_a_model_says_how_to_import_it(tmp_path):
    with pytest.raises(ModelError, match="coronaryseg models import"):
        find_model(write_nnunet(tmp_path))


def test_the_residual_encoder_needs_its_package_and_then_answers_alike(hu, tmp_path):
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    torch.manual_seed(0)
    common = {"n_stages": 2, "features_per_stage": [4, 6], "kernel_sizes": [[3] * 3] * 2,
              "strides": [[1] * 3, [2] * 3], "n_blocks_per_stage": [1, 1], "n_conv_per_stage_decoder": [1],
              "conv_bias": True, "norm_op_kwargs": {"affine": True}, "nonlin_kwargs": {"inplace": True}}
    network = unet.ResidualEncoderUNet(
        1, num_classes=4, deep_supervision=False, conv_op=torch.nn.Conv3d, norm_op=torch.nn.InstanceNorm3d,
        nonlin=torch.nn.LeakyReLU, **common,
    ).eval()
    architecture = {"network_class_name": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
                    "arch_kwargs": {**common, "conv_op": "torch.nn.modules.conv.Conv3d", "norm_op": "x", "nonlin": "y"}}
    trained = write_nnunet(tmp_path, state=network.state_dict(), configuration={"architecture": architecture})
    model = import_model(trained, tmp_path / "model")
    with torch.no_grad():
        found = torch.sigmoid(load_stage(model, "patches")(in_window(hu)))[:, 0]
        expected = torch.softmax(network((hu.clip(-100.0, 700.0) - 300.0) / 150.0), dim=1)[:, 1]
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.fixture
def monai_unet():
    torch.manual_seed(0)
    return UNet(spatial_dims=3, in_channels=1, out_channels=3, channels=[4, 8], strides=[2]).eval()


@pytest.mark.parametrize("script", [False, True], ids=["state dict", "TorchScript"])
def test_a_bundle_answers_as_its_network_on_its_own_values_and_axes(monai_unet, hu, tmp_path, script):
    model = import_model(write_bundle(tmp_path / "bundle", monai_unet, script=script), tmp_path / "model")
    stage, = model.card.stages
    assert (stage.patch_zyx, stage.spacing_zyx_mm) == ((32, 24, 16), (1.2, 1.0, 0.8))
    assert (model.card.version, stage.hu_window) == ("0.3.1", (-100.0, 700.0))
    values = 2.0 * in_window(hu) - 1.0
    with torch.no_grad():
        found = torch.sigmoid(load_stage(model, "patches")(in_window(hu)))[:, 0]
        # RAS: x and y run against ours, and MONAI's axes are x, y, z.
        theirs = torch.flip(values.permute(0, 1, 4, 3, 2), (2, 3))
        answer = torch.flip(torch.softmax(monai_unet(theirs), dim=1), (2, 3)).permute(0, 1, 4, 3, 2)
    assert torch.allclose(found, answer[:, 1] + answer[:, 2], atol=1e-4)


def test_a_bundle_segments(monai_unet, a_ct, tmp_path):
    model = import_model(write_bundle(tmp_path / "bundle", monai_unet), tmp_path / "model")
    prediction = predict(a_ct, model, device="torch")
    assert prediction.lumen.geometry.shape_zyx == (8, 18, 27)
    assert np.isfinite(prediction.lumen.array).all()


@pytest.mark.parametrize(("transforms", "low", "high"), [
    ([{"_target_": "ScaleIntensityRanged", "a_min": 0, "a_max": 1000, "b_min": 0, "b_max": 1}], -1.024, 3.071),
    ([{"_target_": "monai.transforms.NormalizeIntensityd", "subtrahend": 100, "divisor": 200}], -5.62, 14.855),
    ([{"_target_": "ScaleIntensityRanged", "a_min": 0, "a_max": 1000, "b_min": 0, "b_max": 1, "clip": True},
      {"_target_": "NormalizeIntensityd", "subtrahend": 0.5, "divisor": 0.25}], -2.0, 2.0),
])
def test_intensity_transforms_become_scale_and_shift(monai_unet, tmp_path, transforms, low, high):
    bundle = write_bundle(tmp_path / "bundle", monai_unet, bundle_config(transforms=transforms))
    arguments = import_model(bundle, tmp_path / "model").card.stages[0].arguments
    assert (arguments["shift"], arguments["shift"] + arguments["scale"]) == pytest.approx((low, high))


@pytest.mark.parametrize(("config", "message"), [
    (bundle_config({**NETWORK, "channels": "$[4, 8]"}), "Python to be run"),
    (bundle_config({**NETWORK, "_target_": "os.system"}), "cannot be run"),
    (bundle_config({**NETWORK, "spatial_dims": 2}), "one 3D image"),
    (bundle_config({**NETWORK, "no_such_argument": 1}), "cannot be built"),
    (bundle_config(transforms=[*TRANSFORMS, {"_target_": "ScaleIntensityRangePercentilesd"}]), "Percentilesd"),
    (bundle_config(transforms=[{"_target_": "Orientationd", "axcodes": "RAX"}]), "three letters"),
    (bundle_config(transforms=[{"_target_": "ScaleIntensityRanged", "a_min": 0}]), "not laid out"),
    (bundle_config({**NETWORK, "channels": "@a"}, a="@b", b="@a"), "refers to itself"),
    (bundle_config({**NETWORK, "channels": [8, 8]}), "do not fit the network"),
])
def test_bundles_that_cannot_be_imported_say_why(monai_unet, tmp_path, config, message):
    with pytest.raises(ModelError, match=message):
        import_model(write_bundle(tmp_path / "bundle", monai_unet, config), tmp_path / "model")


def test_a_pickled_network_in_a_bundle_is_refused(monai_unet, tmp_path):
    bundle = write_bundle(tmp_path / "bundle", monai_unet)
    torch.save(monai_unet, bundle / "models/model.pt", pickle_module=pickle)
    with pytest.raises(ModelError, match="more than numbers"):
        import_model(bundle, tmp_path / "model")


def test_the_command_imports_and_lists(monai_unet, tmp_path, monkeypatch, capsys):
    bundle = write_bundle(tmp_path / "bundle", monai_unet)
    assert main(["models", "import", str(bundle), "-o", str(tmp_path / "models" / "theirs")]) == 0
    monkeypatch.setenv(FOLDERS_VARIABLE, str(tmp_path / "models"))
    assert main(["models", "show", "theirs"]) == 0
    assert main(["models", "verify", "theirs"]) == 0
    text = capsys.readouterr().out
    assert "MONAI bundle Vessels, UNet." in text
    assert "is whole" in text
