"""Seg2RefineNet whole: SFANet slice by slice, then the 3D Attention-GAN's generator on the CT and that mask.

Khan and Liatsis 2025, Fig. 1. The mask between the stages is binary, as in the paper.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np

from ..models import ModelFolder, load_stage
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .prediction import Prediction
from .stage_inputs import hu_range, stage_channels, stage_ct
from .stage_run import run_stage

MASK_THRESHOLD = 0.5


def predict_slices_refined(
    volume: Volume,
    folder: ModelFolder,
    *,
    device: str = "auto",
    quality: str = "standard",
    progress: Progress | ProgressCallback | None = None,
) -> Prediction:
    """Predict with the stages "slices" and "refine". ``quality`` "fast" leaves the overlap of the patches out.

    Raises ModelError, Cancelled.
    """
    progress = as_progress(progress)
    slices, refine = folder.card.stage("slices"), folder.card.stage("refine")
    timings = {}

    start = perf_counter()
    progress(0.0, "Preparing the volume")
    ct = stage_ct(volume, slices)
    inputs = stage_channels(slices, ct, {}, range_hu=hu_range(volume, slices))
    timings["prepare"] = perf_counter() - start

    start = perf_counter()
    answer, _, said = run_stage(
        load_stage(folder, "slices"), slices, inputs, device=device, quality="fast",
        progress=progress.part(0.05, 0.5), text="Looking at every slice",
    )
    initial = Volume(initial_mask(answer[slices.output("lumen")]), ct.geometry)
    timings["slices"] = perf_counter() - start

    start = perf_counter()
    # The second stage may work on a grid of its own.
    fine = ct if _same_grid(slices, refine) else stage_ct(volume, refine)
    inputs = stage_channels(refine, fine, {"initial": initial}, range_hu=hu_range(volume, refine))
    answer, name, said_later = run_stage(
        load_stage(folder, "refine"), refine, inputs, device=device, quality=quality,
        progress=progress.part(0.5, 1.0), text="Correcting the mask",
    )
    timings["predict"] = perf_counter() - start
    return Prediction(
        lumen=Volume(answer[refine.output("lumen")], fine.geometry), ct=fine, engine=name, timings=timings,
        warnings=tuple(dict.fromkeys((*said, *said_later))),
    )


def initial_mask(probability: np.ndarray) -> np.ndarray:
    """S of the paper, 0 or 1 as float32: what the second stage sees of the first, in training and afterwards."""
    return (probability > MASK_THRESHOLD).astype(np.float32)


def _same_grid(first, second) -> bool:
    return (first.native, first.spacing_mm) == (second.native, second.spacing_mm)
