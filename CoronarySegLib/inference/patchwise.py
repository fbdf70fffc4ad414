"""One network on overlapping patches (or slices) of the whole field, or of the heart where the model can find it.

The mask-guided network, the patch U-Nets, the attention U-Net with its level set, and SFANet by itself.
"""

from __future__ import annotations

from time import perf_counter

from ..models import ModelFolder, load_stage
from ..preparation import resample
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .locator import AIR_HU, locate
from .prediction import Prediction
from .region import fine_region
from .stage_inputs import hu_range, stage_channels, stage_ct
from .stage_run import TEXT, aligns_of, run_stage

FURTHER = ("calcium", "vein")
"""What a network may say besides the lumen."""
_STAGES = {"patches": "patches", "patches_level_set": "patches", "vesselness": "vesselness", "slices": "slices"}


def predict_patchwise(
    volume: Volume,
    folder: ModelFolder,
    *,
    device: str = "auto",
    quality: str = "standard",
    progress: Progress | ProgressCallback | None = None,
) -> Prediction:
    """Predict with a model of the system "patches", "patches_level_set", "vesselness" or "slices".

    ``quality`` "fast" leaves the overlap of the patches out, "best" mirrors them as well. Raises ModelError, Cancelled,
    and with a locator in the model NotACoronaryCTError.
    """
    progress = as_progress(progress)
    card = folder.card
    stage = card.stage(_STAGES[card.system])
    timings = {}

    start = perf_counter()
    network = load_stage(folder, stage.name)
    align = aligns_of(network)
    location = region = None
    # A locator's region is a box on an isotropic grid; a stage on the scanner's own voxels sees the whole field.
    if stage.spacing_mm is not None and any(other.name == "locator" for other in card.stages):
        location = locate(volume, folder, device=device, progress=progress.part(0.0, 0.2))
        region = fine_region(
            location, stage.spacing_mm, whole_heart=quality == "best", align=max(align)
        )
        timings["locate"], start = perf_counter() - start, perf_counter()
    progress(0.2, "Preparing the volume")
    if region is None:
        ct = stage_ct(volume, stage)
    else:
        ct = resample(volume, region.grid, interpolation="linear", fill=AIR_HU)
    inputs = stage_channels(stage, ct, {}, range_hu=hu_range(volume, stage))
    timings["prepare"] = perf_counter() - start

    start = perf_counter()
    answer, name, warnings = run_stage(
        network, stage, inputs, device=device, quality=quality, region=None if region is None else region.wanted,
        progress=progress.part(0.25, 0.9),
    )
    lumen = answer[stage.output("lumen")]
    if region is not None:
        lumen[~region.allowed] = 0.0
    if card.system == "patches_level_set":
        from .level_set import refined_by_level_set

        progress(0.9, "Moving the level set")
        lumen = refined_by_level_set(lumen, ct.geometry.spacing_xyz_mm)
    timings["predict"] = perf_counter() - start
    progress(1.0, TEXT)
    found = {} if location is None else {
        "heart": location.heart, "left_prior": location.left, "right_prior": location.right
    }
    found |= {name: Volume(answer[stage.output(name)], ct.geometry) for name in FURTHER if name in stage.outputs}
    warnings = (*(() if location is None else location.warnings), *warnings)
    return Prediction(lumen=Volume(lumen, ct.geometry), ct=ct, engine=name, timings=timings, warnings=warnings, **found)
