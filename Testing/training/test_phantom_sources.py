"""Sources over prepared phantoms: channels, ranges, reproducibility, seeds. The cases are written by hand here."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from training_samples import Balls

from CoronarySegLib.errors import TrainingError
from CoronarySegLib.phantom.tissues import Tissue
from CoronarySegLib.preparation.contrast import BRIGHTEST
from CoronarySegLib.training.opening import DataChoice
from CoronarySegLib.training.phantom_cases import FINE_CHANNELS
from CoronarySegLib.training.phantom_narrow import NarrowSource
from CoronarySegLib.training.phantom_opening import open_phantoms, phantom_seeds
from CoronarySegLib.training.phantom_source import LocatorSource, VesselSource
from CoronarySegLib.training.phantom_whole import WholeSource
from CoronarySegLib.training.priors import store_priors
from CoronarySegLib.training.sources import Patch, PatchSource, sample_generator
from CoronarySegLib.training.stages import stage_spec


@pytest.fixture
def a_case(tmp_path):
    """A 24 mm box of fat with one straight left artery along z, prepared as ``prepare_case`` does."""
    fine = {name: np.zeros((48, 48, 48), np.uint8) for name in FINE_CHANNELS}
    fine["tissue"][:] = Tissue.FAT
    fine["lumen"][4:44, 20:26, 20:26] = 255
    fine["side"][fine["lumen"] > 0] = 1
    np.save(tmp_path / "fine.npy", np.stack([fine[name] for name in FINE_CHANNELS]))
    coarse = np.zeros((48, 48, 48), np.uint8)
    coarse[12:36, 12:36, 12:36] = 1
    coarse[14:34, 21:25, 21:25] |= 2
    np.save(tmp_path / "coarse_target.npy", coarse)
    np.save(tmp_path / "coarse_look_0.npy", np.where(coarse & 2, 400, -90).astype(np.int16))
    (tmp_path / "card.json").write_text(json.dumps({
        "seed": 1, "looks": 1, "fine_origin_lps_mm": [0.0, 0.0, 0.0], "coarse_origin_lps_mm": [-12.0, -12.0, -12.0],
    }))
    return tmp_path


@pytest.fixture
def a_whole_case(tmp_path):
    shape = stage_spec("whole").patch_zyx
    target = np.zeros(shape, np.uint8)
    target[20:40, 60:64, 60:64] = 255
    np.save(tmp_path / "target_0.npy", target)
    np.save(tmp_path / "look_0.npy", np.where(target > 0, 400, 0).astype(np.int16))
    (tmp_path / "card.json").write_text(json.dumps({"seed": 1, "looks": 1}))
    return tmp_path


def assert_fits(source, stage: str, shape: tuple[int, int, int]) -> Patch:
    patch, spec = source.sample(sample_generator(0, 0)), stage_spec(stage)
    assert isinstance(source, PatchSource)
    assert patch.image.shape == (len(spec.inputs), *shape)
    assert patch.target.shape == (len(spec.outputs), *shape)
    for array in (patch.image, patch.target):
        assert np.isfinite(array).all()
        assert array.min() >= -1e-5
        assert array.max() <= 1 + 1e-5
    return patch


def test_locator_patches_fit_their_stage(a_case):
    assert_fits(LocatorSource([a_case], (16, 16, 16)), "locator", (16, 16, 16))


def test_vessel_patches_fit_their_stage(a_case):
    assert_fits(VesselSource([a_case], (32, 32, 32)), "vessels", (32, 32, 32))


def test_whole_patches_fit_their_stage(a_whole_case):
    patch = assert_fits(WholeSource([a_whole_case]), "whole", stage_spec("whole").patch_zyx)
    assert patch.image[0][patch.target[0] > 0.5].min() > patch.image[0][patch.target[0] < 0.5].max()


@pytest.mark.parametrize("kind", [LocatorSource, VesselSource])
def test_the_same_generator_gives_the_same_patch_from_a_fresh_source(a_case, kind):
    first, second = (kind([a_case], (16, 16, 16)).sample(sample_generator(0, 5)) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.target, second.target)


def test_stored_answers_of_the_locator_are_the_priors(a_case):
    class Sure(torch.nn.Module):
        def forward(self, image):
            off, on = image - 99, image + 99
            return torch.cat([off, off, on, off], dim=1)  # sure of the right tree everywhere

    store_priors([a_case], Sure())
    source = VesselSource([a_case], (16, 16, 16))
    patches = [source.sample(sample_generator(0, index)) for index in range(5)]
    assert max(patch.image[1].max() for patch in patches) < 0.01
    assert max(patch.image[2].min() for patch in patches) > 0.99


def test_an_artery_has_the_contrast_of_arteries_in_every_look(a_case):
    source = VesselSource([a_case], (16, 16, 16))
    patches = [source.sample(sample_generator(0, index)) for index in range(40)]
    told = [p for p in patches if (p.target[0] > 0.99).any() and p.image[3].any()]
    contrasts = [BRIGHTEST * np.median(p.image[3][p.target[0] > 0.99]) for p in told]
    assert len(told) > 10
    assert 0.7 < np.median(contrasts) < 1.0
    assert 0.4 < min(contrasts) < max(contrasts) < 1.3


def test_what_was_told_with_stored_priors_is_the_unit_of_contrast(a_case):
    class WhereBright(torch.nn.Module):
        def forward(self, image):
            seen = 99.0 * (image - 0.35).sign()
            return torch.cat([seen, seen, -seen.abs(), -seen.abs()], dim=1)

    def contrast_in_arteries(artery_hu):
        look = np.load(a_case / "coarse_look_0.npy")
        np.save(a_case / "coarse_look_0.npy", np.where(look > 0, artery_hu, look).astype(np.int16))
        store_priors([a_case], WhereBright(), again=True)
        source = VesselSource([a_case], (16, 16, 16))
        patches = [source.sample(sample_generator(0, index)) for index in range(40)]
        return [np.median(p.image[3][p.target[0] > 0.99]) for p in patches if (p.target[0] > 0.99).any()]

    # The same patches in units of arteries of twice the contrast: half of it.
    bright, brighter = (np.array(contrast_in_arteries(hu)) for hu in (600, 1300))
    assert np.count_nonzero(bright) > 10
    assert np.median(brighter[bright > 0] / bright[bright > 0]) == pytest.approx(0.5, abs=0.03)


def test_now_and_then_nothing_is_told_of_the_arteries_contrast(a_case):
    source = VesselSource([a_case], (16, 16, 16))
    silent = [not source.sample(sample_generator(0, index)).image[3].any() for index in range(40)]
    assert 0 < sum(silent) < 20


@pytest.mark.parametrize("count", [1, 8, 1000])
@pytest.mark.parametrize("seed", [0, 1, 699, 12345])
def test_training_and_validation_anatomies_never_overlap(count, seed):
    train, validation = phantom_seeds(count, seed)
    assert len(train) == count
    assert validation
    assert not set(train) & set(validation)


def test_runs_with_neighbouring_seeds_see_other_anatomies():
    assert not set(phantom_seeds(1000, 0)[0]) & set(phantom_seeds(1000, 1)[0])


def test_priors_of_a_locator_need_phantoms():
    with pytest.raises(TrainingError, match="on phantoms only"):
        DataChoice(data="folder", locator_run="run")


def test_a_stage_of_ct_alone_sees_the_vessels_patch_in_its_own_window():
    seen = NarrowSource(Balls(16, (3, 3)), stage_spec("patches")).sample(sample_generator(0, 1))
    whole = Balls(16, (3, 3)).sample(sample_generator(0, 1))
    assert seen.image.shape == seen.target.shape == (1, 16, 16, 16)
    hu = whole.image[0] * 1500 - 500
    assert np.allclose(seen.image[0], np.clip((hu + 200) / 1200, 0, 1), atol=1e-4)
    assert np.array_equal(seen.target[0], whole.target[0])


def test_a_stage_that_phantoms_are_not_rendered_for_says_what_to_do(tmp_path):
    with pytest.raises(TrainingError, match="--data"):
        open_phantoms(2, "slices", (1, 32, 32), tmp_path)
