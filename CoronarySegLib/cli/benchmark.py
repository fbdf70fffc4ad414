"""``coronaryseg benchmark``: published systems trained and scored side by side on one split."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .choices import DeviceOption, ProgressOption, QualityChoice, QualityOption
from .display import ProgressStyle, console, shown_progress

if TYPE_CHECKING:
    from ..benchmark.entrants import Entrant
    from ..benchmark.run import Plan, Result
    from ..models import ModelFolder
    from ..progress import Progress

TITLE = "Systems side by side"
SOME_FAILED = 1


def _list_entrants(wanted: bool) -> None:
    if not wanted:
        return
    from ..benchmark.claims import CLAIMS
    from ..benchmark.entrants import ENTRANTS

    for entrant in ENTRANTS.values():
        typer.echo(f"{entrant.name}: {', '.join(entrant.stages)}")
    for claim in CLAIMS.values():
        typer.echo(f"claim {claim.name}: {claim.text}, {claim.of} against {claim.without}")
    raise typer.Exit


def benchmark_command(
    data: Annotated[Path, typer.Option("--data", help="Folder of image/label pairs.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the runs, the models and the table.")],
    split: Annotated[
        Path | None, typer.Option("--split", help="Which cases train, validate and test; without it --model alone.")
    ] = None,
    systems: Annotated[
        list[str] | None, typer.Option("--system", help="Who takes part; again for more, none for all.")
    ] = None,
    claims: Annotated[
        list[str] | None, typer.Option("--claim", help="The two systems that test a paper's claim, e.g. dice-bce.")
    ] = None,
    models: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="A model that is there already, scored on the same cases.")
    ] = None,
    fold: Annotated[
        list[int] | None, typer.Option("--fold", min=1, help="Fold of the split, 1 by default; again for more.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Steps of every stage; the papers' epochs by default.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.01, help="Minutes of training for every system instead.")
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="paper or recommended.")] = "recommended",
    config: Annotated[
        Path | None, typer.Option("--config", help="JSON: settings by published name, '*' for all.")
    ] = None,
    list_systems: Annotated[
        bool, typer.Option("--list-systems", callback=_list_entrants, is_eager=True, help="List them and end.")
    ] = False,
    device: DeviceOption = "auto",
    quality: QualityOption = QualityChoice.standard,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Train and score published systems, ablations and baselines alike; what is done is not done again.

    Writes benchmark.md, benchmark.html and a CSV of every case. Several --fold are a cross-validation: the test cases
    of all of them together. A system that fails is named, and the others go on.
    """
    from ..angiogram.training.cases import holds_angiograms
    from ..benchmark.claims import find_claims
    from ..benchmark.entrants import find_entrants
    from ..benchmark.run import Plan, pooled
    from ..errors import Cancelled, CoronarySegError
    from ..models import find_model
    from ..progress import as_progress
    from ..training.config import read_values

    names = [*(systems or ()), *(name for claim in find_claims(claims or ()) for name in (claim.of, claim.without))]
    # Models alone are scored alone; nothing named at all means everybody.
    trained = find_entrants(
        tuple(dict.fromkeys(names)), on_angiograms=holds_angiograms(data)
    ) if names or not models else ()
    entrants = {entrant.name: entrant for entrant in trained}
    there = {model.path.resolve(): model for model in map(find_model, models or ())}
    for model in there.values():
        entrants[_label(model, entrants)] = model
    settings = read_values(config) if config else {}
    plan = Plan(data, split, 1, steps, minutes, profile, device, quality.value, settings, output / "cache")
    folds = tuple(dict.fromkeys(fold or (1,)))
    _make(output)
    results, failed = [], {}
    with shown_progress(progress) as callback:
        for number, (name, entrant) in enumerate(entrants.items()):
            part = as_progress(callback).part(number / len(entrants), (number + 1) / len(entrants))
            parts = [part.part(place / len(folds), (place + 1) / len(folds)) for place in range(len(folds))]
            plans = [replace(plan, fold=one) for one in folds]
            try:
                results.append(pooled([_run(name, entrant, *one, output) for one in zip(plans, parts, strict=True)]))
            except Cancelled:
                raise
            except (CoronarySegError, MemoryError, RuntimeError) as error:
                # One that does not fit this machine must not take the others' hours away; RuntimeError is torch's.
                failed[name] = error
            # After each: hours of work should be readable before the last one has ended.
            if results:
                _write(results, _told(failed), output, plan, folds)
    if failed and not results:
        raise next(iter(failed.values()))
    out = console()
    for text in _told(failed):
        out.print(text, markup=False)
    out.print(f"Written to {output}: benchmark.md, benchmark.html, benchmark.csv", markup=False)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _run(name: str, entrant: Entrant | ModelFolder, plan: Plan, progress: Progress, output: Path) -> Result:
    from ..benchmark.entrants import Entrant
    from ..benchmark.run import run_entrant, score_model

    place = output / f"fold-{plan.fold}"
    if isinstance(entrant, Entrant):
        return run_entrant(entrant, plan, place / entrant.name, progress)
    # A folder by its weights: what was found for another model, or for this one before it learned more, does not count.
    digest = sha256("".join(stage.sha256 for stage in entrant.card.stages).encode()).hexdigest()[:12]
    result = score_model(entrant, name, plan, place / f"model-{entrant.card.name}-{digest}", progress)
    return replace(result, name=name)


def _label(model: ModelFolder, taken: Collection[str]) -> str:
    """The model's name, with its version or its folder where others are called so too."""
    card = model.card
    folder = str(model.path.resolve())
    return next(label for label in (card.name, f"{card.name} {card.version}", folder) if label not in taken)


def _told(failed: dict[str, Exception]) -> tuple[str, ...]:
    return tuple(
        f"{name} did not finish: {type(error).__name__}: {' '.join(str(error).split())}"
        for name, error in failed.items()
    )


def _write(results: list[Result], failed: tuple[str, ...], output: Path, plan: Plan, folds: tuple[int, ...]) -> None:
    from ..benchmark.table import benchmark_parts
    from ..in_place import file_in_place, write_text
    from ..writing.document import as_html, as_markdown

    budget = f"{plan.steps} steps a stage" if plan.steps is not None else "the papers' epochs"
    if plan.minutes is not None:
        budget = f"{plan.minutes:g} minutes a system, divided equally among its stages"
    if plan.split is None:
        budget = "none"
    split = f", split {plan.split.name}, fold {', '.join(map(str, folds))}" if plan.split else ", every case"
    parts = benchmark_parts(results, (
        f"Data {plan.data.name}{split}; profile {plan.profile}, quality {plan.quality}; training: {budget}.", *failed,
    ))
    write_text(output / "benchmark.md", as_markdown(TITLE, parts))
    write_text(output / "benchmark.html", as_html(TITLE, parts))
    with file_in_place(output / "benchmark.csv") as partial:
        _write_cases(results, partial)


def _write_cases(results: list[Result], path: Path) -> None:
    import csv

    names = list(dict.fromkeys(name for result in results for case in result.cases.values() for name in case))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["system", "case", *names])
        writer.writerows(
            [result.name, case, *(figures.get(name) for name in names)]
            for result in results for case, figures in result.cases.items()
        )


def _make(folder: Path) -> None:
    from ..errors import OutputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error}. Choose another folder.") from error
