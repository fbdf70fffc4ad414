"""The ImageCAS baseline (Zeng et al. 2023): a coarse look at the whole volume, patches of 16, 32 and 64 voxels along
the vessels it found, and the majority of the three.

Read into the paper: patches overlap by half along a corridor round the coarse mask, which holds the centreline that
the paper puts its patches on and the ends a skeleton has lost; the median of three probabilities is above one half
exactly where two of them are, so it is the vote and keeps a probability besides.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
from scipy import ndimage

from ..errors import EmptyResultError, ModelError
from ..models import ModelFolder, StageCard, load_stage
from ..preparation import canonical, resample, resized_grid
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .prediction import Prediction
from .stage_inputs import hu_range, stage_channels, stage_ct
from .stage_run import run_stage

FINE_STAGES = ("fine16", "fine32", "fine64")
COARSE_THRESHOLD = 0.5
CORRIDOR_MM = 4.0
"""From the coarse mask to what is looked at closely: about two of the coarse voxels."""


def predict_coarse_vote(
    volume: Volume,
    folder: ModelFolder,
    *,
    device: str = "auto",
    quality: str = "standard",
    progress: Progress | ProgressCallback | None = None,
) -> Prediction:
    """Predict with the stages "coarse", "fine16", "fine32" and "fine64".

    Raises EmptyResultError when the coarse stage finds nothing, ModelError, Cancelled.
    """
    progress = as_progress(progress)
    coarse = folder.card.stage("coarse")
    fine = [folder.card.stage(name) for name in FINE_STAGES]
    if len({(stage.native, stage.spacing_mm) for stage in fine}) > 1:
        raise ModelError(
            f"The stages {', '.join(FINE_STAGES)} of {folder.path} work on different grids and cannot vote. Train them "
            "with the same spacing."
        )
    timings = {}

    start = perf_counter()
    found = _coarse_mask(volume, coarse, folder, device, progress.part(0.0, 0.2))
    ct = stage_ct(volume, fine[0])
    region = _corridor(found, ct)
    timings["coarse"] = perf_counter() - start

    start = perf_counter()
    votes, said, name = [], (), ""
    for number, stage in enumerate(fine):
        answer, name, warnings = run_stage(
            load_stage(folder, stage.name), stage, stage_channels(stage, ct, {}, range_hu=hu_range(volume, stage)),
            device=device, quality=quality, region=region,
            progress=progress.part(0.2 + 0.8 * number / 3, 0.2 + 0.8 * (number + 1) / 3),
            text=f"Patches of {stage.patch_zyx[0]} voxels",
        )
        votes.append(answer[stage.output("lumen")])
        said += warnings
    lumen = np.median(np.stack(votes), axis=0).astype(np.float32)
    lumen[~region] = 0.0
    timings["predict"] = perf_counter() - start
    return Prediction(lumen=Volume(lumen, ct.geometry), ct=ct, engine=name, timings=timings,
                      warnings=tuple(dict.fromkeys(said)))


def _coarse_mask(volume: Volume, stage: StageCard, folder: ModelFolder, device: str, progress: Progress) -> Volume:
    """The coarse mask on its own squeezed grid."""
    ct, _ = canonical(volume)
    small = resample(ct, resized_grid(ct.geometry, stage.patch_zyx), interpolation="linear", fill=None)
    answer, _, _ = run_stage(
        load_stage(folder, stage.name), stage, stage_channels(stage, small, {}, range_hu=hu_range(volume, stage)),
        device=device, quality="fast", progress=progress, text="A first look",
    )
    mask = answer[stage.output("lumen")] > COARSE_THRESHOLD
    if not mask.any():
        raise EmptyResultError(
            "The coarse look at the whole volume found no coronary artery. Check that the scan is a contrast CT of the "
            "heart, or choose another model."
        )
    return small.with_array(mask)


def _corridor(mask: Volume, ct: Volume) -> np.ndarray:
    """Voxels (bool) of the grid of ``ct`` within CORRIDOR_MM of the mask."""
    fine = resample(mask.with_array(mask.array.astype(np.uint8)), ct.geometry, interpolation="nearest", fill=0)
    spacing = ct.geometry.spacing_xyz_mm[::-1]
    return ndimage.distance_transform_edt(fine.array == 0, sampling=spacing) <= CORRIDOR_MM
