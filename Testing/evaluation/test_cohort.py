import json
from io import StringIO

import numpy as np
import pytest
import SimpleITK as sitk
from evaluation_samples import two_trees
from rich.console import Console

from CoronarySegLib.errors import InputError
from CoronarySegLib.evaluation import evaluate, evaluate_pairs, find_pairs, read_centreline, read_labels
from CoronarySegLib.evaluation.tables import cohort_table, radius_table, scores_table
from CoronarySegLib.volume import Volume


def write(volume: Volume, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(volume.to_image(), str(path))
    return path


def text_of(table) -> str:
    stream = StringIO()
    Console(file=stream, width=140).print(table)
    return stream.getvalue()


@pytest.fixture
def two_folders(tmp_path):
    truth = two_trees()
    half = truth.with_array(truth.array * (truth.array == 1))
    write(truth, tmp_path / "predicted/one/labels.nii.gz")
    write(half, tmp_path / "predicted/two/labels.nii.gz")
    write(truth, tmp_path / "true/one/truth.nii.gz")
    write(truth, tmp_path / "true/two.nii.gz")
    return tmp_path / "predicted", tmp_path / "true"


def test_cases_are_paired_by_folder_or_file_name(two_folders):
    assert [pair.name for pair in find_pairs(*two_folders)] == ["one", "two"]


def test_folders_without_a_common_name_are_refused(two_folders, tmp_path):
    write(two_trees(), tmp_path / "other/three.nii.gz")
    with pytest.raises(InputError, match="namesake"):
        find_pairs(two_folders[0], tmp_path / "other")


def test_mean_and_sd_are_taken_over_cases(two_folders):
    cohort = evaluate_pairs(find_pairs(*two_folders))
    figure = cohort.figure("total", "dice")
    assert (figure.mean, figure.count) == (pytest.approx((1 + 2 / 3) / 2, abs=0.01), 2)
    assert figure.sd == pytest.approx(np.std([1, 2 / 3], ddof=1), abs=0.01)


def test_infinite_distances_are_left_out_of_the_mean_and_counted(two_folders):
    figure = evaluate_pairs(find_pairs(*two_folders)).figure("right", "hd95_mm")
    assert (figure.mean, figure.count) == (0.0, 1)


def test_a_damaged_case_is_kept_with_its_error_and_stops_nothing(two_folders):
    predicted, true = two_folders
    (predicted / "one/labels.nii.gz").write_bytes(b"not an image")
    cohort = evaluate_pairs(find_pairs(predicted, true))
    assert "damaged" in cohort.cases[0].error
    assert len(cohort.scored) == 1
    json.dumps(cohort.as_dict(), allow_nan=False)
    assert "not scored" in text_of(cohort_table(cohort))


def test_tables_name_their_figures_and_units(two_folders):
    scores = evaluate(two_trees(), two_trees())
    text = text_of(scores_table(scores))
    assert "HD95 (mm)" in text
    assert "1.000" in text
    cohort = evaluate_pairs(find_pairs(*two_folders))
    assert "mean, total" in text_of(cohort_table(cohort))
    assert "≥1.5" in text_of(radius_table(cohort.found_by_radius()))


def test_centrelines_are_read_from_json(tmp_path):
    path = tmp_path / "tree.json"
    path.write_text(json.dumps({"branches": [
        {"name": "LM", "side": "left", "points_lps_mm": [[0, 0, 0], [0, 0, 2]], "radius_mm": [2, 1.8]}
    ]}))
    line = read_centreline(path)
    assert (len(line), line.length_mm.sum(), set(line.side)) == (2, 2.0, {"left"})


@pytest.mark.parametrize("content", ["", "{}", '{"branches": []}', '{"branches": [{"points_lps_mm": [[0,0,0]]}]}'])
def test_a_file_without_centrelines_is_refused(tmp_path, content):
    path = tmp_path / "tree.json"
    path.write_text(content)
    with pytest.raises(InputError, match="branches"):
        read_centreline(path)


def test_a_label_map_that_is_no_volume_is_refused(tmp_path):
    path = tmp_path / "flat.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 4), np.uint8)), str(path))
    with pytest.raises(InputError, match="not one 3D volume"):
        read_labels(path)


def test_an_image_is_not_read_as_labels(tmp_path):
    path = tmp_path / "ct.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(np.full((4, 4, 4), -900, np.int16)), str(path))
    with pytest.raises(InputError, match="no label map"):
        read_labels(path)
