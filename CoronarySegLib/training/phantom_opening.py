"""So many generated hearts as a source to train on and one to validate on, prepared once in parallel."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import torch

from ..errors import OutputError, TrainingError
from ..networks import build_network
from ..progress import Progress, ProgressCallback, as_progress
from .phantom_cases import prepare_case
from .phantom_narrow import NarrowSource, can_narrow
from .phantom_source import LocatorSource, VesselSource
from .phantom_whole import WholeSource, prepare_whole
from .priors import store_priors
from .sources import PatchSource
from .stages import StageSpec, stage_spec
from .state import read_weights

# Apart from each other and from the small seeds that people, tests and benchmarks use.
FIRST_TRAINING_SEED, FIRST_VALIDATION_SEED = 100_000, 900_000
_SEEDS_OF_A_RUN = 1_000
_SOURCES = {"locator": LocatorSource, "vessels": VesselSource, "whole": WholeSource}
_MOST_PROCESSES = 4  # each holds about a gigabyte


def phantom_seeds(count: int, seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Seeds of the training and of the validation anatomies of a run with ``seed``; they never overlap."""
    held_back = min(4, max(1, count // 8))
    first = FIRST_TRAINING_SEED + _SEEDS_OF_A_RUN * (seed % 700)
    return tuple(range(first, first + count)), tuple(range(FIRST_VALIDATION_SEED, FIRST_VALIDATION_SEED + held_back))


def open_phantoms(count: int, stage: str | StageSpec, patch_zyx: tuple[int, int, int], cache: Path, *, seed: int = 0,
                  locator_run: Path | None = None,
                  progress: Progress | ProgressCallback | None = None) -> tuple[PatchSource, PatchSource]:
    """Sources over ``count`` training anatomies and a few held back, prepared in ``cache`` unless they are there.

    With ``locator_run`` the answers of that run's locator are stored beside the cases and serve the stage "vessels" as
    priors; without it the truth at 1 mm does. A stage of 0.5 mm patches that sees the CT alone takes the vessels' ones.
    Raises TrainingError for a stage that phantoms are not rendered for.
    """
    report = as_progress(progress)
    spec = stage_spec(stage) if isinstance(stage, str) else stage
    stage = spec.name
    if stage not in _SOURCES and not can_narrow(spec):
        raise TrainingError(
            f"Phantoms are not rendered for the stage {stage!r} as it is set. Write them as files with coronaryseg "
            "phantom and train on that folder (--data)."
        )
    train_seeds, validation_seeds = phantom_seeds(count, seed)
    prepare = prepare_whole if stage == "whole" else prepare_case
    cases = prepared(prepare, (*train_seeds, *validation_seeds), cache, report.part(0.0, 0.8))
    if locator_run is not None:
        store_priors(cases, _locator(locator_run), progress=report.part(0.8, 1.0))
    if stage not in _SOURCES:
        return tuple(NarrowSource(VesselSource(part, patch_zyx), spec) for part in (cases[:count], cases[count:]))
    source = _SOURCES[stage]
    return source(cases[:count], patch_zyx), source(cases[count:], patch_zyx)


def _locator(run: Path) -> torch.nn.Module:
    weights = read_weights(run)
    if weights.config.stage != "locator":
        raise TrainingError(f"{run} trained the stage {weights.config.stage!r}, not a locator. Give a locator's run.")
    network = build_network(weights.config.network, weights.config.built_arguments())
    network.load_state_dict(weights.state_dict)
    return network.eval()


def prepared(prepare: Callable[[int, Path], Path], seeds: Sequence[int], cache: Path, report: Progress) -> list[Path]:
    """Case folders of ``seeds`` in their order, made side by side in ``cache`` unless they are there."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # spawn: a fork would inherit the locked thread pools of torch and ITK
        with ProcessPoolExecutor(
            min(os.cpu_count() or 1, _MOST_PROCESSES, len(seeds)), multiprocessing.get_context("spawn"),
            initializer=torch.set_num_threads, initargs=(1,),
        ) as pool:
            jobs = {pool.submit(prepare, seed, cache): seed for seed in seeds}
            done: dict[int, Path] = {}
            try:
                for job in as_completed(jobs):
                    done[jobs[job]] = job.result()
                    report(len(done) / len(seeds), f"Making phantoms ({len(done)}/{len(seeds)})")
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except OSError as error:
        raise OutputError(
            f"The phantoms cannot be kept in {cache}: {error}. Free space (each takes some hundred MB) or name another "
            "cache."
        ) from error
    return [done[seed] for seed in seeds]
