"""An X-ray angiogram through the real worker: frames in, masks and figures out, errors under their own names."""

import sys

import numpy as np
import pytest
import torch
from waiting import wait_for

from CoronarySegLib.errors import ModelError, NotAnAngiogramError
from CoronarySegLib.models import ModelCard, StageCard, save_model
from CoronarySegLib.networks import build_network
from CoronarySegLib.worker import AngiogramJob, WorkerProcess

ARGUMENTS = {"blocks": [2, 2]}


@pytest.fixture(scope="module")
def a_model(tmp_path_factory):
    """A network that has learned nothing and answers with some mask all the same."""
    torch.manual_seed(0)
    stage = StageCard("angiogram", "CGNet", ARGUMENTS, ("xray",), ("lumen",), None, (1, 64, 64),
                      hu_window=(0.0, 1.0), native=True, binarisation="otsu")
    card = ModelCard("tiny", "recommended", "1", "a test", (stage,), "nothing", "0", system="angiogram")
    folder = tmp_path_factory.mktemp("model") / "tiny"
    return save_model(folder, card, {"angiogram": build_network("CGNet", ARGUMENTS).state_dict()}, precision="float32")


def a_run(count=2):
    y, x = np.mgrid[:64, :64]
    frame = (np.where(np.abs(y - 32 - 6 * np.sin(x / 9)) < 2, 60, 140) + x // 4).astype(np.uint8)
    return np.stack([frame] * count)


def outcome_of(job, folder):
    with WorkerProcess(job, python=sys.executable, temporary=folder) as process:
        wait_for(lambda: not process.running, seconds=200)
        return process.outcome()


def test_every_frame_comes_back_with_its_mask_and_figures(a_model, tmp_path):
    job = AngiogramJob(a_run(), "run", 0.3, "all", str(a_model.path), "torch")
    outcome = outcome_of(job, tmp_path)
    assert outcome.masks.shape == (2, 64, 64)
    assert outcome.masks.dtype == bool
    assert outcome.masks.any()
    assert outcome.frames == (0, 1)
    assert outcome.unit == "mm"
    assert outcome.provenance.model == "tiny 1"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("frames", "model", "error"), [
        (np.full((1, 64, 64), 7, np.uint8), None, NotAnAngiogramError), (a_run(1), "resunet3d", ModelError),
    ], ids=["an empty frame", "a model for CT"],
)
def test_what_is_refused_comes_back_as_what_it_is(a_model, tmp_path, frames, model, error):
    job = AngiogramJob(frames, "run", None, "all", model or str(a_model.path), "torch")
    with pytest.raises(error):
        outcome_of(job, tmp_path)
