"""CT in, coronaries out: the story of one case, from a volume in HU to trees, surfaces and point clouds.

Reading the volume comes before (``reading``), writing the case after (``writing``); all between is here, in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .inference import QUALITIES, Prediction, predict
from .models import ModelCard, ModelFolder, find_model
from .postprocessing import PostOptions, Trees, at_half_maximum, extract_trees, fine_grid, labels_on
from .postprocessing.boxes import bounding_box, cropped_geometry, grown
from .preparation import resample
from .progress import Progress, ProgressCallback, as_progress
from .reading import check_coronary_ct
from .reading.findings import Finding
from .reconstruction import PointCloud, Surface, SurfaceOptions, point_cloud, reconstruct
from .timing import timed
from .volume import Volume

CLOUD_KINDS = ("distance", "confidence")
WALL_VOXELS = 2
"""To either side of a wall: what a surface between the voxels needs."""


@dataclass(frozen=True)
class SegmentOptions:
    """What a person may choose about a run.

    ``quality``: "fast", "standard" (patches along the coronaries) or "best" (the whole heart, half-overlapping and
    mirrored patches: some forty times the work). ``check`` False skips the checks that the volume is a coronary CT.
    """

    quality: str = "standard"
    post: PostOptions = field(default_factory=PostOptions)
    surface: SurfaceOptions = field(default_factory=SurfaceOptions)
    check: bool = True

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES:
            raise ValueError(f"quality {self.quality!r}; known are {', '.join(QUALITIES)}")


DEFAULT = SegmentOptions()


@dataclass(frozen=True)
class CoronaryResult:
    """All that was found in one CT.

    ``labels`` (uint8: 1 left lumen, 2 right lumen, 3 calcium) and ``probability`` (float32, lumen: the network's, and
    at the trees' walls the share of a voxel inside) lie on the input's grid, ``prediction`` on the network's, ``trees``
    on one at least as fine (``postprocessing.walls``). ``surfaces`` by "left", "right", "calcium" and ``point_clouds``
    by "distance", "confidence" are in LPS mm. ``timings`` are seconds by step in the order of the steps; ``warnings``
    are sentences for the person who reads the result; ``checks`` what the checks of the input found.
    """

    labels: Volume
    probability: Volume
    trees: Trees
    surfaces: dict[str, Surface]
    point_clouds: dict[str, PointCloud]
    prediction: Prediction
    model_card: ModelCard
    timings: dict[str, float]
    warnings: tuple[str, ...]
    checks: tuple[Finding, ...] = ()


def segment(
    volume: Volume,
    *,
    model: str | Path | ModelFolder | None = None,
    device: str = "auto",
    options: SegmentOptions = DEFAULT,
    progress: Progress | ProgressCallback | None = None,
) -> CoronaryResult:
    """Segment the coronary arteries of a CT in HU, in any orientation.

    ``model``: name, folder, an opened folder or None for the shipped one. ``device`` as in ``inference.choose_engine``.
    Raises NotACoronaryCTError (no contrast CT of the heart), ModelError, MissingPackageError (a device insisted on),
    EmptyResultError (no coronary found, never an empty mask), Cancelled.
    """
    progress = as_progress(progress)
    timings: dict[str, float] = {}
    # Before the work: a wrong model name must not cost a minute.
    folder = model if isinstance(model, ModelFolder) else find_model(model)

    with timed(timings, "check"):
        part = progress.part(0.0, 0.05)
        checks = check_coronary_ct(volume, progress=part) if options.check else ()
    prediction = predict(
        volume, folder, device=device, quality=options.quality, progress=progress.part(0.05, 0.75)
    )
    timings |= prediction.timings
    with timed(timings, "postprocess"):
        trees = extract_trees(prediction, options.post, progress=progress.part(0.75, 0.85))
    with timed(timings, "walls"):
        progress(0.85, "Looking for the vessel walls")
        on_input, trees = _with_walls(trees, volume) if options.post.walls_by_ct else (trees, trees)
    with timed(timings, "input_grid"):
        progress(0.88, "Bringing the result to the input grid")
        labels = labels_on(on_input, prediction, volume.geometry)
        probability = resample(prediction.lumen, volume.geometry, interpolation="linear", fill=0.0)
        if options.post.walls_by_ct:
            probability = _with_shares(probability, on_input, labels)
    with timed(timings, "surfaces"):
        surfaces = reconstruct(trees, prediction, options.surface, progress=progress.part(0.9, 0.98))
        progress(0.98, "Making point clouds")
        clouds = {kind: point_cloud(surfaces, prediction, kind=kind) for kind in CLOUD_KINDS}
    progress(1.0, "Coronaries found")
    return CoronaryResult(
        labels=labels, probability=probability, trees=trees, surfaces=surfaces, point_clouds=clouds,
        prediction=prediction, model_card=folder.card, timings=timings,
        warnings=_warnings(volume, checks, prediction, trees, surfaces), checks=checks,
    )


def _with_walls(trees: Trees, volume: Volume) -> tuple[Trees, Trees]:
    """The trees with walls by the CT: judged on its own voxels, for labels, and on fine cubes, for surfaces."""
    return at_half_maximum(trees, volume), at_half_maximum(trees, resample(volume, fine_grid(trees, volume)))


def _with_shares(probability: Volume, trees: Trees, labels: Volume) -> Volume:
    """``probability`` with what was judged at the walls of ``trees``, both on the grid of ``labels``.

    So it crosses the threshold where the labels end, and says where in the voxel the wall is.
    """
    box = bounding_box(labels.array > 0, margin=WALL_VOXELS)
    array = probability.array.copy()
    if box is not None:
        shares = resample(trees.lumen, cropped_geometry(labels.geometry, box), fill=0.0).array
        near = grown(labels.array[box] > 0, WALL_VOXELS)
        array[box][near] = shares[near]
    return probability.with_array(array)


def _warnings(
    volume: Volume, checks: tuple[Finding, ...], prediction: Prediction, trees: Trees, surfaces: dict[str, Surface]
) -> tuple[str, ...]:
    """Everything any step had to say, in the order of the steps, each sentence once."""
    said = [
        *volume.warnings,
        *(finding.text for finding in checks if finding.severity == "warning"),
        *prediction.warnings,
        *trees.warnings,
        *(
            f"The surface of the part {name!r} is not closed; repair it before a flow simulation."
            for name, surface in surfaces.items() if not surface.report.watertight
        ),
    ]
    return tuple(dict.fromkeys(said))
