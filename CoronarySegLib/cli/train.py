"""``coronaryseg train``: one stage of a model, on generated phantoms or on a folder of image/label pairs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from ..errors import TrainingError
from ..progress import ProgressCallback

_SECONDS_BETWEEN_LINES = 30.0


class Profile(str, Enum):
    paper = "paper"
    recommended = "recommended"


def _list_published(wanted: bool) -> None:
    if not wanted:
        return
    from ..training.published import PUBLISHED

    for entry in PUBLISHED.values():
        typer.echo(f"{entry.name:28}{entry.source}")
    raise typer.Exit


def train_command(
    out: Annotated[Path, typer.Option(help="Run folder: settings, log, checkpoint, weights.")],
    phantoms: Annotated[int | None, typer.Option(min=1, help="Train on this many generated hearts.")] = None,
    data: Annotated[Path | None, typer.Option(help="Train on the image/label pairs of this folder.")] = None,
    stage: Annotated[
        str | None, typer.Option(help="Stage of our own model: locator, vessels, or whole (as published).")
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="Published system, ablation or baseline instead (see --list-systems).")
    ] = None,
    profile: Annotated[Profile, typer.Option(help="The paper's settings, or ours.")] = Profile.recommended,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Patches in a step.")] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that make patches.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Computing threads.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights and patches.")] = None,
    config: Annotated[Path | None, typer.Option(help="JSON file with any of the settings in config.json.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Where prepared data are kept.")] = None,
    priors_from: Annotated[Path | None, typer.Option(help="Locator run whose answers become the priors.")] = None,
    split: Annotated[
        Path | None, typer.Option(help="Which cases train and validate: ImageCAS's .xlsx, .csv or nnU-Net's .json.")
    ] = None,
    fold: Annotated[int, typer.Option(min=1, help="Fold of --split.")] = 1,
    initial_from: Annotated[
        Path | None, typer.Option(help="Run whose masks a refining stage (attention-gan) corrects.")
    ] = None,
    start_from: Annotated[Path | None, typer.Option(help="Start from these .safetensors weights.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only measure time and memory.")] = False,
    export: Annotated[Path | None, typer.Option(help="Write a model folder afterwards.")] = None,
    list_systems: Annotated[
        bool, typer.Option("--list-systems", callback=_list_published, is_eager=True, help="List them and end.")
    ] = False,
    with_run: Annotated[list[Path] | None, typer.Option(help="Further run folder whose stage joins --export.")] = None,
) -> None:
    """Train one stage of a model. Stop with Ctrl+C at any time and go on with --resume.

    Several GPUs or machines: torchrun --nproc-per-node N -m CoronarySegLib train ... (--batch counts for each process).
    """
    from ..training.distributed import workers_of_torchrun
    from ..training.estimate import estimate
    from ..training.initial_masks import note_cases
    from ..training.loop import train
    from ..training.opening import open_choice
    from ..training.published import deviations_of

    changes = {"steps": steps, "batch": batch, "workers": workers, "threads": threads, "device": device, "seed": seed}
    settings = _settings(out, resume, config, profile, stage, system, data is not None, phantoms, changes)
    choice = _choice(out, resume, phantoms, data, cache, priors_from, split, fold, initial_from)
    with workers_of_torchrun(settings.device) as workers:
        console = Console(quiet=not workers.first)
        if not workers.first:  # by then the first has prepared what all of them read
            workers.wait()
        with _shown(console) as progress:
            source, validation = open_choice(choice, settings, progress=progress)
        if workers.first:
            workers.wait()
        settings = _balanced(settings, source)
        for deviation in deviations_of(settings):
            console.print(f"Not as published: {deviation}", markup=False)
        if dry_run:
            with _shown(console) as progress:
                console.print(estimate(settings, source, progress=progress).summary())
            return
        if workers.first:
            out.mkdir(parents=True, exist_ok=True)
            choice.write(out)
            note_cases(out, source)
        with _shown(console) as progress:
            result = train(
                settings, source, validation, out, progress=progress, resume=resume, initial_weights=start_from
            )
    if not workers.first:
        return
    _print_result(console, result, out)
    if export is not None and not result.stopped:
        from ..training.export import export_model

        export_model([out, *(with_run or [])], export, system=_way(settings))
        console.print(f"Model written to {export}. Use it with: coronaryseg segment IMAGE --model {export}")


def _print_result(console: Console, result, out: Path) -> None:
    console.print(f"Step {result.step} of {result.steps} on {result.hardware} in {result.seconds / 60:.1f} min.")
    for name, dice in result.scores.get("dice", {}).items():
        console.print(f"  Dice {name}: " + ("no truth" if dice is None else f"{dice:.3f}"))
    if result.skipped_steps:
        console.print(f"  {result.skipped_steps} steps were skipped because their loss was not a finite number.")
    for name, dice in result.scores.get("further_dice", {}).items():
        console.print(f"  Dice {name}: {dice:.3f}")
    if result.ended_early:
        console.print(f"Ended early at step {result.step}: the validations had stopped getting better.")
    if result.stopped:
        console.print(f"Stopped early. Go on with: coronaryseg train --out {out} --resume")


def _settings(out: Path, resume: bool, config: Path | None, profile: Profile, stage: str | None, system: str | None,
              real: bool, phantoms: int | None, changes: dict[str, Any]):
    """Settings of the run: those of the run to resume, else the file's over the profile's; options over both."""
    from ..training.config import paper_config, read_config, read_values, recommended_config
    from ..training.published import published_config

    given = {name: value for name, value in changes.items() if value is not None}
    if resume:
        return read_config(out / "config.json").with_changes(**given)
    values = {**(read_values(config) if config else {}), **given}
    if system is not None:
        if stage is not None:
            raise TrainingError("A published system knows its stage. Leave --stage or --system out.")
        if real and profile is Profile.recommended:
            values.setdefault("augment", True)
        return published_config(system, profile.value, cases=phantoms or 200, **values)
    if stage is not None:
        values["stage"] = stage
    if profile is Profile.paper:
        if values.setdefault("stage", "whole") != "whole":
            raise TrainingError("The paper's profile has the one stage 'whole'. Leave --stage out, or use recommended.")
        return paper_config(samples=phantoms or 200, **values)
    values.setdefault("augment", real)
    return recommended_config(values.pop("stage", "vessels"), **values)


def _choice(out: Path, resume: bool, phantoms: int | None, data: Path | None, cache: Path | None,
            locator_run: Path | None, split: Path | None, fold: int, initial_run: Path | None):
    from ..training.opening import DataChoice, read_choice

    before = read_choice(out) if resume and phantoms is None and data is None else None
    paths = (None if path is None else str(path) for path in (data, cache, locator_run, split))
    return before or DataChoice(phantoms, *paths, fold, None if initial_run is None else str(initial_run))


def _balanced(settings, source):
    """The settings with the data's share of vessel where the published system weighs its cross-entropy by it."""
    from ..training.published import PUBLISHED

    entry = PUBLISHED.get(settings.published)
    if entry is None or not entry.balanced or settings.vessel_share is not None:
        return settings
    share = getattr(source, "vessel_share", None)
    if share is None:
        raise TrainingError(
            f"{entry.name} weighs its loss by the share of vessel in the data, which this source cannot tell. Set "
            "vessel_share in --config, or train on a folder (--data)."
        )
    return settings.with_changes(vessel_share=share)


def _way(settings) -> str | None:
    """What an exported model of these settings does with its stage, None where there is one way only."""
    from ..training.published import PUBLISHED

    entry = PUBLISHED.get(settings.published)
    return None if entry is None else entry.system


@contextmanager
def _shown(console: Console) -> Iterator[ProgressCallback]:
    """A progress callback: a bar on a terminal, a line now and then in a log file."""
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def show(fraction: float, text: str) -> None:
            bar.update(task, completed=fraction, description=text)

        yield show


def _lines(console: Console) -> ProgressCallback:
    last = [-_SECONDS_BETWEEN_LINES]

    def show(fraction: float, text: str) -> None:
        if text and time.monotonic() - last[0] > _SECONDS_BETWEEN_LINES:
            last[0] = time.monotonic()
            console.print(f"{100 * fraction:3.0f} % {text}", highlight=False)

    return show
