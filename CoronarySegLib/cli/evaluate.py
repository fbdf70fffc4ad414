"""``coronaryseg evaluate``: label maps against their truth, one case or two folders of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import OutputError
from .choices import ProgressOption
from .display import ProgressStyle, console, shown_progress

SOME_FAILED = 1


def evaluate_command(
    prediction: Annotated[Path, typer.Argument(help="Label map, case folder, or folder of cases.")],
    truth: Annotated[Path, typer.Argument(help="The truth: likewise. Cases of two folders are paired by name.")],
    probability: Annotated[
        Path | None, typer.Option("--probability", help="Probability volume, for the ROC-AUC.")
    ] = None,
    centrelines: Annotated[Path | None, typer.Option("--centrelines", help="JSON with the truth's branches.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Score segmentations: Dice, distances, topology, share of the centreline found, per tree and together.

    Labels are 1 left tree, 2 right tree, 3 calcium (not counted in the lumen).
    """
    from ..evaluation import find_pairs
    from ..evaluation.files import holds_labels

    several = prediction.is_dir() and truth.is_dir() and not (holds_labels(prediction) and holds_labels(truth))
    if not several:
        _one(prediction, truth, probability, centrelines, json_file, progress)
        return
    if probability is not None or centrelines is not None:
        raise typer.BadParameter(
            "--probability and --centrelines are for one case; in folders they are found beside the label maps "
            "(probability.nii.gz, tree.json)."
        )
    _several(find_pairs(prediction, truth), json_file, progress)


def _one(
    prediction: Path, truth: Path, probability: Path | None, centrelines: Path | None, json_file: Path | None,
    progress: ProgressStyle,
) -> None:
    from ..evaluation.cohort import evaluate_pair
    from ..evaluation.files import pair_of
    from ..evaluation.tables import scores_table

    pair = pair_of(prediction, truth, probability, centrelines)
    with shown_progress(progress) as callback:
        if callback is not None:
            callback(0.0, "Scoring")
        scores = evaluate_pair(pair)
    _write_json(json_file, scores.as_dict())
    out = console()
    for warning in scores.warnings:
        out.print(f"[yellow]Warning:[/yellow] {warning}")
    out.print(scores_table(scores, str(pair.prediction)))


def _several(pairs: tuple, json_file: Path | None, progress: ProgressStyle) -> None:
    from ..evaluation import evaluate_pairs
    from ..evaluation.tables import cohort_table, radius_table

    with shown_progress(progress) as callback:
        cohort = evaluate_pairs(pairs, progress=callback)
    _write_json(json_file, cohort.as_dict())
    out = console()
    out.print(cohort_table(cohort))
    if cohort.scored:
        out.print(radius_table(cohort.found_by_radius()))
    failed = [case for case in cohort.cases if case.scores is None]
    for case in failed:
        out.print(f"{case.name}: {case.error}", markup=False)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _write_json(path: Path | None, values: dict[str, Any]) -> None:
    if path is None:
        return
    try:
        path.write_text(json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}). Choose another file.") from error
