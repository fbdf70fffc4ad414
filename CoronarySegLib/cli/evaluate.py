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
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Report of several cases: Markdown, HTML, CSV, JSON, plots.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="Folder of another method's results: paired significance.")
    ] = None,
    anatomy: Annotated[
        bool, typer.Option("--anatomy", help="Name the truth's vessels where no tree.json does; seconds a case.")
    ] = False,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Score segmentations: Dice, distances, topology, share of the centreline found, per tree and together.

    Labels are 1 left tree, 2 right tree, 3 calcium (not counted in the lumen). Two folders are scored case by case,
    with mean and SD, also by lumen radius, by position along the tree and by branch. Mask pictures of angiograms, or
    two folders of them, are scored in pixels.
    """
    from ..angiogram.evaluation.files import hold_masks
    from ..evaluation import find_pairs
    from ..evaluation.files import holds_labels

    volumes = any(path.is_dir() and holds_labels(path) for path in (prediction, truth))
    if not volumes and hold_masks(prediction, truth):
        _pictures(prediction, truth, json_file)
        return
    several = prediction.is_dir() and truth.is_dir() and not (holds_labels(prediction) and holds_labels(truth))
    if not several:
        if output is not None or against is not None:
            raise typer.BadParameter("--output and --against are for two folders of cases.")
        _one(prediction, truth, probability, centrelines, json_file, anatomy, progress)
        return
    if probability is not None or centrelines is not None:
        raise typer.BadParameter(
            "--probability and --centrelines are for one case; in folders they are found beside the label maps "
            "(probability.nii.gz, tree.json)."
        )
    others = None if against is None else find_pairs(against, truth)
    _several(find_pairs(prediction, truth), others, json_file, output, anatomy, progress, (prediction, against))


def _pictures(prediction: Path, truth: Path, json_file: Path | None) -> None:
    from ..angiogram.evaluation.files import mean_and_sd, score_masks
    from ..angiogram.evaluation.scores import DEFINITIONS
    from ..angiogram.evaluation.tables import masks_table
    from ..evaluation.scores import plain

    scored = score_masks(prediction, truth)
    means = {name: {"mean": mean, "sd": sd} for name, (mean, sd) in mean_and_sd(scored).items()}
    cases = {case.name: case.scores.as_dict() for case in scored}
    _write_json(json_file, plain({"schema": 1, "cases": cases, "mean": means, "definitions": DEFINITIONS}))
    console().print(masks_table(scored))


def _one(
    prediction: Path, truth: Path, probability: Path | None, centrelines: Path | None, json_file: Path | None,
    anatomy: bool, progress: ProgressStyle,
) -> None:
    from ..evaluation.cohort import evaluate_pair
    from ..evaluation.files import pair_of
    from ..evaluation.tables import scores_table

    pair = pair_of(prediction, truth, probability, centrelines)
    with shown_progress(progress) as callback:
        if callback is not None:
            callback(0.0, "Scoring")
        scores = evaluate_pair(pair, anatomy=anatomy)
    _write_json(json_file, scores.as_dict())
    out = console()
    for warning in scores.warnings:
        out.print(f"[yellow]Warning:[/yellow] {warning}")
    out.print(scores_table(scores, str(pair.prediction)))


def _several(
    pairs: tuple, others: tuple | None, json_file: Path | None, output: Path | None, anatomy: bool,
    progress: ProgressStyle, folders: tuple[Path, Path | None],
) -> None:
    from ..evaluation import evaluate_pairs
    from ..evaluation.significance import compare
    from ..evaluation.tables import cohort_table, comparison_table, radius_table, region_table
    from ..progress import as_progress

    with shown_progress(progress) as callback:
        report = as_progress(callback)
        share = 1.0 if others is None else 0.5
        cohort = evaluate_pairs(pairs, anatomy=anatomy, progress=report.part(0.0, share))
        other = None if others is None else evaluate_pairs(others, anatomy=anatomy, progress=report.part(share, 1.0))
    _write_json(json_file, cohort.as_dict())
    out = console()
    out.print(cohort_table(cohort))
    if cohort.scored:
        out.print(radius_table(cohort.found_by_radius()))
        if any(kind != "radius" for kind, _ in cohort.regions()):
            out.print(region_table(cohort))
    if other is not None:
        out.print(comparison_table(compare(cohort, other), str(folders[1])))
    if output is not None:
        from ..evaluation.report import write_cohort_report

        names = write_cohort_report(cohort, output, title=str(folders[0]), other=other, other_title=str(folders[1]))
        out.print(f"Written to {output}: {', '.join(names)}", markup=False)
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
