"""The systems besides the two-step one, with networks whose answer is known in advance."""

import numpy as np
import pytest
import torch
from inference_samples import heart_volume
from system_models import BARS, MASK, NOTHING, SYSTEMS, a_model, a_stage, models, of_channel, the_vote

from CoronarySegLib.errors import EmptyResultError, ModelError
from CoronarySegLib.inference import predict
from CoronarySegLib.inference.engines import choose_engine
from CoronarySegLib.inference.level_set import refined_by_level_set
from CoronarySegLib.inference.torch_engine import TorchEngine
from CoronarySegLib.models import StageCard
from CoronarySegLib.networks import build_network
from CoronarySegLib.preparation import resample
from CoronarySegLib.volume import Geometry, Volume


def dice_of_the_bars(prediction):
    truth = resample(heart_volume(), prediction.lumen.geometry, interpolation="linear", fill=-1024).array > 350
    found = prediction.lumen.array > 0.5
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_finds_the_bars_where_they_are(tmp_path, system):
    model = models(tmp_path)[system]
    prediction = predict(heart_volume(), model, device="torch")
    assert dice_of_the_bars(prediction) > 0.9
    assert prediction.lumen.geometry.same_grid(prediction.ct.geometry)
    assert prediction.engine.startswith("torch")


def test_the_second_stage_of_seg2refinenet_sees_the_mask_of_the_first(tmp_path):
    native = {"spacing_mm": None, "native": True}
    blind = a_model(
        tmp_path, "slices_refined", (a_stage("slices", **native), of_channel(0, 1, NOTHING)),
        (a_stage("refine", ("ct", "initial"), **native), of_channel(1, 2, MASK)),
    )
    assert predict(heart_volume(), blind, device="torch").lumen.array.max() < 0.5


@pytest.mark.parametrize(("bands", "found"), [((BARS, NOTHING, BARS), True), ((NOTHING, BARS, NOTHING), False)])
def test_two_of_three_patch_sizes_decide(tmp_path, bands, found):
    prediction = predict(heart_volume(), the_vote(tmp_path, *bands), device="torch")
    assert (dice_of_the_bars(prediction) > 0.9) == found


def test_a_coarse_look_that_finds_nothing_says_so(tmp_path):
    with pytest.raises(EmptyResultError, match="found no coronary"):
        predict(heart_volume(left=False, right=False), the_vote(tmp_path, BARS, BARS, BARS), device="torch")


def test_an_unknown_input_of_a_stage_is_named(tmp_path):
    model = a_model(tmp_path, "patches", (a_stage("patches", ("ct", "pet")), of_channel(0, 2, BARS)))
    with pytest.raises(ModelError, match="asks for an input 'pet'"):
        predict(heart_volume(), model, device="torch")


def test_minmax_stretches_the_volumes_own_range(tmp_path):
    # -1000..800 HU: what is above 0.75 of the range is above 350 HU.
    model = a_model(
        tmp_path, "patches", (a_stage("patches", normalisation="minmax"), of_channel(0, 1, (0.75 * 1500 - 500, 3000)))
    )
    assert dice_of_the_bars(predict(heart_volume(), model, device="torch")) > 0.9


def test_each_slice_is_answered_by_itself(tmp_path):
    torch.manual_seed(0)
    arguments = {"in_channels": 1, "out_channels": 1, "channels": [8, 8], "image_size": 32}
    network = build_network("SFANet", arguments).eval()
    stage = StageCard("slices", "SFANet", arguments, ("ct",), ("lumen",), None, (1, 32, 32), native=True)
    network.head.weight.data *= 50
    hu = np.random.default_rng(0).normal(200, 300, (3, 32, 32)).astype(np.float32)
    volume = Volume(hu, Geometry(hu.shape, (1.0, 1.0, 2.0)))
    model = a_model(tmp_path, "slices", (stage, network))
    lumen = predict(volume, model, device="torch").lumen.array
    alone = predict(Volume(hu[1:2], Geometry((1, 32, 32), (1.0, 1.0, 2.0))), model, device="torch").lumen.array
    assert np.allclose(lumen[1], alone[0], atol=1e-4)
    assert lumen[1].std() > 1e-3


SHAPES = {
    "MaskGuidedNet": ({"coarse_channels": [4, 4], "channels": [4, 4, 8]}, (1, 16, 16, 16)),
    "SFANet": ({"channels": [4, 8, 8], "image_size": 32}, (1, 1, 32, 32)),
    "AttentionGANGenerator": ({"base": 2}, (2, 32, 32, 32)),
    "PatchUNet": ({"channels": [4, 8]}, (1, 16, 16, 16)),
    "AttentionUNet3D": ({"channels": [4, 8]}, (1, 16, 16, 16)),
    "UNetPlusPlus3D": ({"channels": [4, 4, 4, 4, 4, 4]}, (1, 16, 16, 16)),
    "UNet3D": ({"channels": [4, 4, 4, 4, 4, 4]}, (1, 32, 32, 32)),
    "ImportedNetwork": (
        {"library": "planned", "target": "PlainConvUNet", "outputs": [[1], [2]], "classes": 3, "scale": 2.0,
         "shift": -1.0, "axes": [2, 0, 1], "flips": [1], "size_factor": [2, 2, 2],
         "arguments": {"in_channels": 1, "out_channels": 3, "channels": [4, 8], "kernels": [[3] * 3] * 2,
                       "strides": [[1] * 3, [2] * 3]}},
        (1, 16, 8, 12),
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_engine_that_is_chosen_answers_as_torch_does(name):
    arguments, shape = SHAPES[name]
    torch.manual_seed(0)
    network = build_network(name, {"in_channels": shape[0], **arguments}).eval()
    batch = np.random.default_rng(0).random((1, *shape), np.float32)
    expected = TorchEngine(network, half_precision=False).predict(batch)
    answer = choose_engine(network, shape[1:], device="cpu").predict(batch)
    np.testing.assert_allclose(answer, expected, atol=0.03)  # the engine may compute in half precision


def test_the_level_set_closes_a_dent_and_keeps_a_thin_vessel():
    probability = np.full((24, 24, 40), 0.02, np.float32)
    probability[4:12, 4:12, 4:36] = 0.9
    probability[7:9, 7:9, 18:20] = 0.45
    probability[18:20, 18:20, 4:36] = 0.9
    found = refined_by_level_set(probability, (0.5, 0.5, 0.5)) >= 0.5
    assert found[7:9, 7:9, 18:20].all()
    assert found[18:20, 18:20, 8:32].mean() > 0.9
    assert not found[14:16].any()


def test_the_level_set_leaves_an_empty_map_alone():
    empty = np.full((8, 8, 8), 0.1, np.float32)
    assert refined_by_level_set(empty, (1.0, 1.0, 1.0)) is empty
