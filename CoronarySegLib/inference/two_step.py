"""The recommended profile: the heart and coarse priors at 1 or 2 mm, then overlapping patches at 0.5 mm along them."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from ..models import ModelFolder, load_stage
from ..preparation import resample
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .locator import AIR_HU, locate
from .prediction import Prediction
from .quality import quality_of
from .region import FineRegion, fine_region
from .stage_inputs import hu_range, stage_channels
from .stage_run import TEXT, aligns_of, run_patches


def predict_two_step(
    volume: Volume,
    folder: ModelFolder,
    *,
    device: str = "auto",
    quality: str = "standard",
    progress: Progress | ProgressCallback | None = None,
) -> Prediction:
    """Predict a volume of any orientation with the stages "locator" and "vessels" of a model.

    The fine stage sees the CT and the coarse priors. Raises NotACoronaryCTError (no heart, no coronary),
    ModelError, Cancelled.
    """
    progress = as_progress(progress)
    level = quality_of(quality)
    stage = folder.card.stage("vessels")
    stage.output("lumen")
    timings = {}

    start = perf_counter()
    location = locate(volume, folder, device=device, progress=progress.part(0.0, 0.2))
    timings["locate"] = perf_counter() - start

    start = perf_counter()
    progress(0.2, "Preparing the heart at full resolution")
    network = load_stage(folder, "vessels")
    region = fine_region(
        location, stage.spacing_mm, whole_heart=level.whole_heart, align=max(aligns_of(network))
    )
    ct = resample(volume, region.grid, interpolation="linear", fill=AIR_HU)
    inputs = stage_channels(
        stage, ct, location.priors, range_hu=hu_range(volume, stage), of_arteries_hu=location.of_arteries_hu
    )
    timings["prepare"] = perf_counter() - start

    start = perf_counter()
    progress(0.25, TEXT)
    answer, name, warnings = run_patches(
        network, stage, inputs, device=device, overlap=level.overlap, mirror=level.mirror, region=region.wanted,
        progress=progress.part(0.3, 1.0),
    )
    outputs = _named(answer, stage.outputs, region)
    timings["predict"] = perf_counter() - start
    return Prediction(
        lumen=outputs["lumen"], ct=ct, engine=name, calcium=outputs.get("calcium"), vein=outputs.get("vein"),
        heart=location.heart, left_prior=location.left, right_prior=location.right, timings=timings,
        warnings=tuple(dict.fromkeys(location.warnings + warnings)),
    )


def _named(answer: np.ndarray, names: tuple[str, ...], region: FineRegion) -> dict[str, Volume]:
    """Channels by name. A patch is a cube and reaches beyond the heart: what it says about lung and ribs is dropped."""
    outside = ~region.allowed
    for channel in answer:
        channel[outside] = 0.0
    return {name: Volume(answer[i], region.grid) for i, name in enumerate(names)}
