"""Systems side by side: the same cases, counted costs, a table that can be read."""

import json
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CoronarySegLib.benchmark.claims import verdicts
from CoronarySegLib.benchmark.cost import cost_of
from CoronarySegLib.benchmark.entrants import ENTRANTS, find_entrants
from CoronarySegLib.benchmark.memory import peak_memory
from CoronarySegLib.benchmark.run import Plan, Result, pairs_to_test, pooled, run_entrant
from CoronarySegLib.benchmark.table import benchmark_parts, results_table
from CoronarySegLib.cli.main import main
from CoronarySegLib.errors import Cancelled, TrainingError
from CoronarySegLib.models import ModelCard, StageCard
from CoronarySegLib.training.published import PUBLISHED
from CoronarySegLib.training.state import read_checkpoint
from CoronarySegLib.volume import Geometry, Volume
from CoronarySegLib.writing.document import as_markdown, markdown_table

torch.set_num_threads(1)
SETTINGS = {
    "*": {"workers": 0, "threads": 1, "tensorboard": False, "batch": 1, "patch_zyx": [16, 16, 16],
          "stage_changes": {"spacing_mm": 1.0, "patch_zyx": [32, 32, 32]}},
    "huang": {"network_arguments": {"channels": [2, 4]}},
    "mask-guided-coarse-only": {"network_arguments": {"refine": False, "coarse_channels": [2, 2]}},
}


@pytest.fixture
def a_folder(tmp_path):
    """Three cases of one straight vessel: 1 trains, 2 validates, 3 tests."""
    geometry = Geometry((32, 32, 32), (1.0, 1.0, 1.0))
    _, y, x = np.indices(geometry.shape_zyx)
    for name, centre in (("1", 12), ("2", 16), ("3", 20)):
        labels = ((x - centre) ** 2 + (y - 16) ** 2 < 9).astype(np.uint8)
        hu = (350.0 * labels + np.random.default_rng(int(name)).normal(0, 20, labels.shape)).astype(np.int16)
        for folder, array in (("images", hu), ("labels", labels)):
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
            sitk.WriteImage(Volume(array, geometry).to_image(), str(tmp_path / "data" / folder / f"{name}.nii.gz"))
    (tmp_path / "split.csv").write_text("1,Training\n2,Val\n3,Testing\n")
    return tmp_path


@pytest.fixture
def a_plan(a_folder):
    return Plan(a_folder / "data", a_folder / "split.csv", steps=2, device="cpu", settings=SETTINGS)


def test_an_entrant_is_trained_scored_on_the_test_case_and_not_done_twice(a_plan, tmp_path):
    entrant = ENTRANTS["huang"]
    result = run_entrant(entrant, a_plan, tmp_path / "out" / "huang")
    assert list(result.cases) == ["3"]
    assert {"dice", "cldice", "hd95_mm", "betti0_error", "roc_auc", "seconds"} <= result.cases["3"].keys()
    assert result.cases["3"]["memory_mb"] > 10
    assert result.steps == {"huang": 2}
    mask = sitk.ReadImage(str(tmp_path / "out" / "huang" / "cases" / "3.nii.gz"))
    assert mask.GetSize() == (32, 32, 32)
    assert result.weights > 0
    log = (tmp_path / "out" / "huang" / "huang" / "log.jsonl").stat().st_mtime_ns
    again = run_entrant(entrant, a_plan, tmp_path / "out" / "huang")
    assert again.cases == result.cases
    assert (tmp_path / "out" / "huang" / "huang" / "log.jsonl").stat().st_mtime_ns == log


def test_the_command_writes_one_table_of_all_entrants(a_folder):
    (a_folder / "settings.json").write_text(json.dumps(SETTINGS))
    options = ["--data", str(a_folder / "data"), "--split", str(a_folder / "split.csv"), "--steps", "2", "--device",
               "cpu", "--config", str(a_folder / "settings.json"), "--progress", "none"]
    names = ["--system", "huang", "--system", "mask-guided-coarse-only"]
    assert main(["benchmark", "-o", str(a_folder / "out"), *options, *names]) == 0
    table = (a_folder / "out" / "benchmark.md").read_text()
    assert "| huang |" in table
    assert "| mask-guided-coarse-only |" in table
    assert "huang: learning_rate is 0.001 instead of 0.0001." in table
    assert "huang: huang 2 steps in" in table
    page = (a_folder / "out" / "benchmark.html").read_text()
    assert "<td>mask-guided-coarse-only</td>" in page
    lines = (a_folder / "out" / "benchmark.csv").read_text().splitlines()
    assert lines[0].startswith("system,case,dice,")
    assert [line.split(",")[:2] for line in lines[1:]] == [["huang", "3"], ["mask-guided-coarse-only", "3"]]


