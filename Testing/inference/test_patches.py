import numpy as np
import pytest

from CoronarySegLib.errors import Cancelled, ModelError
from CoronarySegLib.inference import predict_patches
from CoronarySegLib.inference.patches import gaussian_weights, plan_patches
from CoronarySegLib.inference.torch_engine import TorchEngine

PATCH = (8, 16, 8)


class Copy:
    """Answers with its first input channel and counts the patches."""

    name, warnings = "copy", ()

    def __init__(self):
        self.patches = 0

    def predict(self, batch):
        self.patches += 1
        assert batch.dtype == np.float32
        assert batch.shape[2:] == PATCH
        return batch[:, :1].copy()


class NumberOfThePatch(Copy):
    """Every patch gets another constant answer: the hardest case for the blending."""

    def predict(self, batch):
        self.patches += 1
        return np.full((1, 1, *PATCH), 1 / self.patches, np.float32)


def image(*shape):
    return np.random.default_rng(1).random((1, *shape), np.float32)


@pytest.mark.parametrize("overlap", [0.0, 0.125, 0.5, 0.8])
@pytest.mark.parametrize("shape", [(8, 16, 8), (20, 33, 17), (9, 16, 30)])
def test_blending_adds_up_to_one_everywhere(overlap, shape):
    inputs = image(*shape)
    answer = predict_patches(Copy(), inputs, patch_zyx=PATCH, overlap=overlap)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, inputs, atol=1e-5)


@pytest.mark.parametrize("shape", [(5, 16, 8), (3, 4, 5), (1, 40, 3)])
def test_a_volume_smaller_than_a_patch_is_padded_with_edge_values(shape):
    seen = []

    class Watch(Copy):
        def predict(self, batch):
            seen.append((batch.min(), batch.max()))
            return super().predict(batch)

    inputs = 0.5 + 0.4 * image(*shape)
    answer = predict_patches(Watch(), inputs, patch_zyx=PATCH)
    np.testing.assert_allclose(answer, inputs, atol=1e-5)
    assert min(low for low, _ in seen) >= inputs.min()


def test_the_order_of_the_patches_does_not_change_a_single_bit(a_network):
    inputs = np.random.default_rng(2).random((2, 20, 40, 20), np.float32)
    engine = TorchEngine(a_network)
    count = len(plan_patches(inputs.shape[1:], PATCH, 0.5))
    shuffled = np.random.default_rng(3).permutation(count)
    first = predict_patches(engine, inputs, patch_zyx=PATCH)
    second = predict_patches(engine, inputs, patch_zyx=PATCH, _order=shuffled)
    np.testing.assert_array_equal(first, second)


def test_patches_outside_the_region_are_skipped():
    inputs = image(40, 64, 40)
    region = np.zeros(inputs.shape[1:], bool)
    region[2:6, 3:12, 1:5] = True
    region[34:38, 50:60, 33:39] = True
    engine = Copy()
    answer = predict_patches(engine, inputs, patch_zyx=PATCH, overlap=0.25, region=region)
    assert engine.patches <= 8
    np.testing.assert_allclose(answer[0][region], inputs[0][region], atol=1e-5)
    assert not answer[0, 15:25].any()


