"""Training and scoring of the entrants, one by one, each in a folder of its own; what is there is not done again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..angiogram.training.cases import AngiogramCase, find_cases, holds_angiograms
from ..errors import Cancelled, TrainingError
from ..evaluation.scores import plain
from ..in_place import write_text
from ..models import ModelFolder
from ..progress import Progress, ProgressCallback, as_progress
from ..training.config import TrainConfig
from ..training.export import export_model
from ..training.initial_masks import note_cases
from ..training.loop import TrainResult, train
from ..training.opening import DataChoice, open_choice
from ..training.pairs import Pair, find_pairs
from ..training.published import PUBLISHED, published_config
from ..training.splits import read_split
from ..training.state import CHECKPOINT
from .budget import steps_within
from .cost import cost_of
from .entrants import Entrant
from .scoring import score_cases

RESULT = "result.json"


@dataclass(frozen=True)
class Plan:
    """What all entrants share: the data with its ``split`` and ``fold`` (without a split nobody is trained and every
    case tests); the budget, either ``steps`` for every stage or ``minutes`` of training for every entrant (the papers'
    own epochs for neither); ``profile``, and ``settings`` by published name ("*" for all) laid over the systems'.
    ``quality`` is that of the prediction; ``cache`` holds the prepared data (beside the entrants' folders for None)."""

    data: Path
    split: Path | None
    fold: int = 1
    steps: int | None = None
    minutes: float | None = None
    profile: str = "recommended"
    device: str = "auto"
    quality: str = "standard"
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cache: Path | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.minutes is not None:
            raise TrainingError("A budget is either steps or minutes. Leave one of them out.")


@dataclass(frozen=True)
class Result:
    """One entrant's figures. ``cases`` holds for every test case its figures by name, with "roc_auc", "roughness_mm",
    "seconds" and "memory_mb", None where a figure is no finite number or nobody can tell. ``steps`` by stage."""

    name: str
    cases: dict[str, dict[str, float | None]]
    weights: int
    gflops_by_patch: dict[str, float]
    training_seconds: float
    hardware: str
    deviations: tuple[str, ...]
    steps: dict[str, int] = field(default_factory=dict)


def run_entrant(entrant: Entrant, plan: Plan, folder: Path,
                progress: Progress | ProgressCallback | None = None) -> Result:
    """Train, export and score one entrant below ``folder``, or read what an earlier call left there.

    Raises Cancelled when a signal stopped the training (the same call goes on), TrainingError and what the training and
    the prediction raise.
    """
    report = as_progress(progress)
    path = folder / RESULT
    if path.is_file():
        return read_result(path)
    if plan.split is None:
        raise TrainingError("Training needs to know which cases to keep for testing. Name them with --split.")
    pairs = pairs_to_test(plan)
    runs, trained = [], {}
    for number, stage in enumerate(entrant.stages):
        part = report.part(0.7 * number / len(entrant.stages), 0.7 * (number + 1) / len(entrant.stages))
        trained[stage] = _train(stage, entrant, plan, folder, runs, part)
        if trained[stage].stopped:
            raise Cancelled(f"Stopped while training {stage} at step {trained[stage].step}. Give the same command to "
                            "go on.")
        runs.append(folder / stage)
    model = export_model(runs, folder / "model", name=entrant.name, system=PUBLISHED[entrant.stages[0]].system)
    return _result(
        model, entrant.name, pairs, plan, folder, report.part(0.7, 1.0),
        training_seconds=sum(t.seconds for t in trained.values()), hardware=trained[entrant.stages[-1]].hardware,
        steps={stage: t.step for stage, t in trained.items()},
    )


def score_model(model: ModelFolder, name: str, plan: Plan, folder: Path,
                progress: Progress | ProgressCallback | None = None) -> Result:
    """A model that is there already, shipped, trained elsewhere or imported, on the same test cases."""
    path = folder / RESULT
    if path.is_file():
        return read_result(path)
    return _result(model, name, pairs_to_test(plan), plan, folder, as_progress(progress), training_seconds=0.0,
                   hardware="", steps={})


def pooled(results: Sequence[Result]) -> Result:
    """The folds of one entrant as one: cross-validation. Raises TrainingError when two folds test the same case."""
    cases: dict[str, dict[str, float | None]] = {}
    for result in results:
        twice = sorted(cases.keys() & result.cases.keys())
        if twice:
            raise TrainingError(f"Two folds test the same cases ({', '.join(twice[:5])}). Choose folds that do not.")
        cases |= result.cases
    first = results[0]
    return Result(
        first.name, cases, first.weights, first.gflops_by_patch, sum(r.training_seconds for r in results),
        first.hardware, first.deviations, first.steps,
    )


def pairs_to_test(plan: Plan) -> tuple[Pair | AngiogramCase, ...]:
    """The cases nothing is trained or chosen on. Raises TrainingError when the split keeps none for testing."""
    found = find_cases(plan.data) if holds_angiograms(plan.data) else find_pairs(plan.data)
    if plan.split is None:
        return tuple(found)
    names = set(read_split(plan.split, plan.fold).test)
    pairs = tuple(pair for pair in found if pair.name in names)
    if not pairs:
        raise TrainingError(f"The split {plan.split} keeps no case of {plan.data} for testing. Add some.")
    return pairs


def read_result(path: Path) -> Result:
    """The result an entrant's folder holds. Raises TrainingError when it is damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Result(**{**values, "deviations": tuple(values["deviations"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(f"{path} is damaged: {error}. Remove it to score that entrant again.") from error


def _result(model: ModelFolder, name: str, pairs: tuple[Pair, ...], plan: Plan, folder: Path, report: Progress,
            **training: Any) -> Result:
    cases = score_cases(model, pairs, folder / "cases", device=plan.device, quality=plan.quality, report=report)
    cost = cost_of(model.card)
    result = Result(name, cases, cost.weights, cost.gflops_by_patch, deviations=model.card.deviations, **training)
    write_text(folder / RESULT, json.dumps(plain(asdict(result)), indent=1) + "\n")
    return result


def _train(stage: str, entrant: Entrant, plan: Plan, folder: Path, earlier: Sequence[Path],
           progress: Progress) -> TrainResult:
    config = _config(stage, plan)
    refines = "initial" in config.spec.inputs
    choice = DataChoice(
        data=str(plan.data), cache=str(plan.cache or folder.parent / "cache"), split=str(plan.split), fold=plan.fold,
        initial_run=str(earlier[-1]) if refines else None,
    )
    share = None if plan.minutes is None else plan.minutes / len(entrant.stages)
    return train_within(share, config, choice, folder / stage, progress)


def train_within(
    minutes: float | None, config: TrainConfig, choice: DataChoice, run: Path, progress: Progress
) -> TrainResult:
    """Train in the folder ``run``, or go on there, for about ``minutes`` (for the steps of ``config`` when None)."""
    source, validation = open_choice(choice, config, progress=progress.part(0.0, 0.1))
    if PUBLISHED[config.published].balanced and config.vessel_share is None:
        config = config.with_changes(vessel_share=source.vessel_share)
    run.mkdir(parents=True, exist_ok=True)
    if minutes is not None:
        config = config.with_changes(steps=steps_within(minutes, config, source, run, progress.part(0.1, 0.15)))
    choice.write(run)
    note_cases(run, source)
    return train(config, source, validation, run, progress=progress.part(0.15, 1.0),
                 resume=(run / CHECKPOINT).exists())


def _config(stage: str, plan: Plan) -> TrainConfig:
    changes = {**plan.settings.get("*", {}), **plan.settings.get(stage, {}), "device": plan.device}
    if plan.steps is not None:
        changes["steps"] = plan.steps
    return published_config(stage, plan.profile, **changes)