def test_one_system_that_fails_is_named_and_the_others_go_on(a_folder, capsys):
    settings = {**SETTINGS, "mask-guided-coarse-only": {"network_arguments": {"no_such": 1}}}
    (a_folder / "settings.json").write_text(json.dumps(settings))
    code = main(["benchmark", "--data", str(a_folder / "data"), "--split", str(a_folder / "split.csv"), "--steps", "2",
                 "--device", "cpu", "--config", str(a_folder / "settings.json"), "-o", str(a_folder / "out"),
                 "--system", "mask-guided-coarse-only", "--system", "huang", "--progress", "none"])
    assert code == 1
    assert "mask-guided-coarse-only did not finish: ModelError" in capsys.readouterr().out
    table = (a_folder / "out" / "benchmark.md").read_text()
    assert "| huang |" in table
    assert "did not finish" in table


def test_a_stopped_training_is_no_result_and_goes_on(a_plan, tmp_path):
    def stop_at_one(fraction, text):
        if text.startswith("step 1/"):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Cancelled, match="at step 1"):
        run_entrant(ENTRANTS["huang"], a_plan, tmp_path / "out", stop_at_one)
    assert not (tmp_path / "out" / "result.json").exists()
    assert run_entrant(ENTRANTS["huang"], a_plan, tmp_path / "out").cases


def test_a_split_without_test_cases_is_refused(a_plan):
    a_plan.split.write_text("1,Training\n2,Val\n3,Training\n")
    with pytest.raises(TrainingError, match="keeps no case"):
        pairs_to_test(a_plan)


def test_the_entrants_are_listed(capsys):
    assert main(["benchmark", "--list-systems"]) == 0
    assert "seg2refinenet: sfanet, attention-gan" in capsys.readouterr().out


def test_every_published_system_takes_part():
    taking_part = {stage for entrant in ENTRANTS.values() for stage in entrant.stages}
    assert taking_part == set(PUBLISHED)
    assert {*find_entrants(()), *find_entrants((), on_angiograms=True)} == set(ENTRANTS.values())
    with pytest.raises(TrainingError, match="no entrant nnunet"):
        find_entrants(("nnunet",))


def test_costs_are_those_of_the_layers():
    arguments = {"channels": [4, 8], "norm": "instance"}
    stage = StageCard("patches", "PatchUNet", arguments, ("ct",), ("lumen",), 0.5, (8, 8, 8))
    card = ModelCard("x", "recommended", "0", "", (stage,), "", "", system="patches")
    pairs = [(1, 2, 512), (2, 4, 512), (4, 4, 64), (4, 8, 64), (12, 4, 512), (4, 4, 512)]
    operations = sum(2 * 27 * a * b * voxels for a, b, voxels in pairs) + 2 * 4 * 512
    cost = cost_of(card)
    assert cost.weights == sum(27 * a * b + 2 * b for a, b, _ in pairs) + 5
    assert cost.gflops_by_patch["patches"] == pytest.approx(operations / 1e9)


def a_result(name, dices, first_case=0, **more):
    cases = {
        str(number): {"dice": dice, "hd95_mm": 10 * (1 - dice) if dice else None, "seconds": 1.0, **more}
        for number, dice in enumerate(dices, first_case)
    }
    return Result(name, cases, 1_500_000, {"patches": 2.5}, 60.0, "cpu float32", ())


def test_the_best_mean_is_bold_and_what_found_nothing_is_counted():
    table = markdown_table(results_table([a_result("good", [0.8, 0.9]), a_result("poor", [0.5, 0.0])]))
    assert "**0.850 ± 0.071**" in table
    assert "5.00 ± 0.00 (1 without)" in table
    assert "| 1.50 | 2.5 | 1.0 |" in table


def test_nobody_is_best_where_all_are_alike():
    assert "**" not in markdown_table(results_table([a_result("one", [0.0]), a_result("other", [0.0])]))


SEVEN = [0.8, 0.82, 0.79, 0.81, 0.83, 0.8, 0.78]


def test_p_is_paired_against_the_best_and_needs_six_cases():
    worse = [dice - 0.1 - 0.01 * number for number, dice in enumerate(SEVEN)]
    rows = results_table([a_result("a", SEVEN), a_result("b", worse)]).rows
    assert [row[-1] for row in rows] == ["", f"{2 / 2**7:.3f}"]
    rows = results_table([a_result("a", SEVEN[:5]), a_result("b", worse[:5])]).rows
    assert [row[-1] for row in rows] == ["", ""]


def test_folds_are_pooled_and_may_not_test_the_same_case():
    whole = pooled([a_result("a", [0.8, 0.9]), a_result("a", [0.7], first_case=2)])
    assert (list(whole.cases), whole.training_seconds) == (["0", "1", "2"], 120.0)
    with pytest.raises(TrainingError, match="test the same cases"):
        pooled([a_result("a", [0.8]), a_result("a", [0.7])])


