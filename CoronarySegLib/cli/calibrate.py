"""``coronaryseg calibrate``: does a model's probability mean what it says, and the temperature that mends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .choices import DeviceOption, ModelOption, ProgressOption, QualityChoice, QualityOption
from .display import ProgressStyle, console, shown_progress


def calibrate_command(
    data: Annotated[Path, typer.Option("--data", help="Folder of image/label pairs the model never learned from.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the report and the reliability plots.")],
    model: ModelOption = None,
    split: Annotated[
        Path | None, typer.Option("--split", help="Fits on its validation cases, judges on its test cases.")
    ] = None,
    fold: Annotated[int, typer.Option("--fold", min=1, help="Fold of --split.")] = 1,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write a copy of the model with the temperature on its card.")
    ] = None,
    device: DeviceOption = "auto",
    quality: QualityOption = QualityChoice.standard,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Measure the expected calibration error of a model, fit a temperature and draw reliability plots.

    Without --split every other case fits and the rest judges.
    """
    from ..evaluation.calibrate import calibrate
    from ..models import find_model
    from ..models.tempering import last_stages, tempered_copy

    folder = find_model(model)
    last_stages(folder)
    fit, judge = _cases(data, split, fold)
    with shown_progress(progress) as callback:
        found = calibrate(folder, fit, judge, device=device, quality=quality.value, progress=callback)
    _write(found, folder.card.name, output)
    out = console()
    out.print(f"Before: {found.before.summary()}.", markup=False)
    out.print(f"After division of the logits by {found.temperature:.3f}: {found.after.summary()}.", markup=False)
    out.print(f"Fitted on {len(found.fitted_on)} cases, judged on {len(found.judged_on)} others.", markup=False)
    out.print(f"Written to {output}: calibration.json, calibration.html, calibration.md, before.png, after.png")
    if export is not None:
        made = tempered_copy(folder, found.temperature, export, figures={
            "calibration_error_before": round(found.before.expected_error, 4),
            "calibration_error": round(found.after.expected_error, 4),
        })
        out.print(f"Model with this temperature written to {made.path}.", markup=False)


def _cases(data: Path, split: Path | None, fold: int) -> tuple[tuple, tuple]:
    from ..errors import TrainingError
    from ..training.pairs import find_pairs
    from ..training.splits import read_split

    pairs = find_pairs(data)
    if split is None:
        return pairs[::2], pairs[1::2]
    parts = read_split(split, fold)
    fit, judge = (tuple(p for p in pairs if p.name in set(names)) for names in (parts.validation, parts.test))
    if not fit or not judge:
        raise TrainingError(f"The split {split} has no validation or no test case in {data}. Check both.")
    return fit, judge


def _write(found, name: str, folder: Path) -> None:
    from ..evaluation.calibration import write_reliability_plot
    from ..in_place import folder_in_place
    from ..writing.document import Picture, TextTable, as_html, as_markdown

    rows = tuple(
        (when, f"{c.expected_error:.4f}", str(int(c.voxels.sum())))
        for when, c in (("before", found.before), ("after", found.after))
    )
    with folder_in_place(folder, "The calibration", keep=True) as partial:
        for when in ("before", "after"):
            write_reliability_plot(getattr(found, when), partial / f"{when}.png", f"{name}, {when}")
        parts = (
            f"Temperature {found.temperature:.3f}, fitted on {', '.join(found.fitted_on)}; judged on "
            f"{', '.join(found.judged_on)}. Voxels within 3 mm of a true vessel and those of a probability above 0.1.",
            TextTable(("", "expected calibration error", "voxels"), rows),
            Picture(partial / "before.png", "As the model says it."),
            Picture(partial / "after.png", "With the temperature."),
        )
        (partial / "calibration.md").write_text(as_markdown(f"Calibration of {name}", parts), encoding="utf-8")
        (partial / "calibration.html").write_text(as_html(f"Calibration of {name}", parts), encoding="utf-8")
        (partial / "calibration.json").write_text(json.dumps(found.as_dict(), indent=1) + "\n", encoding="utf-8")
