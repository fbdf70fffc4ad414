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


class Stage(str, Enum):
    locator = "locator"
    vessels = "vessels"
    whole = "whole"


class Profile(str, Enum):
    paper = "paper"
    recommended = "recommended"


def train_command(
    out: Annotated[Path, typer.Option(help="Run folder: settings, log, checkpoint, weights.")],
    phantoms: Annotated[int | None, typer.Option(min=1, help="Train on this many generated hearts.")] = None,
    data: Annotated[Path | None, typer.Option(help="Train on the image/label pairs of this folder.")] = None,
    stage: Annotated[Stage | None, typer.Option(help="Stage to train; the paper's profile has 'whole' only.")] = None,
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
    start_from: Annotated[Path | None, typer.Option(help="Start from these .safetensors weights.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only measure time and memory.")] = False,
    export: Annotated[Path | None, typer.Option(help="Write a model folder afterwards.")] = None,
    with_run: Annotated[list[Path] | None, typer.Option(help="Further run folder whose stage joins --export.")] = None,
) -> None:
    """Train one stage of a model. Stop with Ctrl+C at any time and go on with --resume."""
    from ..training.estimate import estimate
    from ..training.loop import train
    from ..training.opening import open_choice

    console = Console()
    changes = {"steps": steps, "batch": batch, "workers": workers, "threads": threads, "device": device, "seed": seed}
    settings = _settings(out, resume, config, profile, stage, data is not None, phantoms, changes)
    choice = _choice(out, resume, phantoms, data, cache, priors_from)
    with _shown(console) as progress:
        source, validation = open_choice(choice, settings, progress=progress)
    if dry_run:
        with _shown(console) as progress:
            console.print(estimate(settings, source, progress=progress).summary())
        return
    out.mkdir(parents=True, exist_ok=True)
    choice.write(out)
    with _shown(console) as progress:
        result = train(settings, source, validation, out, progress=progress, resume=resume, initial_weights=start_from)
    console.print(f"Step {result.step} of {result.steps} on {result.hardware} in {result.seconds / 60:.1f} min.")
    for name, dice in result.scores.get("dice", {}).items():
        console.print(f"  Dice {name}: " + ("no truth" if dice is None else f"{dice:.3f}"))
    if result.skipped_steps:
        console.print(f"  {result.skipped_steps} steps were skipped because their loss was not a finite number.")
    if result.stopped:
        console.print(f"Stopped early. Go on with: coronaryseg train --out {out} --resume")
    elif export is not None:
        from ..training.export import export_model

        export_model([out, *(with_run or [])], export)
        console.print(f"Model written to {export}. Use it with: coronaryseg segment CT --model {export}")


def _settings(out: Path, resume: bool, config: Path | None, profile: Profile, stage: Stage | None, real: bool,
              phantoms: int | None, changes: dict[str, Any]):
    """Settings of the run: those of the run to resume, else the file's over the profile's; options over both."""
    from ..training.config import paper_config, read_config, read_values, recommended_config

    given = {name: value for name, value in changes.items() if value is not None}
    if resume:
        return read_config(out / "config.json").with_changes(**given)
    values = {**(read_values(config) if config else {}), **given}
    if stage is not None:
        values["stage"] = stage.value
    if profile is Profile.paper:
        if values.setdefault("stage", "whole") != "whole":
            raise TrainingError("The paper's profile has the one stage 'whole'. Leave --stage out, or use recommended.")
        return paper_config(samples=phantoms or 200, **values)
    values.setdefault("augment", real)
    return recommended_config(values.pop("stage", "vessels"), **values)


def _choice(out: Path, resume: bool, phantoms: int | None, data: Path | None, cache: Path | None,
            locator_run: Path | None):
    from ..training.opening import DataChoice, read_choice

    before = read_choice(out) if resume and phantoms is None and data is None else None
    paths = (None if path is None else str(path) for path in (data, cache, locator_run))
    return before or DataChoice(phantoms, *paths)


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
