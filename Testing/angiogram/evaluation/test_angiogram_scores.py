"""Figures of masks whose figures are known."""

import json
import math

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from CoronarySegLib.angiogram.evaluation import score_mask
from CoronarySegLib.cli.main import app
from CoronarySegLib.errors import InputError


def a_line(row=10, size=32):
    mask = np.zeros((size, size), bool)
    mask[row : row + 3, 4:28] = True
    return mask


def test_a_mask_against_itself_is_perfect():
    scores = score_mask(a_line(), a_line())
    shares = (scores.dice, scores.iou, scores.precision, scores.sensitivity, scores.specificity, scores.cldice)
    assert shares == (1,) * 6
    assert scores.hausdorff == scores.average_surface_distance == 0
    assert scores.unit == "px"


def test_a_mask_one_pixel_beside_the_truth():
    scores = score_mask(a_line(11), a_line(10), spacing_mm=0.3)
    assert scores.dice == pytest.approx(2 / 3)
    assert scores.iou == pytest.approx(0.5)
    assert scores.sensitivity == pytest.approx(2 / 3)
    assert scores.specificity == pytest.approx(1 - 24 / (32 * 32 - 72))
    assert scores.hausdorff == pytest.approx(0.3)
    assert scores.cldice > 0.95
    assert scores.unit == "mm"


def test_only_the_border_counts_for_distances():
    wide, narrow = np.zeros((32, 32), bool), np.zeros((32, 32), bool)
    wide[8:24, 8:24] = True
    narrow[9:23, 9:23] = True
    # A corner of the wide square is a diagonal away, everything else one pixel; the inside is not counted.
    scores = score_mask(wide, narrow)
    assert scores.hausdorff == pytest.approx(math.sqrt(2))
    assert 0.9 < scores.average_surface_distance < 1.1


def test_an_empty_prediction_scores_nothing_and_is_infinitely_far():
    scores = score_mask(np.zeros((32, 32), bool), a_line())
    assert scores.dice == scores.cldice == 0
    assert math.isinf(scores.hausdorff)
    assert scores.as_dict()["hausdorff"] is None


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(InputError, match="differ in size"):
        score_mask(a_line(size=16), a_line())
    with pytest.raises(InputError, match="no vessel"):
        score_mask(a_line(), np.zeros((32, 32), bool))


def test_the_command_scores_two_folders_of_masks(tmp_path):
    for folder, row in (("predicted", 11), ("truth", 10)):
        (tmp_path / folder).mkdir()
        for name in ("a", "b"):
            Image.fromarray(255 * a_line(row).astype(np.uint8)).save(tmp_path / folder / f"{name}.png")
    figures = tmp_path / "figures.json"
    result = CliRunner().invoke(
        app, ["evaluate", str(tmp_path / "predicted"), str(tmp_path / "truth"), "--json", str(figures)]
    )
    assert result.exit_code == 0, result.output
    values = json.loads(figures.read_text())
    assert set(values["cases"]) == {"a", "b"}
    assert values["mean"]["dice"]["mean"] == pytest.approx(2 / 3)
