"""The paper's profile: the whole volume resized to 128x128x64 voxels, predicted at once, and brought back.

At this size a voxel is about 1.4 x 1.4 x 2 mm wide, so distal vessels are lost; it exists to reproduce the paper.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np

from ..models import ModelFolder, load_stage
from ..preparation import canonical, hu_window, resample, resized_grid
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .engines import choose_engine
from .patches import predict_patches
from .prediction import Prediction


def predict_whole(
    volume: Volume,
    folder: ModelFolder,
    *,
    device: str = "auto",
    quality: str = "standard",
    progress: Progress | ProgressCallback | None = None,
) -> Prediction:
    """Predict with the stage "whole" of a model. The prediction lies on the input's voxels in canonical axis order.

    ``quality`` changes nothing: there is one patch. Raises ModelError, Cancelled.
    """
    progress = as_progress(progress)
    stage = folder.card.stage("whole")
    lumen_channel = stage.output("lumen")
    timings = {}

    start = perf_counter()
    progress(0.0, "Resizing the volume")
    ct, _ = canonical(volume)
    grid = resized_grid(ct.geometry, stage.patch_zyx)
    small = resample(ct, grid, interpolation="cubic", fill=None)
    timings["prepare"] = perf_counter() - start

    start = perf_counter()
    engine = choose_engine(load_stage(folder, "whole"), stage.patch_zyx, device=device)
    answer = predict_patches(
        engine, hu_window(small.array, *stage.hu_window)[None], patch_zyx=stage.patch_zyx, overlap=0.0,
        progress=progress.part(0.3, 0.8), text="Following the coronaries",
    )
    timings["predict"] = perf_counter() - start

    start = perf_counter()
    progress(0.8, "Bringing the probability back to the input grid")
    lumen = resample(Volume(answer[lumen_channel], grid), ct.geometry, interpolation="cubic", fill=0.0)
    # A cubic spline overshoots at edges.
    np.clip(lumen.array, 0.0, 1.0, out=lumen.array)
    timings["prepare"] += perf_counter() - start
    progress(1.0, "Bringing the probability back to the input grid")
    return Prediction(lumen=lumen, ct=ct, engine=engine.name, timings=timings, warnings=engine.warnings)

