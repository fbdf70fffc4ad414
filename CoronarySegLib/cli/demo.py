"""``coronaryseg demo``: the whole chain on a heart made for the occasion, with the score against its truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..progress import as_progress
from .choices import (
    DeviceOption,
    ModelOption,
    OverwriteOption,
    ProgressOption,
    QualityChoice,
    QualityOption,
    segment_options,
)
from .display import ProgressStyle, console, shown_progress
from .phantom import NATIVE_SIZE_XYZ, NATIVE_SPACING_XYZ_MM, grid_of
from .segment import print_case

DEMO_SEED = 90210
"""Outside the seeds that the shipped model was trained on."""


def demo_command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Case folder.")] = Path("coronaryseg_demo"),
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another heart.")] = DEMO_SEED,
    size: Annotated[tuple[int, int, int], typer.Option("--size", help="Voxels in x, y, z.")] = NATIVE_SIZE_XYZ,
    spacing: Annotated[
        tuple[float, float, float], typer.Option("--spacing", help="Voxel size (mm).")
    ] = NATIVE_SPACING_XYZ_MM,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    quality: QualityOption = QualityChoice.standard,
    overwrite: OverwriteOption = False,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Make a phantom heart CT, segment it, score it against its truth and draw the picture."""
    from ..evaluation import evaluate
    from ..evaluation.tables import scores_table
    from ..models import find_model
    from ..phantom import PhantomSettings, make_phantom, write_phantom
    from ..segmentation import segment
    from ..writing.case import check_folder, write_case

    check_folder(output, overwrite=overwrite)
    # A missing model is told before a minute is spent on the phantom.
    find_model(model)
    options = segment_options(quality)
    with shown_progress(progress) as callback:
        report = as_progress(callback)
        settings = PhantomSettings(seed=seed, geometry=grid_of(size, spacing))
        phantom = make_phantom(settings, report.part(0.0, 0.35))
        result = segment(phantom.ct, model=model, device=device, options=options, progress=report.part(0.35, 0.85))
        files = write_case(result, output, overwrite=overwrite, progress=report.part(0.85, 0.93))
        report(0.93, "Scoring against the truth")
        scores = evaluate(
            result.labels, phantom.labels, probability=result.probability, centrelines=phantom.tree.branches
        )
        report(0.97, "Writing the phantom")
        truth = files.folder / "phantom"
        write_phantom(phantom, truth)
        text = json.dumps(scores.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        (files.folder / "scores.json").write_text(text + "\n", encoding="utf-8")
    out = console()
    print_case(result, files)
    out.print(f"CT and truth: {truth}", markup=False)
    out.print(scores_table(scores, "Against the truth"))
    sides = "".join(f", {tree.tree} {tree.dice:.3f}" for tree in scores.trees if tree.tree != "total")
    out.print(f"[bold]Dice against the truth: {scores.dice:.3f}[/bold]{sides}")
