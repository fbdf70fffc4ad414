"""``coronaryseg benchmark``: published systems trained and scored side by side on one split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .choices import DeviceOption, ProgressOption
from .display import ProgressStyle, console, shown_progress

TABLE = "benchmark.md"


def _list_entrants(wanted: bool) -> None:
    if not wanted:
        return
    from ..benchmark.entrants import ENTRANTS

    for entrant in ENTRANTS.values():
        typer.echo(f"{entrant.name}: {', '.join(entrant.stages)}")
    raise typer.Exit


def benchmark_command(
    data: Annotated[Path, typer.Option("--data", help="Folder of image/label pairs.")],
    split: Annotated[Path, typer.Option("--split", help="Which cases train, validate and test (.xlsx, .csv).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the runs, the models and the table.")],
    systems: Annotated[
        list[str] | None, typer.Option("--system", help="Who takes part; again for more, none for all.")
    ] = None,
    fold: Annotated[int, typer.Option("--fold", min=1, help="Fold of the split.")] = 1,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Steps of every stage; the papers' epochs by default.")
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="paper or recommended.")] = "recommended",
    config: Annotated[
        Path | None, typer.Option("--config", help="JSON: settings by published name, '*' for all.")
    ] = None,
    list_systems: Annotated[
        bool, typer.Option("--list-systems", callback=_list_entrants, is_eager=True, help="List them and end.")
    ] = False,
    device: DeviceOption = "auto",
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Train and score published systems, ablations and baselines alike; what is done is not done again."""
    from ..benchmark.entrants import find_entrants
    from ..benchmark.run import Plan, run_entrant
    from ..benchmark.table import markdown_table
    from ..errors import OutputError
    from ..in_place import write_text
    from ..progress import as_progress
    from ..training.config import read_values

    entrants = find_entrants(tuple(systems or ()))
    plan = Plan(data, split, fold, steps, profile, device, read_values(config) if config else {})
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{output} cannot be made: {error}. Choose another folder.") from error
    results = []
    with shown_progress(progress) as callback:
        for number, entrant in enumerate(entrants):
            part = as_progress(callback).part(number / len(entrants), (number + 1) / len(entrants))
            results.append(run_entrant(entrant, plan, output / entrant.name, part))
            # After each: hours of work should be readable before the last one has ended.
            write_text(output / TABLE, markdown_table(results))
    console().print(f"Written to {output / TABLE}", markup=False)
