import warnings

import numpy as np
import pytest
import torch

from CoronarySegLib.errors import MissingPackageError
from CoronarySegLib.inference import choose_engine
from CoronarySegLib.inference.fallback import FallbackEngine
from CoronarySegLib.inference.mirror import MirrorEngine
from CoronarySegLib.inference.openvino_engine import OpenVINOEngine
from CoronarySegLib.inference.torch_engine import TorchEngine, gpu_works

SHAPE = (8, 16, 8)


@pytest.fixture
def a_batch():
    return np.random.default_rng(0).random((2, 2, *SHAPE), np.float32)


class FullGPU(TorchEngine):
    """A GPU whose memory is full from the second patch on."""

    def __init__(self, network, patches_before=1):
        super().__init__(network, "cpu", half_precision=False)
        self.name, self.left, self.released = "torch fp16 on FULL", patches_before, False

    def predict(self, batch):
        self.left -= 1
        if self.left < 0:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return super().predict(batch)

    def release(self):
        self.released = True


def reference(network, batch):
    with torch.inference_mode():
        return torch.sigmoid(network(torch.from_numpy(batch))).numpy()


@pytest.mark.parametrize("device", ["auto", "torch"])
def test_every_engine_gives_the_same_probabilities(a_network, a_batch, device):
    expected = reference(a_network, a_batch)
    answer = choose_engine(a_network, SHAPE, device=device).predict(a_batch)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, expected, atol=0.02)


def test_torch_in_full_precision_is_exact_to_float32(a_network, a_batch):
    engine = TorchEngine(a_network, half_precision=False)
    assert engine.name == "torch fp32 on CPU"
    np.testing.assert_allclose(engine.predict(a_batch), reference(a_network, a_batch), atol=1e-5)


def test_openvino_in_full_precision_is_exact_to_float32(a_network, a_batch):
    engine = OpenVINOEngine(a_network, SHAPE, half_precision=False)
    assert engine.name == "OpenVINO fp32 on CPU"
    np.testing.assert_allclose(engine.predict(a_batch), reference(a_network, a_batch), atol=1e-4)


def test_openvino_bothers_nobody_with_announcements(a_network):
    pytest.importorskip("openvino")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        OpenVINOEngine(a_network, SHAPE)
    assert [str(one.message) for one in said if "trace" in str(one.message)] == []


def test_an_answer_is_not_overwritten_by_the_next_one(a_network, a_batch):
    engine = choose_engine(a_network, SHAPE, device="openvino")
    first = engine.predict(a_batch[:1])
    kept = first.copy()
    engine.predict(a_batch[1:])
    np.testing.assert_array_equal(first, kept)


def test_an_unknown_device_lists_the_known_ones(a_network):
    with pytest.raises(MissingPackageError, match="auto, cuda, mps, cpu, openvino, torch"):
        choose_engine(a_network, SHAPE, device="tpu")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_gpu_that_is_not_there_is_an_error_when_asked_for(a_network, device):
    if gpu_works(device):
        pytest.skip(f"this machine has {device}")
    with pytest.raises(MissingPackageError, match="Choose device auto or cpu"):
        choose_engine(a_network, SHAPE, device=device)


def test_a_full_gpu_hands_over_to_the_cpu_with_the_same_result(a_network, a_batch):
    expected = reference(a_network, a_batch)
    engine = FallbackEngine(FullGPU(a_network), lambda: TorchEngine(a_network, half_precision=False))
    answers = [engine.predict(a_batch[i : i + 1])[0] for i in (0, 1)]
    np.testing.assert_allclose(answers, expected, atol=1e-5)


def test_a_handover_is_said_with_both_names_and_frees_the_gpu(a_network, a_batch):
    gpu = FullGPU(a_network, patches_before=0)
    engine = FallbackEngine(gpu, lambda: TorchEngine(a_network, half_precision=False))
    assert engine.warnings == ()
    engine.predict(a_batch)
    (warning,) = engine.warnings
    assert "torch fp16 on FULL ran out of memory; the run went on with torch fp32 on CPU" in warning
    assert engine.name == "torch fp32 on CPU"
    assert gpu.released


def test_an_error_that_is_not_about_memory_passes_through(a_network, a_batch):
    class Broken(TorchEngine):
        def predict(self, batch):
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        FallbackEngine(Broken(a_network), lambda: TorchEngine(a_network)).predict(a_batch)


def test_memory_that_runs_out_on_the_cpu_too_is_not_retried_for_ever(a_network, a_batch):
    engine = FallbackEngine(FullGPU(a_network, 0), lambda: FullGPU(a_network, 0))
    with pytest.raises(torch.OutOfMemoryError):
        engine.predict(a_batch)


def test_a_network_openvino_cannot_convert_runs_on_torch_and_says_so(a_network, a_batch):
    class Unconvertible(torch.nn.Module):
        in_channels = 2

        def forward(self, x):
            if torch.jit.is_tracing():
                raise RuntimeError("this network has no graph")
            return x

    engine = choose_engine(Unconvertible(), SHAPE, device="cpu")
    assert engine.name.startswith("torch")
    assert "OpenVINO could not be used (this network has no graph)" in engine.warnings[0]
    with pytest.raises(MissingPackageError, match="Choose device cpu or torch"):
        choose_engine(Unconvertible(), SHAPE, device="openvino")


class LeftNeighbour:
    """Answers with the value of the voxel before: not symmetric under mirroring."""

    name, warnings = "left neighbour", ()

    def predict(self, batch):
        return np.roll(batch[:, :1], 1, axis=4)


def test_mirroring_averages_over_the_flips(a_batch):
    answer = MirrorEngine(LeftNeighbour(), (2,)).predict(a_batch)
    expected = (np.roll(a_batch[:, :1], 1, axis=4) + np.roll(a_batch[:, :1], -1, axis=4)) / 2
    np.testing.assert_allclose(answer, expected, atol=1e-6)


def test_mirroring_along_two_axes_is_four_passes(a_network):
    assert "4 mirrored passes" in MirrorEngine(TorchEngine(a_network), (0, 1)).name
