"""What the panel and scripts ask for, on nodes: segment a CT, export flow models, save surfaces, check the machine.

Everything long runs in a worker process, and the first node is touched when that has ended well: a refused volume, a
missing model, a cancelled run or a crash leaves the scene as it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from CoronarySegLib.errors import OutputError
from CoronarySegLib.inference import DEVICES, QUALITIES
from CoronarySegLib.worker import CfdJob, CheckJob, FollowJob, ReviewJob, SegmentJob

from .conversion import volume_from_node
from .correction_session import BEHIND_ATTRIBUTE
from .result_values import (
    centrelines_follow,
    is_corrected,
    labels_of,
    probability_of,
    surfaces_follow,
    surfaces_of,
    trees_of,
)
from .results import write_outcome
from .run import Run


def segmentation_run(
    volume_node, *, model=None, device: str = "auto", quality: str = "standard", output_segmentation=None,
    replace: bool = True, progress: Callable | None = None, ended: Callable | None = None,
) -> Run:
    """Start segmenting the coronaries of a CT volume node; the run's result is a ``ResultNodes`` beside it.

    ``model`` is the name of a shipped model or a model folder, ``device`` and ``quality`` as in
    ``CoronarySegLib.inference``. Raises ValueError for arguments that do not fit and InputError for a volume that
    cannot be used; the run ends with the other errors of ``CoronarySegLib.errors``. All their texts say what to do.
    """
    _require_known("quality", quality, QUALITIES)
    _require_known("device", device, DEVICES)
    job = SegmentJob(volume_from_node(volume_node), None if model is None else str(model), device, quality)

    def finish(outcome):
        return write_outcome(volume_node, outcome, output_segmentation=output_segmentation, replace=replace)

    return Run(job, finish, node=volume_node, progress=progress, ended=ended)


def export_run(
    segmentation_node, folder: Path, *, unit: str = "mm", formats: tuple[str, ...] = ("stl", "vtp"),
    extension_diameters: float = 5.0, overwrite: bool = False, progress: Callable | None = None,
    ended: Callable | None = None,
) -> Run:
    """Start making flow models of a result, as it is corrected now, in ``folder``; the run's result is (folder, notes).

    Raises ValueError for unknown choices, OutputError when the folder may not be written.
    """
    from CoronarySegLib.cfd.export import check_folder

    folder = Path(folder).expanduser()
    check_folder(folder, overwrite=overwrite)
    labels = labels_of(segmentation_node)
    # A corrected segmentation is the truth from then on: the probability still holds what was taken away.
    corrected = is_corrected(segmentation_node, labels)
    trees = trees_of(segmentation_node)
    follow = centrelines_follow(segmentation_node, labels)  # otherwise they are made anew, under the names given
    job = CfdJob(
        labels, None if corrected else probability_of(segmentation_node), trees if follow else {}, unit,
        formats=tuple(formats), extension_diameters=extension_diameters, names_from={} if follow else trees,
    )

    def finish(outcome):
        _move(outcome.folder, folder)
        return folder, (*outcome.summary, *outcome.warnings)

    return Run(job, finish, node=segmentation_node, progress=progress, ended=ended)


def review_run(segmentation_node, *, progress: Callable | None = None, ended: Callable | None = None) -> Run:
    """Start searching a result for suspicious places; the run's result is the ``Review``, kept in the scene with the
    decisions that still apply. Raises ValueError when the CT is gone."""
    from CoronarySegLib.review.ground import ground_of

    from .review_nodes import Review, read_review, review_case_of, write_review

    ground = ground_of(review_case_of(segmentation_node))  # only the surroundings of the vessels go to the worker
    if ground is None:
        raise ValueError(f"'{segmentation_node.GetName()}' holds no vessels to review. Segment the CT again.")

    def finish(outcome):
        review = (read_review(segmentation_node) or Review()).renewed(outcome.suspects)
        write_review(segmentation_node, review)
        return review

    return Run(ReviewJob(ground.case), finish, node=segmentation_node, progress=progress, ended=ended)


def follow_run(segmentation_node, *, progress: Callable | None = None, ended: Callable | None = None) -> Run:
    """Start making surfaces and tables of a corrected result, and centrelines where they do not follow it any more;
    the run's result is the segmentation node. Raises ValueError when the CT is gone."""
    from .following import follow

    labels, trees = labels_of(segmentation_node), trees_of(segmentation_node)
    job = FollowJob(labels, trees, not centrelines_follow(segmentation_node, labels))

    def finish(outcome):
        return follow(segmentation_node, labels, outcome)

    return Run(job, finish, node=segmentation_node, progress=progress, ended=ended)


def check_run(*, model=None, device: str = "auto", progress=None, ended=None) -> Run:
    """Start looking whether this machine can run a segmentation; the run's result is a ``CheckOutcome``."""
    job = CheckJob(None if model is None else str(model), device)
    return Run(job, lambda outcome: outcome, progress=progress, ended=ended)


def save_surfaces(segmentation_node, folder: Path) -> list[Path]:
    """Write the surfaces of a result as ``<part>.stl`` (LPS mm, said in the header) into ``folder``; their paths.

    Files of the same name are replaced. Raises OutputError, ValueError when the result has no surface or the surfaces
    are not those of the segmentation as it is now.
    """
    from CoronarySegLib.writing.surfaces import write_stl_of

    surfaces = surfaces_of(segmentation_node)
    if not surfaces:
        raise ValueError(f"'{segmentation_node.GetName()}' has no surface to save. Segment the CT again.")
    if segmentation_node.GetAttribute(BEHIND_ATTRIBUTE) or not surfaces_follow(
        segmentation_node, labels_of(segmentation_node)
    ):
        raise ValueError("The surfaces are older than the last correction. Update surfaces and tables first.")
    folder = Path(folder).expanduser()
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part, polydata in surfaces.items():
            partial = folder / f".{part}.partial.stl"
            write_stl_of(polydata, part, partial)
            written.append(partial.replace(folder / f"{part}.stl"))
    except OSError as error:
        raise OutputError(f"The surfaces cannot be written to {folder}: {error}. Choose another folder.") from error
    return written


def _require_known(what: str, value: str, known) -> None:
    if value not in known:
        raise ValueError(f"Unknown {what} '{value}'. Choose one of: {', '.join(known)}.")


def _move(source: Path, target: Path) -> None:
    """Put the finished folder where it was asked for, which may be another disk."""
    old = target.with_name(f".{target.name}.old")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        shutil.move(str(source), str(target))
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        if old.exists() and not target.exists():
            old.rename(target)
        raise OutputError(f"The flow models cannot be written to {target}: {error}. Choose another folder.") from error
