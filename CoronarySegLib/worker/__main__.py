"""The worker: ``python -m CoronarySegLib.worker FOLDER PARENT`` does the job in FOLDER while process PARENT lives."""

from __future__ import annotations

import faulthandler
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from ..errors import CoronarySegError
from ..progress import Progress
from .angiograms import AngiogramJob
from .jobs import CfdJob, FollowJob, Job, PhantomJob, ReviewJob, SegmentJob, read_job, write_trees, write_volume
from .outcomes import finish, write_error, write_segmentation, write_surfaces
from .parent import end_with_parent
from .protocol import say

SEGMENT_SHARE, TREES_SHARE, REVIEW_SHARE = 0.80, 0.92, 0.96
"""Where segmenting, the centrelines and the search for suspicious places end on the progress bar."""


def main(arguments: list[str]) -> int:
    """Do the job and write its outcome. What is no error of the library leaves a traceback and no outcome."""
    folder, parent = Path(arguments[0]), int(arguments[1])
    faulthandler.enable()
    end_with_parent(parent, lambda: shutil.rmtree(folder, ignore_errors=True))
    try:
        _do(read_job(folder), folder, Progress(say))
    except CoronarySegError as error:
        write_error(folder, error)
        return error.exit_code
    return 0


def _do(job: Job, folder: Path, progress: Progress) -> None:
    if isinstance(job, SegmentJob):
        _segment(job, folder, progress)
    elif isinstance(job, AngiogramJob):
        from .angiograms import segment

        finish(folder, {"kind": "AngiogramOutcome", **segment(job, folder, progress)})
    elif isinstance(job, CfdJob):
        _export(job, folder, progress)
    elif isinstance(job, FollowJob):
        _follow(job, folder, progress)
    elif isinstance(job, ReviewJob):
        from ..review import find_suspects

        found = find_suspects(job.case, progress=progress)
        finish(folder, {"kind": "ReviewOutcome", "suspects": [one.as_dict() for one in found]})
    elif isinstance(job, PhantomJob):
        _phantom(job, folder, progress)
    else:
        from .check import check

        found = check(job, progress)
        finish(folder, {"kind": "CheckOutcome", **asdict(found)})


def _segment(job: SegmentJob, folder: Path, progress: Progress) -> None:
    progress(0.0, "Loading the networks")
    from ..provenance import provenance_of
    from ..segmentation import SegmentOptions, segment

    result = segment(
        job.ct, model=job.model, device=job.device, options=SegmentOptions(quality=job.quality),
        progress=progress.part(0.0, SEGMENT_SHARE),
    )
    warnings, trees = list(result.warnings), {}
    if job.centrelines:
        try:
            trees = _trees(result, progress.part(SEGMENT_SHARE, TREES_SHARE))
        except CoronarySegError as error:  # a segmentation without centrelines is still what was asked for
            warnings.append(f"There are no centrelines: {error}")
        warnings += [warning for tree in trees.values() for warning in tree.warnings]
    suspects = _suspects(job, result, trees, progress.part(TREES_SHARE, REVIEW_SHARE))
    progress(REVIEW_SHARE, "Handing over the result")
    said = tuple(dict.fromkeys(warnings))
    about = provenance_of(result, quality=job.quality, warnings=said)
    write_segmentation(folder, result, trees, about, said, suspects)


def _suspects(job: SegmentJob, result, trees: dict, progress: Progress) -> tuple:
    from ..preparation import resample
    from ..review import ReviewCase, find_suspects

    vein = result.prediction.vein
    if vein is not None:
        vein = resample(vein, result.labels.geometry, interpolation="linear", fill=0.0)
    return find_suspects(ReviewCase(result.labels, trees, result.probability, job.ct, vein), progress=progress)


def _trees(result, progress: Progress) -> dict:
    from ..centreline import extract_centrelines
    from ..centreline.naming import name_trees
    from ..postprocessing.trees import LABELS

    values = {
        side: LABELS[side] for side in ("left", "right") if (result.labels.array == LABELS[side]).any()
    }
    found = extract_centrelines(
        result.labels, values=values, probability=result.probability, progress=progress.part(0.0, 0.95)
    )
    progress(0.95, "Naming the branches")
    return name_trees(found)


def _export(job: CfdJob, folder: Path, progress: Progress) -> None:
    from ..cfd.build import BuildOptions
    from ..cfd.export import CfdOptions, export_cfd
    from ..cfd.extensions import ExtensionOptions

    options = CfdOptions(
        unit=job.unit, trees=job.sides, formats=job.formats, picture=job.picture,
        build=BuildOptions(extensions=ExtensionOptions(job.extension_diameters, job.extension_diameters)),
    )
    made = export_cfd(
        job.labels, folder / "models", options, trees=job.trees or None, names_from=job.names_from,
        probability=job.probability,
        source=job.labels.source or None, progress=progress,
    )
    summary = [f"{key}: {built.quality.summary()}" for key, built in made.models.items()]
    finish(folder, {
        "kind": "CfdOutcome", "folder": made.folder.name, "summary": summary, "warnings": list(made.warnings),
    })


def _follow(job: FollowJob, folder: Path, progress: Progress) -> None:
    from ..correction import CaseState, refreshed
    from ..reconstruction import reconstruct_labels

    state = CaseState(job.labels, job.trees)
    trees = dict(refreshed(state, progress=progress.part(0.0, 0.5)).trees) if job.anew else {}
    surfaces = reconstruct_labels(job.labels, progress=progress.part(0.5 if job.anew else 0.0, 1.0))
    write_surfaces(surfaces, folder)
    write_trees(trees, folder)
    warnings = list(dict.fromkeys(text for tree in trees.values() for text in tree.warnings))
    finish(folder, {
        "kind": "FollowOutcome", "surfaces": list(surfaces), "trees": list(trees), "warnings": warnings,
    })


def _phantom(job: PhantomJob, folder: Path, progress: Progress) -> None:
    from ..phantom import PhantomSettings, centred_grid, make_phantom

    grid = centred_grid(job.shape_zyx, job.spacing_xyz_mm)
    made = make_phantom(PhantomSettings(seed=job.seed, geometry=grid), progress)
    finish(folder, {"kind": "PhantomOutcome", "ct": write_volume(made.ct, folder / "phantom.npy")})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
