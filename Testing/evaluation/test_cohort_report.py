"""A cohort as a report, and two methods on the same cases."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from evaluation_samples import two_trees
from scipy import ndimage
from test_cohort import write

from CoronarySegLib.cli.main import main
from CoronarySegLib.evaluation import evaluate_pairs, find_pairs
from CoronarySegLib.evaluation.report import mean_sd, p_text, write_cohort_report
from CoronarySegLib.evaluation.significance import compare, paired_p

CASES = 7


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Seven cases: the truth, results that miss one layer of voxels more from case to case, and better ones."""
    folder = tmp_path_factory.mktemp("cohort")
    for number in range(CASES):
        truth = two_trees(radius_mm=1.6 + 0.1 * number)
        write(truth, folder / f"true/1-200/{number + 1}.label.nii.gz")
        thin = np.where(ndimage.binary_erosion(truth.array > 0), truth.array, 0).astype(np.uint8)
        half = np.where(np.indices(truth.array.shape)[0] % 2, truth.array, thin).astype(np.uint8)
        write(truth.with_array(thin), folder / f"thin/{number + 1}/labels.nii.gz")
        write(truth.with_array(half), folder / f"half/{number + 1}/labels.nii.gz")
    tree = {"branches": [
        {"name": name, "side": side, "parent": -1, "points_lps_mm": [[x, 0, float(z)] for z in range(-9, 10)],
         "radius_mm": [1.6] * 19}
        for name, side, x in (("LAD", "left", 5.0), ("RCA", "right", -5.0))
    ]}
    for number in range(CASES):
        write(two_trees(radius_mm=1.6 + 0.1 * number), folder / f"named/{number + 1}/truth.nii.gz")
        (folder / f"named/{number + 1}/tree.json").write_text(json.dumps(tree))
    return folder


@pytest.fixture(scope="module")
def cohorts(folders):
    return tuple(evaluate_pairs(find_pairs(folders / name, folders / "named")) for name in ("thin", "half"))


def test_cases_of_the_imagecas_layout_are_found_by_their_number(folders):
    pairs = find_pairs(folders / "thin", folders / "true")
    assert [pair.name for pair in pairs] == [str(number + 1) for number in range(CASES)]
    assert pairs[0].truth.name == "1.label.nii.gz"


def test_images_beside_labels_are_no_cases(folders, tmp_path):
    for suffix in ("img", "label"):
        write(two_trees(), tmp_path / "1.nii.gz").rename(tmp_path / f"1.{suffix}.nii.gz")
    assert find_pairs(folders / "thin", tmp_path)[0].truth.name == "1.label.nii.gz"


def test_a_steady_difference_is_significant_and_none_is_not(cohorts):
    thin, half = cohorts
    dice = next(c for c in compare(thin, half) if c.figure == "dice")
    assert dice.difference == pytest.approx(dice.first - dice.second)
    assert (dice.count, dice.p) == (CASES, pytest.approx(2 / 2**CASES))
    assert dice.adjusted_p >= dice.p
    assert all(c.p is None for c in compare(thin, thin))


def test_too_few_cases_have_no_p():
    five = {str(i): 0.5 + 0.01 * i for i in range(5)}
    assert paired_p(five, {name: value - 0.1 for name, value in five.items()}) is None


def test_only_common_cases_with_a_finite_value_are_paired():
    first = {str(i): 0.5 + 0.01 * i for i in range(8)}
    second = {name: value - 0.1 for name, value in first.items()} | {"0": None, "1": float("inf"), "x": 3.0}
    assert paired_p(first, second) == pytest.approx(2 / 2**6)


def test_regions_have_mean_and_sd_over_cases_and_a_readers_order(cohorts):
    thin = cohorts[0]
    assert [name for kind, name in thin.regions() if kind != "radius"] == ["proximal", "mid", "distal", "LAD", "RCA"]
    figure = thin.region_figure("branch", "LAD", "dice")
    assert figure.count == CASES
    assert figure.mean == pytest.approx(thin.figure("left", "dice").mean, abs=1e-6)


def test_the_report_has_every_case_region_and_comparison(cohorts, tmp_path):
    thin, half = cohorts
    names = write_cohort_report(thin, tmp_path / "report", title="thin <1>", other=half, other_title="half")
    assert names == ("cases.csv", "cases.png", "comparison.csv", "evaluation.html", "evaluation.json", "evaluation.md",
                     "regions.csv", "regions.png", "summary.csv")
    text = (tmp_path / "report/evaluation.md").read_text(encoding="utf-8")
    mean = mean_sd(thin.figure("total", "dice"), 3)
    for wanted in (f"| total | {mean} |", "| position along the tree |", "| LAD |", "p adjusted", "](regions.png)"):
        assert wanted in text
    page = (tmp_path / "report/evaluation.html").read_text(encoding="utf-8")
    assert "<h1>thin &lt;1&gt;</h1>" in page
    assert page.count("data:image/png;base64,") == 2
    with (tmp_path / "report/cases.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * CASES
    values = json.loads((tmp_path / "report/evaluation.json").read_text(encoding="utf-8"))
    assert len(values["comparison"]) == len(compare(thin, half))
    assert len(values["cases"][0]["scores"]["by_region"]) >= 5


def test_a_cohort_in_which_nothing_could_be_scored_still_reports_why(folders, tmp_path):
    (tmp_path / "bad/1").mkdir(parents=True)
    (tmp_path / "bad/1/labels.nii.gz").write_bytes(b"no image")
    cohort = evaluate_pairs(find_pairs(tmp_path / "bad", folders / "true"))
    write_cohort_report(cohort, tmp_path / "report")
    assert "1 was not scored" in (tmp_path / "report/evaluation.md").read_text(encoding="utf-8")


def test_the_command_writes_the_report_beside_other_files(folders, tmp_path, capsys):
    output = tmp_path / "report"
    output.mkdir()
    (output / "mine.txt").write_text("stays")
    code = main(["evaluate", str(folders / "thin"), str(folders / "named"), "--against", str(folders / "half"),
                 "-o", str(output), "--progress", "none"])
    assert code == 0
    assert {"mine.txt", "evaluation.html", "comparison.csv"} <= {path.name for path in Path(output).iterdir()}
    assert "distal" in capsys.readouterr().out


def test_one_case_alone_has_no_cohort_report(folders, tmp_path, capsys):
    pair = [str(folders / "thin/1"), str(folders / "named/1")]
    assert main(["evaluate", *pair, "-o", str(tmp_path / "report")]) == 2
    assert "two folders" in capsys.readouterr().err


@pytest.mark.parametrize(("p", "text"), [(None, ""), (0.0001, "<0.001"), (0.0314, "0.031")])
def test_p_is_written_as_journals_do(p, text):
    assert p_text(p) == text
