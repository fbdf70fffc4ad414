"""A model folder on an angiogram: size, threshold, and what it refuses."""

import numpy as np
import pytest
import torch

from CoronarySegLib.angiogram import AngiogramImage
from CoronarySegLib.angiogram.inference import AngiogramPredictor, device_for, engine, predict_angiogram
from CoronarySegLib.angiogram.inference.binarise import binarised
from CoronarySegLib.angiogram.preparation import onto_square
from CoronarySegLib.errors import ModelError
from CoronarySegLib.inference.predict import predict
from CoronarySegLib.models import ModelCard, StageCard, find_model, save_model
from CoronarySegLib.networks import build_network

TINY = {"channels_global": [2, 4, 4], "channels_local": [2, 4, 4], "channels_focal": [2, 4, 4], "local_size": 32,
        "focal_size": 16, "pixels_per_point": 8}


def a_model(folder, network="CGNet", arguments=None, binarisation="otsu", bias=0.0):
    torch.manual_seed(0)
    built = build_network(network, arguments or {"blocks": [2, 2]})
    for head in built.heads:
        torch.nn.init.constant_(head.bias, bias)
    stage = StageCard("angiogram", network, arguments or {"blocks": [2, 2]}, ("xray",), ("lumen",), None, (1, 64, 64),
                      hu_window=(0.0, 1.0), native=True, binarisation=binarisation)
    card = ModelCard("tiny", "recommended", "1", "a test", (stage,), "nothing", "0", system="angiogram")
    return save_model(folder, card, {"angiogram": built.state_dict()}, precision="float32")


def an_image(shape=(64, 64)):
    rng = np.random.default_rng(0)
    return AngiogramImage(rng.random(shape, np.float32))


@pytest.mark.parametrize("shape", [(64, 64), (48, 64), (100, 80)])
def test_the_answer_has_the_size_of_the_image(tmp_path, shape):
    prediction = predict_angiogram(an_image(shape), a_model(tmp_path), device="torch")
    assert prediction.probability.shape == prediction.mask.shape == shape
    assert prediction.probability.dtype == np.float32
    assert 0 < prediction.threshold < 1
    assert prediction.mask.dtype == bool


def test_a_ready_predictor_gives_the_same_for_every_frame(tmp_path):
    folder = a_model(tmp_path)
    ready = AngiogramPredictor(folder, device="torch")
    frames = [an_image(), an_image()]
    first, second = ready.of_run(frames, 2)
    assert np.array_equal(first.probability, second.probability)
    assert np.array_equal(predict_angiogram(frames[0], ready).probability, first.probability)


@pytest.mark.parametrize("bias", [5.0, -5.0], ids=["something found", "nothing found"])
def test_tprnet_run_by_engines_answers_like_the_network_itself(tmp_path, bias):
    folder = a_model(tmp_path, "TPRNet", TINY, "half", bias)
    image = an_image()
    prediction = predict_angiogram(image, folder, device="torch")
    torch.manual_seed(0)
    network = build_network("TPRNet", TINY).eval()
    for head in network.heads:
        torch.nn.init.constant_(head.bias, bias)
    with torch.no_grad():
        own = torch.sigmoid(network(torch.from_numpy(image.array)[None, None, None]))[0, 0, 0].numpy()
    assert np.abs(prediction.probability - own).max() < 0.02  # bf16 where the processor has it
    assert prediction.threshold == 0.5


def test_otsu_parts_two_heaps_and_a_flat_map_is_cut_at_one_half():
    values = np.where(np.arange(100).reshape(10, 10) < 80, 0.05, 0.35).astype(np.float32)
    mask, threshold = binarised(values, "otsu")
    assert mask.sum() == 20
    assert 0.05 <= threshold < 0.35
    assert binarised(values, "half")[0].sum() == 0
    mask, threshold = binarised(np.full((4, 4), 0.7, np.float32), "otsu")
    assert mask.all()
    assert threshold == 0.5


def test_a_square_gives_back_what_lay_on_the_image():
    image = np.random.default_rng(0).random((30, 60)).astype(np.float32)
    square = onto_square(image, 60)
    assert square.array.shape == (60, 60)
    assert np.array_equal(square.back(square.array), image)
    assert np.allclose(square.array[30:], image[-1])  # continued by its rim


def test_models_of_ct_and_of_angiograms_are_not_mixed_up(tmp_path):
    with pytest.raises(ModelError, match="reads CT, no angiograms"):
        AngiogramPredictor(find_model())
    with pytest.raises(ModelError, match="reads X-ray angiograms, no CT"):
        predict(None, a_model(tmp_path))


def test_a_few_images_do_not_wait_for_openvino(monkeypatch):
    monkeypatch.setattr(engine, "gpu_works", lambda device: False)
    assert [device_for(images, "auto") for images in (1, engine.WORTH_OPENING)] == ["torch", "auto"]
    assert [device_for(1, device) for device in ("cpu", "openvino", "cuda")] == ["torch", "openvino", "cuda"]
    monkeypatch.setattr(engine, "gpu_works", lambda device: device == "cuda")
    assert (device_for(1, "auto"), device_for(1, "cpu")) == ("auto", "torch")