def test_a_claim_is_confirmed_contradicted_or_not_decided():
    worse = [dice - 0.1 - 0.01 * number for number, dice in enumerate(SEVEN)]
    confirmed, = verdicts([a_result("mask-guided", SEVEN), a_result("mask-guided-no-gates", worse)])
    assert confirmed.endswith(": confirmed.")
    contradicted, = verdicts([a_result("mask-guided", worse), a_result("mask-guided-no-gates", SEVEN)])
    assert "Vessel-aware attention gates" in contradicted
    assert contradicted.endswith("p 0.016: contradicted.")
    undecided, = verdicts([a_result("seg2refinenet", SEVEN[:2]), a_result("sfanet", worse[:2])])
    assert undecided.endswith("over 2 cases: not decided, though the mean is as claimed.")


def test_the_loss_claim_is_judged_by_the_surface_too():
    rough = [a_result("resunet3d", SEVEN, roughness_mm=0.05, components_predicted=3.0),
             a_result("resunet3d-dice", SEVEN, roughness_mm=0.08, components_predicted=5.0)]
    sentence, = verdicts(rough)
    for figure in ("surface roughness (mm) 0.050 with and 0.080 without", "pieces 3.0", "Dice 0.804", "HD95 (mm)"):
        assert figure in sentence


def test_the_report_says_what_was_compared():
    text = as_markdown("t", benchmark_parts([a_result("sfanet", [0.8]), a_result("seg2refinenet", [0.9])], ("fold 1",)))
    for wanted in ("## What the papers claim", "- fold 1", "sfanet: not trained here.", "Test cases: 1."):
        assert wanted in text


def test_memory_is_the_peak_of_what_runs_inside():
    with peak_memory(on_gpu=False) as before:
        pass
    with peak_memory(on_gpu=False) as peak:
        held = np.ones(60 * 2**20 // 8)
        held += 1
        time.sleep(0.3)  # on a busy machine the watcher comes late
        del held
    assert peak.mb > before.mb + 20


def test_a_budget_in_minutes_gives_as_many_steps_as_fit_and_keeps_them(a_plan, tmp_path):
    plan = replace(a_plan, steps=None, minutes=0.02)
    run_entrant(ENTRANTS["huang"], plan, tmp_path / "out")
    budget = json.loads((tmp_path / "out" / "huang" / "budget.json").read_text())
    assert budget["steps"] == max(10, int(1.2 / budget["seconds_per_step"]))
    assert read_checkpoint(tmp_path / "out" / "huang")["step"] == budget["steps"]


def test_a_budget_is_steps_or_minutes(a_plan):
    with pytest.raises(TrainingError, match="either steps or minutes"):
        replace(a_plan, minutes=1.0)


def test_a_scored_case_is_not_scored_again(a_plan, tmp_path):
    result = run_entrant(ENTRANTS["huang"], a_plan, tmp_path / "out")
    (tmp_path / "out" / "result.json").unlink()
    (tmp_path / "out" / "cases" / "3.json").write_text(json.dumps({"dice": 0.125}))
    assert result.cases["3"]["dice"] != 0.125
    assert run_entrant(ENTRANTS["huang"], a_plan, tmp_path / "out").cases == {"3": {"dice": 0.125}}


def test_a_model_that_is_there_takes_part_without_training(a_folder, a_plan):
    run_entrant(ENTRANTS["huang"], a_plan, a_folder / "first")
    code = main(["benchmark", "--data", str(a_plan.data), "-o", str(a_folder / "out"), "--device", "cpu",
                 "--model", str(a_folder / "first" / "model"), "--progress", "none"])
    assert code == 0
    text = (a_folder / "out" / "benchmark.md").read_text()
    assert "not trained here" in text
    assert "Test cases: 3." in text  # without a split, all of them
    assert "training: none." in text


def test_models_are_told_apart_by_their_weights_not_by_their_folders_name(a_folder, a_plan):
    places = [a_folder / name for name in ("first", "second")]
    for seed, place in enumerate(places):
        settings = {**SETTINGS, "*": {**SETTINGS["*"], "seed": seed}}
        run_entrant(ENTRANTS["huang"], replace(a_plan, settings=settings), place)
    run_entrant(ENTRANTS["mask-guided-coarse-only"], a_plan, a_folder / "third")
    chosen = [part for place in (*places, a_folder / "third") for part in ("--model", str(place / "model"))]
    command = ["benchmark", "--data", str(a_plan.data), "-o", str(a_folder / "out"), "--device", "cpu", *chosen,
               "--progress", "none"]
    assert main(command) == 0
    rows = [line.split(",") for line in (a_folder / "out" / "benchmark.csv").read_text().splitlines()[1:]]
    assert [row[0] for row in rows[::3]] == ["huang", "huang 0.1.0", "mask-guided-coarse-only"]
    auc = [[row[2:] for row in rows[i : i + 3]] for i in (0, 3, 6)]
    assert auc[0] != auc[1] != auc[2] != auc[0]


def test_nobody_is_trained_without_a_split(a_plan, tmp_path):
    with pytest.raises(TrainingError, match="--split"):
        run_entrant(ENTRANTS["huang"], replace(a_plan, split=None), tmp_path / "out")
