"""Training and scoring of the entrants, one by one, each in a folder of its own; what is there is not done again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from ..errors import Cancelled, TrainingError
from ..evaluation import evaluate
from ..evaluation.scores import FIGURES, plain
from ..in_place import write_text
from ..inference import predict
from ..models import ModelFolder
from ..preparation import resample
from ..progress import Progress, ProgressCallback, as_progress
from ..reading import read_volume
from ..training.export import export_model
from ..training.initial_masks import note_cases
from ..training.loop import train
from ..training.opening import DataChoice, open_choice
from ..training.pairs import Pair, find_pairs
from ..training.published import PUBLISHED, published_config
from ..training.splits import read_split
from ..training.state import CHECKPOINT
from .cost import cost_of
from .entrants import Entrant
from .roughness import surface_roughness_mm

RESULT = "result.json"
THRESHOLD = 0.5


@dataclass(frozen=True)
class Plan:
    """What all entrants share: the data with its ``split`` and ``fold``, ``steps`` for every stage (the papers' own
    epochs for None), ``profile``, and ``settings`` by published name ("*" for all) laid over the systems'."""

    data: Path
    split: Path
    fold: int = 1
    steps: int | None = None
    profile: str = "recommended"
    device: str = "auto"
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """One entrant's figures. ``cases`` holds for every test case its figures by name, with "roc_auc", "roughness_mm"
    and "seconds", None where a figure is no finite number; ``memory_mb`` is the most a GPU needed, None without."""

    name: str
    cases: dict[str, dict[str, float | None]]
    weights: int
    gflops_by_patch: dict[str, float]
    memory_mb: float | None
    training_seconds: float
    hardware: str
    deviations: tuple[str, ...]


def run_entrant(entrant: Entrant, plan: Plan, folder: Path,
                progress: Progress | ProgressCallback | None = None) -> Result:
    """Train, export and score one entrant below ``folder``, or read what an earlier call left there.

    The lumen probability is scored as it is, thresholded at one half on the truth's grid: no post-processing stands
    between the systems. Raises Cancelled when a signal stopped the training (the same call goes on), TrainingError and
    what the training and the prediction raise.
    """
    report = as_progress(progress)
    path = folder / RESULT
    if path.is_file():
        return _read(path)
    runs, seconds, hardware = [], 0.0, ""
    for number, stage in enumerate(entrant.stages):
        part = report.part(0.7 * number / len(entrant.stages), 0.7 * (number + 1) / len(entrant.stages))
        trained = _train(stage, plan, folder, runs, part)
        if trained.stopped:
            raise Cancelled(f"Stopped while training {stage} at step {trained.step}. Give the same command to go on.")
        runs.append(folder / stage)
        seconds, hardware = seconds + trained.seconds, trained.hardware
    model = export_model(runs, folder / "model", name=entrant.name, system=PUBLISHED[entrant.stages[0]].system)
    cost = cost_of(model.card)
    cases, memory = _scored(model, plan, report.part(0.7, 1.0))
    result = Result(entrant.name, cases, cost.weights, cost.gflops_by_patch, memory, seconds, hardware,
                    model.card.deviations)
    write_text(path, json.dumps(plain(asdict(result)), indent=1) + "\n")
    return result


def _train(stage: str, plan: Plan, folder: Path, earlier: Sequence[Path], progress: Progress):
    changes = {**plan.settings.get("*", {}), **plan.settings.get(stage, {}), "device": plan.device}
    if plan.steps is not None:
        changes["steps"] = plan.steps
    config = published_config(stage, plan.profile, **changes)
    refines = "initial" in config.spec.inputs
    choice = DataChoice(
        data=str(plan.data), cache=str(folder.parent / "cache"), split=str(plan.split), fold=plan.fold,
        initial_run=str(earlier[-1]) if refines else None,
    )
    source, validation = open_choice(choice, config, progress=progress.part(0.0, 0.1))
    if PUBLISHED[stage].balanced and config.vessel_share is None:
        config = config.with_changes(vessel_share=source.vessel_share)
    run = folder / stage
    run.mkdir(parents=True, exist_ok=True)
    choice.write(run)
    note_cases(run, source)
    return train(config, source, validation, run, progress=progress.part(0.1, 1.0),
                 resume=(run / CHECKPOINT).exists())


def _scored(model: ModelFolder, plan: Plan, report: Progress) -> tuple[dict[str, dict], float | None]:
    pairs = pairs_to_test(plan)
    on_gpu = plan.device in ("auto", "cuda") and torch.cuda.is_available()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    cases = {}
    for number, pair in enumerate(pairs):
        part = report.part(number / len(pairs), (number + 1) / len(pairs))
        cases[pair.name] = _score(model, pair, plan.device, part)
    return cases, torch.cuda.max_memory_allocated() / 2**20 if on_gpu else None


def pairs_to_test(plan: Plan) -> tuple[Pair, ...]:
    """The cases nothing is trained or chosen on. Raises TrainingError when the split keeps none for testing."""
    names = set(read_split(plan.split, plan.fold).test)
    pairs = tuple(pair for pair in find_pairs(plan.data) if pair.name in names)
    if not pairs:
        raise TrainingError(f"The split {plan.split} keeps no case of {plan.data} for testing. Add some.")
    return pairs


def _score(model: ModelFolder, pair: Pair, device: str, report: Progress) -> dict[str, float | None]:
    truth = read_volume(pair.label)
    truth = truth.with_array(np.isin(truth.array, (1, 2)).astype(np.uint8))
    ct = read_volume(pair.image)
    start = perf_counter()
    prediction = predict(ct, model, device=device, progress=report)
    seconds = perf_counter() - start
    probability = resample(prediction.lumen, truth.geometry, interpolation="linear", fill=0.0)
    mask = probability.with_array((probability.array > THRESHOLD).astype(np.uint8))
    scores = evaluate(mask, truth, probability=probability)
    figures = {name: getattr(scores.total, name) for name in FIGURES}
    rough = surface_roughness_mm(prediction.lumen)
    return plain({**figures, "roc_auc": scores.roc_auc, "roughness_mm": rough, "seconds": seconds})


def _read(path: Path) -> Result:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Result(**{**values, "deviations": tuple(values["deviations"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(f"{path} is damaged: {error}. Remove it to score that entrant again.") from error
