"""Folders of image/label pairs: found in three layouts, brought onto the stage's grid, bad ones named."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from training_samples import a_case, write_case, write_pair

from CoronarySegLib.errors import TrainingError
from CoronarySegLib.training.folder_source import open_folder
from CoronarySegLib.training.loop import train
from CoronarySegLib.training.pairs import find_pairs
from CoronarySegLib.training.sources import PatchSource, sample_generator
from CoronarySegLib.training.stages import stage_spec

SMALL = (32, 32, 32)


@pytest.fixture
def one_case(tmp_path):
    write_case(tmp_path)
    return tmp_path


def source_of(folder, stage="vessels", patch=SMALL):
    return open_folder(folder, stage_spec(stage), patch_zyx=patch)[0]


def patches_of(source, count=20):
    return [source.sample(sample_generator(0, index)) for index in range(count)]


@pytest.mark.parametrize("layout", ["images", "nnunet", "imagecas"])
def test_pairs_are_found_in_every_layout(tmp_path, layout):
    for name in ("b", "a"):
        write_case(tmp_path, name, layout)
    assert [pair.name for pair in find_pairs(tmp_path)] == ["a", "b"]


def test_imagecas_folders_of_two_hundred_are_read_as_one(tmp_path):
    write_case(tmp_path / "1-200", "7", "imagecas")
    write_case(tmp_path / "201-400", "201", "imagecas")
    assert [pair.name for pair in find_pairs(tmp_path)] == ["201", "7"]


def test_a_case_that_is_there_twice_is_named(tmp_path):
    for folder in ("1-200", "201-400"):
        write_case(tmp_path / folder, "7", "imagecas")
    with pytest.raises(TrainingError, match=r"The case 7 is in .* twice"):
        find_pairs(tmp_path)


def test_asocas_groups_are_read_as_one(tmp_path):
    for group, name in (("Normal", "Normal_1"), ("Diseased", "Diseased_1"), ("Diseased", "2")):
        for kind in ("CTCA", "Annotations"):
            (tmp_path / group / kind).mkdir(parents=True, exist_ok=True)
            (tmp_path / group / kind / f"{name}.nrrd").touch()
    assert [pair.name for pair in find_pairs(tmp_path)] == ["Diseased_1", "Diseased_2", "Normal_1"]


def test_every_file_without_partner_is_named(one_case):
    (one_case / "images" / "x.nii.gz").touch()
    (one_case / "labels" / "y.nrrd").touch()
    with pytest.raises(TrainingError, match=r"x\.nii\.gz has no label; y\.nrrd has no image"):
        find_pairs(one_case)


@pytest.mark.parametrize("make", [lambda p: p, lambda p: p / "missing"])
def test_a_folder_without_pairs_is_refused(tmp_path, make):
    with pytest.raises(TrainingError, match=r"no image/label pairs|does not exist"):
        find_pairs(make(tmp_path))


@pytest.mark.parametrize(("stage", "channels", "shape"), [
    ("vessels", (4, 3), SMALL), ("locator", (1, 4), SMALL), ("whole", (1, 1), (64, 128, 128)),
])
def test_patches_have_the_channels_and_size_of_their_stage(one_case, stage, channels, shape):
    source = source_of(one_case, stage)
    patch = source.sample(np.random.default_rng(0))
    assert isinstance(source, PatchSource)
    assert (patch.image.shape, patch.target.shape) == ((channels[0], *shape), (channels[1], *shape))
    assert (patch.image.dtype, patch.target.dtype) == (np.float32, np.float32)
    assert 0 <= patch.image.min() <= patch.image.max() <= 1


def test_the_same_generator_gives_the_same_patch(one_case):
    source = source_of(one_case)
    first, second = (source.sample(sample_generator(0, 4)) for _ in range(2))
    assert np.array_equal(first.image, second.image)


def test_most_patches_hold_vessel_and_some_hold_none(tmp_path):
    write_case(tmp_path)
    shares = [patch.target[0].any() for patch in patches_of(source_of(tmp_path, patch=(16, 16, 16)), 60)]
    assert 0.5 < np.mean(shares) < 0.95


def test_vessel_keeps_its_volume_on_the_finer_grid(one_case):
    case = source_of(one_case).cases[0]
    labels = sitk.GetArrayFromImage(a_case()[1])
    before, after = (labels > 0).sum() * 0.64, (case.array("labels") > 0).sum() * 0.125
    assert after == pytest.approx(before, rel=0.1)


def test_ct_and_target_lie_on_each_other(one_case):
    for patch in patches_of(source_of(one_case)):
        if patch.target[0].sum() > 100:
            assert patch.image[0][patch.target[0] > 0].mean() > patch.image[0][patch.target[0] == 0].mean() + 0.1


def test_priors_cover_their_own_side_only(one_case):
    case = source_of(one_case).cases[0]
    labels = case.array("labels")
    for value, own, other in ((1, "left", "right"), (2, "right", "left")):
        assert case.array(f"prior_{own}")[labels == value].mean() > 100
        assert case.array(f"prior_{other}")[labels == value].max() == 0


def test_masks_that_say_vessel_only_are_told_apart_by_side(tmp_path):
    write_case(tmp_path / "named")
    write_case(tmp_path / "binary", binary=True)
    named, binary = (source_of(tmp_path / n).cases[0].array("labels") for n in ("named", "binary"))
    assert np.array_equal(named, binary)


def test_a_flipped_and_permuted_pair_gives_the_same_patch(tmp_path):
    write_case(tmp_path / "plain")
    turned = [sitk.PermuteAxes(sitk.Flip(image, (True, False, True)), (2, 0, 1)) for image in a_case()]
    write_pair(tmp_path / "turned", *turned, "a")
    plain, turned = (source_of(tmp_path / n).cases[0] for n in ("plain", "turned"))
    assert np.array_equal(plain.array("labels"), turned.array("labels"))


def test_thin_vessels_survive_at_the_locators_spacing(one_case):
    labels = source_of(one_case, "locator").cases[0].array("labels")
    assert (labels == 1).sum() > 50
    assert (labels == 2).sum() > 50


def test_structures_the_data_do_not_label_are_outside_the_loss(one_case):
    patch = source_of(one_case).sample(np.random.default_rng(0))
    assert patch.weight.ravel().tolist() == [1.0, 0.0, 0.0]


def test_cases_are_prepared_once(one_case):
    first = source_of(one_case).cases[0].folder / "image.npy"
    stamp = first.stat().st_mtime_ns
    assert source_of(one_case).cases[0].folder / "image.npy" == first
    assert first.stat().st_mtime_ns == stamp


def test_training_and_validation_cases_differ(tmp_path):
    for name in "abc":
        write_case(tmp_path, name)
    train_source, validation = open_folder(tmp_path, stage_spec("locator"), patch_zyx=SMALL)
    assert len(train_source.cases) == 2
    assert not {c.name for c in train_source.cases} & {c.name for c in validation.cases}


def shifted(image, labels):
    labels.SetOrigin((5.0, 5.0, 5.0))
    return image, labels


@pytest.mark.parametrize(("spoil", "reason"), [
    (lambda image, labels: (image, labels * 0), "holds no vessel"),
    (lambda image, labels: (image, labels * 7), "holds other values"),
    (lambda image, labels: (image * 0, labels), "one value everywhere"),
    (lambda image, labels: (image, labels[:, :, :20]), "different grids"),
    (shifted, "different grids"),
])
def test_a_bad_pair_is_named_with_its_reason(one_case, spoil, reason):
    write_pair(one_case, *spoil(*a_case()), "bad")
    with pytest.raises(TrainingError, match=f"1 of 2 pairs .*bad: .*{reason}"):
        source_of(one_case)


@pytest.mark.parametrize("which", ["images", "labels"])
def test_all_truncated_files_are_named_at_once(one_case, which):
    for name in ("cut1", "cut2"):
        write_case(one_case, name)
        path = one_case / which / f"{name}.nii.gz"
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(TrainingError, match=r"2 of 3 pairs .*cut1: .*cut2: "):
        source_of(one_case)


def test_a_folder_can_be_trained_on(one_case, small_config, tmp_path):
    config = small_config.with_changes(stage="locator", steps=2, augment=True)
    result = train(config, source_of(one_case, "locator", (16, 16, 16)), (), tmp_path / "run")
    assert result.step == 2


def test_the_arteries_have_the_contrast_of_arteries(one_case):
    source = source_of(one_case)
    patches = [source.sample(sample_generator(0, index)) for index in range(20)]
    told = [p for p in patches if p.image[3].any() and (p.target[0] > 0.99).any()]
    assert told
    for patch in told:
        assert 0.75 < 1.5 * np.median(patch.image[3][patch.target[0] > 0.99]) < 1.25