def test_every_voxel_of_the_region_gets_a_patch():
    rng = np.random.default_rng(4)
    for _ in range(20):
        shape = tuple(rng.integers(16, 50, 3))
        region = rng.random(shape) < 0.001
        region[tuple(s // 2 for s in shape)] = True
        covered = np.zeros(shape, bool)
        for patch in plan_patches(shape, PATCH, 0.25, region):
            covered[patch.window] = True
        assert covered[region].all()


def test_a_region_that_fits_one_patch_costs_one_patch_centred_on_it():
    region = np.zeros((40, 40, 40), bool)
    region[20:24, 10:20, 11:15] = True
    (patch,) = plan_patches(region.shape, PATCH, 0.5, region)
    assert patch.window == (slice(18, 26), slice(7, 23), slice(9, 17))


@pytest.mark.parametrize("low", [0, 4, 16, 20])
def test_aligned_patches_begin_at_multiples_and_cover_the_region(low):
    rng = np.random.default_rng(low)
    for _ in range(20):
        shape = tuple(16 + 4 * rng.integers(1, 9, 3))
        region = np.zeros(shape, bool)
        region[low:, 3:, :-2] = rng.random(region[low:, 3:, :-2].shape) < 0.01
        region[-1, -1, -1] = True
        covered = np.zeros(shape, bool)
        for patch in plan_patches(shape, (16, 16, 16), 0.25, region, align=4):
            assert all(side.start % 4 == 0 and side.start >= 0 and side.stop <= n
                       for side, n in zip(patch.window, shape, strict=True))
            covered[patch.window] = True
        assert covered[region].all()


def test_what_is_said_of_a_place_does_not_depend_on_the_region_round_it():
    class SumOfEachBlock(Copy):
        """Halves its grid twice, as networks do: another answer when the blocks of 4 voxels begin elsewhere."""

        def predict(self, batch):
            blocks = batch[0, 0].reshape(2, 4, 4, 4, 2, 4).mean((1, 3, 5), keepdims=True)
            return np.broadcast_to(blocks, (2, 4, 4, 4, 2, 4)).reshape(1, 1, *PATCH)

    inputs = image(43, 37, 29)
    whole = predict_patches(SumOfEachBlock(), inputs, patch_zyx=PATCH, align=4)
    for low in (0, 5, 9):
        region = np.zeros(inputs.shape[1:], bool)
        region[low : low + 14, 6:25, low : low + 11] = True
        part = predict_patches(SumOfEachBlock(), inputs, patch_zyx=PATCH, overlap=0.25, align=4, region=region)
        np.testing.assert_allclose(part[0][region], whole[0][region], atol=1e-4)


def test_patches_stay_inside_the_volume():
    for size in range(8, 40):
        region = np.zeros((size, 16, 8), bool)
        region[-1] = region[0] = True
        for patch in plan_patches(region.shape, PATCH, 0.3, region):
            assert 0 <= patch.window[0].start < patch.window[0].stop <= size


def test_where_patches_disagree_the_result_lies_between_them():
    answer = predict_patches(NumberOfThePatch(), image(12, 16, 8), patch_zyx=PATCH)
    assert answer.min() >= 0.5 - 1e-4
    assert answer.max() <= 1.0
    assert np.all(np.diff(answer[0, :, 0, 0]) <= 1e-6)


def test_the_centre_of_a_patch_weighs_most_and_no_voxel_weighs_nothing():
    weights = gaussian_weights((8, 9, 16))
    assert weights[4, 4, 8] == weights.max() == 1023
    assert weights.min() >= 1


def test_progress_rises_to_one_and_names_the_patch():
    calls = []
    inputs = image(16, 16, 8)
    predict_patches(Copy(), inputs, patch_zyx=PATCH, progress=lambda f, t: calls.append((f, t)), text="Looking")
    fractions = [fraction for fraction, _ in calls]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert calls[0][1] == "Looking (1 of 3)"


def test_cancel_stops_before_the_next_patch():
    engine = Copy()
    with pytest.raises(Cancelled):
        predict_patches(engine, image(40, 16, 8), patch_zyx=PATCH, progress=lambda fraction, text: fraction < 0.3)
    assert 0 < engine.patches < 5


def test_a_network_that_answers_nan_is_an_error_and_no_result():
    class Broken(Copy):
        def predict(self, batch):
            return batch[:, :1] * np.float32("nan")

    with pytest.raises(ModelError, match="not numbers"):
        predict_patches(Broken(), image(8, 16, 8), patch_zyx=PATCH)


@pytest.mark.parametrize("wrong", [{"overlap": 1.0}, {"overlap": -0.1}, {"region": np.ones((3, 3, 3), bool)},
                                   {"region": np.zeros((8, 16, 8), bool)}])
def test_impossible_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match=r"overlap|region"):
        predict_patches(Copy(), image(8, 16, 8), patch_zyx=PATCH, **wrong)
