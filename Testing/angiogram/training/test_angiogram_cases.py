"""Folders of angiograms with masks, whose they are, and how they are split."""

import json

import numpy as np
import pytest
from PIL import Image

from CoronarySegLib.angiogram.training.cases import find_cases, holds_angiograms
from CoronarySegLib.angiogram.training.patients import check_patients, patient_folds, patients_of, write_folds
from CoronarySegLib.angiogram.training.source import open_angiograms
from CoronarySegLib.errors import TrainingError
from CoronarySegLib.training.sources import sample_generator
from CoronarySegLib.training.splits import Split, read_split
from CoronarySegLib.training.stages import stage_spec

SPEC = stage_spec("angiogram", {"patch_zyx": (1, 64, 64)})


def a_pair(size=64):
    """A dark vessel on grey, and its mask."""
    mask = np.zeros((size, size), np.uint8)
    mask[8:-8, size // 2 - 2 : size // 2 + 2] = 255
    image = np.where(mask > 0, 60, 160).astype(np.uint8) + np.arange(size, dtype=np.uint8) % 7
    return image, mask


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder_of_pairs(tmp_path):
    image, mask = a_pair()
    for number, name in enumerate(("1_RAO", "1_LAO", "2_RAO", "3_RAO", "B4_LAO", "5_LAO")):
        write(tmp_path / "images" / f"{name}.png", image + np.uint8(number))
        write(tmp_path / "masks" / f"{name}.png", mask)
    return tmp_path


def test_images_and_masks_are_paired_by_name(folder_of_pairs):
    cases = find_cases(folder_of_pairs)
    assert [case.name for case in cases] == ["1_LAO", "1_RAO", "2_RAO", "3_RAO", "5_LAO", "B4_LAO"]
    image, truth = cases[0].read()
    assert image.dtype == np.float32
    assert truth.sum() == 48 * 4
    assert holds_angiograms(folder_of_pairs)


def test_masks_may_lie_beside_their_images(tmp_path):
    image, mask = a_pair()
    write(tmp_path / "1.pgm", image)
    write(tmp_path / "1_gt.pgm", mask)
    assert [case.name for case in find_cases(tmp_path)] == ["1"]


def test_a_film_with_bright_vessels_is_turned_over(tmp_path):
    image, mask = a_pair()
    write(tmp_path / "1.png", 255 - image)
    write(tmp_path / "1_gt.png", mask)
    values, truth = find_cases(tmp_path)[0].read()
    assert values[truth].mean() < values[~truth].mean()


def test_an_image_without_mask_is_named(folder_of_pairs):
    (folder_of_pairs / "masks" / "2_RAO.png").unlink()
    with pytest.raises(TrainingError, match=r"2_RAO\.png"):
        find_cases(folder_of_pairs)


def test_a_mask_of_another_size_is_refused(tmp_path):
    write(tmp_path / "1.png", a_pair()[0])
    write(tmp_path / "1_gt.png", a_pair(32)[1])
    with pytest.raises(TrainingError, match="differ in size"):
        find_cases(tmp_path)[0].read()


def arcade(root, part, first):
    """Two images: one with two vessel regions and a stenosis, one with a stenosis alone."""
    image, _ = a_pair()
    for number in (first, first + 1):
        write(root / part / "images" / f"{number}.png", image)
    vessel = [[30.0, 8, 34, 8, 34, 30, 30, 30]], [[30.0, 30, 34, 30, 34, 55, 30, 55]]
    narrow = [[0.0, 0, 10, 0, 10, 10, 0, 10]]
    values = {
        "images": [{"id": 7, "file_name": f"{first}.png"}, {"id": 8, "file_name": f"{first + 1}.png"}],
        "categories": [{"id": 1, "name": "5"}, {"id": 2, "name": "6"}, {"id": 26, "name": "stenosis"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "segmentation": vessel[0]},
            {"image_id": 7, "category_id": 2, "segmentation": vessel[1]},
            {"image_id": 7, "category_id": 26, "segmentation": narrow},
            {"image_id": 8, "category_id": 26, "segmentation": narrow},
        ],
    }
    path = root / part / "annotations" / "instances.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(values))


def test_coco_regions_become_one_vessel_and_stenoses_none(tmp_path):
    arcade(tmp_path, "phase_1/seg_train", 1)
    arcade(tmp_path, "final_phase/test_cases", 1)
    cases = find_cases(tmp_path)
    assert [case.name for case in cases] == ["seg_train_1", "test_cases_1"]
    truth = cases[0].read()[1]
    assert truth[20, 32]
    assert truth[45, 32]
    assert not truth[5, 5]


def test_a_damaged_coco_file_is_named(tmp_path):
    arcade(tmp_path, "seg_train", 1)
    (tmp_path / "seg_train" / "annotations" / "instances.json").write_text("{}")
    with pytest.raises(TrainingError, match="no COCO file"):
        find_cases(tmp_path)


def test_the_patient_stands_before_the_underscore_or_in_a_file(tmp_path):
    assert patients_of(["1_RAO", "1_LAO", "B4_LAO"]) == {"1_RAO": "1", "1_LAO": "1", "B4_LAO": "B4"}
    assert patients_of(["seg_train_1", "seg_train_2"]) == {"seg_train_1": "seg_train_1", "seg_train_2": "seg_train_2"}
    (tmp_path / "patients.csv").write_text("a,7\nb,7\n")
    assert patients_of(["a", "b"], tmp_path) == {"a": "7", "b": "7"}
    with pytest.raises(TrainingError, match="does not say whose c"):
        patients_of(["a", "c"], tmp_path)


def test_every_patient_is_tested_once_and_never_torn(tmp_path):
    patients = {f"{patient}_{view}": str(patient) for patient in range(24) for view in range(1 + patient % 3)}
    folds = patient_folds(patients, folds=10, seed=1)
    assert sorted(name for split in folds for name in split.test) == sorted(patients)
    for split in folds:
        check_patients(split, patients)
        assert {*split.train, *split.validation, *split.test} == set(patients)
    assert folds == patient_folds(patients, folds=10, seed=1)
    write_folds(tmp_path / "folds.csv", folds)
    again = read_split(tmp_path / "folds.csv", 3)
    assert all(set(getattr(again, p)) == set(getattr(folds[2], p)) for p in ("train", "validation", "test"))


def test_a_patient_in_two_parts_is_refused(folder_of_pairs):
    split = Split(("1_RAO", "2_RAO"), ("1_LAO",))
    with pytest.raises(TrainingError, match=r"two parts of the split \(1\)"):
        open_angiograms(folder_of_pairs, SPEC, split=split)


def test_a_source_gives_images_and_pieces_that_its_generator_decides(folder_of_pairs):
    whole, validation = open_angiograms(folder_of_pairs, SPEC)
    patch = whole.sample(sample_generator(0, 3))
    assert patch.image.shape == patch.target.shape == (1, 1, 64, 64)
    assert patch.image.max() <= 1.0
    assert not {case.name.split("_")[0] for case in whole.cases} & {c.name.split("_")[0] for c in validation.cases}
    pieces, _ = open_angiograms(folder_of_pairs, SPEC, patch_zyx=(1, 32, 32))
    first, again = (pieces.sample(sample_generator(0, 5)) for _ in range(2))
    assert first.image.shape == (1, 1, 32, 32)
    assert np.array_equal(first.image, again.image)
