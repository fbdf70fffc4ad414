"""Augmentation: reproducible, anatomy together, grey values without the priors, no false mirror images."""

from __future__ import annotations

import numpy as np
import pytest

from CoronarySegLib.training.augment import Augmentation, AugmentOptions, flip_axes
from CoronarySegLib.training.sources import Patch
from CoronarySegLib.training.stages import stage_spec

NEVER = {f"{name}_probability": 0.0 for name in
         ("affine", "elastic", "flip", "contrast", "noise", "blur", "low_resolution")}


def a_patch(weight=None) -> Patch:
    """Vessel stage, 24^3: a box as CT, as left prior and as lumen; contrast is half of the CT."""
    box = np.zeros((24, 24, 24), np.float32)
    box[6:18, 8:14, 4:10] = 1
    empty = np.zeros_like(box)
    return Patch(np.stack([0.2 + 0.5 * box, box, empty, 0.1 + 0.25 * box]), np.stack([box, empty, empty]), weight)


def augmented(seed=0, weight=None, **options) -> Patch:
    augment = Augmentation(stage_spec("vessels"), AugmentOptions(**{**NEVER, **options}))
    return augment(a_patch(weight), np.random.default_rng(seed))


def everything(seed):
    return augmented(seed, **dict.fromkeys(NEVER, 1.0))


def test_the_same_generator_gives_the_same_patch():
    assert np.array_equal(everything(3).image, everything(3).image)


def test_another_generator_gives_another_patch():
    assert not np.array_equal(everything(3).image, everything(4).image)


@pytest.mark.parametrize("seed", range(3))
def test_shape_type_and_range_stay(seed):
    patch = everything(seed)
    for array, channels in ((patch.image, 4), (patch.target, 3)):
        assert (array.shape, array.dtype) == ((channels, 24, 24, 24), np.float32)
        assert 0 <= array.min() <= array.max() <= 1


@pytest.mark.parametrize("option", ["affine_probability", "elastic_probability", "flip_probability"])
def test_image_prior_and_target_move_together(option):
    patch = augmented(1, **{option: 1.0})
    assert np.allclose(patch.image[1], patch.target[0], atol=1e-5)
    assert np.allclose(patch.image[0], 0.2 + 0.5 * patch.target[0], atol=1e-4)


@pytest.mark.parametrize("option", ["contrast", "noise", "blur", "low_resolution"])
def test_grey_values_change_and_priors_stay(option):
    patch, before = augmented(1, **{f"{option}_probability": 1.0}), a_patch()
    assert not np.allclose(patch.image[0], before.image[0])
    assert np.array_equal(patch.image[1:3], before.image[1:3])
    assert np.array_equal(patch.target, before.target)


@pytest.mark.parametrize("option", ["noise", "blur", "low_resolution"])
def test_blur_and_noise_are_in_contrast_as_in_the_ct(option):
    patch = augmented(1, **{f"{option}_probability": 1.0})
    assert np.allclose(patch.image[3], 0.5 * patch.image[0], atol=1e-5)


def test_another_brightness_leaves_contrast_as_it_is():
    assert np.array_equal(augmented(1, contrast_probability=1.0).image[3], a_patch().image[3])


def test_contrast_that_is_not_known_stays_empty():
    patch = a_patch()
    patch.image[3] = 0
    assert not always("vessels", patch, noise_probability=1.0, blur_probability=1.0).image[3].any()


def test_a_weight_per_voxel_moves_with_the_anatomy():
    weight = a_patch().target[:1]
    patch = augmented(1, weight=weight, flip_probability=1.0)
    assert np.array_equal(patch.weight[0], patch.target[0])


def test_elastic_deformation_moves_by_some_voxels():
    moved = np.abs(augmented(1, elastic_probability=1.0).target[0] - a_patch().target[0]).sum()
    assert 0.02 < moved / a_patch().target[0].sum() < 1.0


def always(stage, patch, **options):
    wanted = {**dict.fromkeys([*NEVER, "masking_probability"], 0.0), **options}
    return Augmentation(stage_spec(stage), AugmentOptions(**wanted))(patch, np.random.default_rng(2))


def a_slice():
    disc = (np.hypot(*np.mgrid[-16:16, -24:24]) < 6).astype(np.float32)[None, None]
    return Patch(0.2 + 0.5 * disc, disc)


def test_a_slice_is_varied_and_stays_one():
    patch = always("slices", a_slice(), **dict.fromkeys(NEVER, 1.0))
    assert patch.image.shape == patch.target.shape == (1, 1, 32, 48)
    assert np.isfinite(patch.image).all()
    assert not np.allclose(patch.image, a_slice().image)


def test_a_turned_slice_keeps_its_vessel():
    patch = always("slices", a_slice(), affine_probability=1.0)
    assert patch.target.sum() == pytest.approx(a_slice().target.sum(), rel=0.25)


def test_a_refining_stage_learns_with_holes_in_image_and_mask():
    box = a_patch().target[:1]
    patch = always("refine", Patch(np.concatenate([box + 0.2, box]).clip(0, 1), box), masking_probability=1.0)
    assert patch.image.sum() < np.concatenate([box + 0.2, box]).clip(0, 1).sum()
    assert np.array_equal(patch.target, box)


@pytest.mark.parametrize(("stage", "axes"), [
    ("locator", ()), ("vessels", (0, 1)), ("whole", ()), ("patches", (0, 1, 2)), ("slices", (1, 2)),
    ("refine", (0, 1, 2)), ("coarse", ()),
])
def test_only_patches_without_a_side_or_a_body_axis_are_mirrored(stage, axes):
    assert flip_axes(stage_spec(stage)) == axes
