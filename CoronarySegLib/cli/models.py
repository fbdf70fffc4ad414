"""``coronaryseg models``: which there are, what one is, whether its files are whole; joins them, imports others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ModelError
from .display import console

app = typer.Typer(help="List, show and verify models.", invoke_without_command=True, no_args_is_help=False)


@app.callback()
def _models(context: typer.Context) -> None:
    """List, show and verify models. Without a subcommand: list."""
    if context.invoked_subcommand is None:
        list_command()


@app.command("list")
def list_command() -> None:
    """All models found: those shipped, and those in the folders of CORONARYSEG_MODELS."""
    from rich.table import Table

    from ..models import DEFAULT_MODEL, FOLDERS_VARIABLE, list_models

    models = list_models()
    out = console()
    if not models:
        raise ModelError(f"No models were found. Install CoronarySeg again, or name a folder in {FOLDERS_VARIABLE}.")
    table = Table(header_style="bold")
    for column in ("name", "version", "system", "profile", "description", "folder"):
        table.add_column(column, overflow="fold")
    for model in models:
        name = f"{model.name} (default)" if model.name == DEFAULT_MODEL else model.name
        if model.card is None:
            table.add_row(name, "", "", "", f"[red]cannot be used:[/red] {model.problem}", str(model.path))
        else:
            card = model.card
            table.add_row(name, card.version, card.system, card.profile, card.description, str(model.path))
    out.print(table)


ModelArgument = Annotated[str | None, typer.Argument(help="Name or folder; the default model when not given.")]


@app.command("show")
def show_command(model: ModelArgument = None) -> None:
    """The card of a model: networks, what it was trained on, figures, limits."""
    from ..models import find_model

    folder = find_model(model)
    card = folder.card
    out = console()
    out.print(f"{card.name} {card.version} ({card.system}, {card.profile}), {card.licence}", markup=False, style="bold")
    out.print(card.description, markup=False)
    for stage in card.stages:
        coarse = "scanner's voxels" if stage.native else "whole volume"
        if stage.spacing_zyx_mm is not None:
            coarse = " x ".join(f"{spacing:g}" for spacing in reversed(stage.spacing_zyx_mm)) + " mm"
        grid = coarse if stage.spacing_mm is None else f"{stage.spacing_mm:g} mm"
        patch = "x".join(str(n) for n in reversed(stage.patch_zyx))
        out.print(
            f"  {stage.name}: {stage.network}, {grid}, patch {patch}, {', '.join(stage.inputs)} -> "
            f"{', '.join(stage.outputs)}, HU {stage.hu_window[0]:g} to {stage.hu_window[1]:g}", markup=False,
        )
        out.print(f"    {stage.weights} sha256 {stage.sha256}", markup=False)
    for deviation in card.deviations:
        out.print(f"  Not as published: {deviation}", markup=False)
    out.print(f"Trained on: {card.training_data} (seeds: {card.training_seeds})", markup=False)
    for name, value in card.figures.items():
        out.print(f"  {name}: {value:g}", markup=False)
    out.print(f"Use: {card.intended_use}", markup=False)
    out.print(f"Limits: {card.limits}", markup=False)
    out.print(f"Folder: {folder.path}", markup=False)


@app.command("import")
def import_command(
    source: Annotated[Path, typer.Argument(help="nnU-Net v2 results folder, or MONAI bundle.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="New model folder; its name is the model's.")],
    lumen: Annotated[
        list[str] | None, typer.Option("--lumen", help="Label that is coronary lumen; again for more. By name else.")
    ] = None,
    calcium: Annotated[list[str] | None, typer.Option("--calcium", help="Label that is calcium, with --lumen.")] = None,
    vein: Annotated[list[str] | None, typer.Option("--vein", help="Label that is a vein (with --lumen).")] = None,
    fold: Annotated[str | None, typer.Option("--fold", help="Fold of nnU-Net: a number, or all.")] = None,
    weights: Annotated[str | None, typer.Option("--weights", help="File of the weights among several.")] = None,
) -> None:
    """Make a model folder of weights trained with nnU-Net or MONAI. Nothing in their folder is run."""
    from ..models import FOLDERS_VARIABLE
    from ..models.importing import import_model

    if (calcium or vein) and not lumen:
        raise typer.BadParameter("--calcium and --vein go with --lumen.")
    outputs = {"lumen": lumen or (), "calcium": calcium or (), "vein": vein or ()} if lumen else None
    model = import_model(source, output, fold=fold, weights=weights, outputs=outputs)
    out = console()
    out.print(f"{model.card.description} Outputs: {', '.join(model.card.stages[0].outputs)}.", markup=False)
    for remark in model.card.deviations:
        out.print(f"  Other than there: {remark}", markup=False)
    out.print(
        f"Written to {model.path}. Use it with: coronaryseg segment CT --model {model.path}, or by its name where "
        f"{FOLDERS_VARIABLE} holds {model.path.resolve().parent}.", markup=False,
    )


@app.command("join")
def join_command(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Names or folders of two or more models.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="New model folder; its name is the model's.")],
) -> None:
    """Make one model of several of one kind: its probability is the mean of theirs."""
    from ..models import find_model
    from ..models.joining import joined_model

    model = joined_model([find_model(name) for name in models], output)
    console().print(f"{model.card.description} Written to {model.path}.", markup=False)


@app.command("verify")
def verify_command(model: ModelArgument = None) -> None:
    """Check the checksums of a model's files and that its networks can be built and filled with them."""
    from ..models import find_model, load_stage

    folder = find_model(model)
    for stage in folder.card.stages:
        network = load_stage(folder, stage.name)
        count = sum(parameter.numel() for parameter in network.parameters())
        console().print(f"{stage.name}: checksum right, {count / 1e6:.2f} million weights fit", markup=False)
    console().print(f"{folder.card.name} {folder.card.version} in {folder.path} is whole.", markup=False)
