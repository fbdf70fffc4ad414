"""Where the heart is and roughly where its coronaries run: the first stage, coarse, on the whole field.

The second gate as well: a volume in which this network finds no heart is refused here, in words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import NotACoronaryCTError
from ..models import ModelFolder, load_stage
from ..preparation import artery_hu, grown, hu_window, isotropic_grid, resample
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .engines import choose_engine
from .patches import predict_patches

AIR_HU = -1024.0
# A quarter of an adult heart; what is smaller is a liver's rim or a heart hardly in the field.
SMALLEST_HEART_ML = 150.0
# A prior counts as found with this much of it: about 10 mm of a trunk as wide as the locator draws it.
SMALLEST_PRIOR_MM3 = 300.0
# How far coronaries run outside of the located heart: ostia at the root, epicardial fat at its edge.
NEAR_HEART_MM = 10.0
OVERLAP = 0.25


@dataclass(frozen=True)
class Location:
    """Probability of the heart and of the two trees on the coarse grid (identity direction, LPS).

    ``heart_mask`` (bool) is the largest component of the heart, ``near_heart`` the same grown by 10 mm.
    ``of_arteries_hu`` is how bright the scan's arteries usually are at 1 mm; None where hardly any were found.
    """

    heart: Volume
    left: Volume
    right: Volume
    heart_mask: np.ndarray
    near_heart: np.ndarray
    heart_ml: float
    engine: str
    warnings: tuple[str, ...] = ()
    of_arteries_hu: float | None = None

    @property
    def priors(self) -> dict[str, Volume]:
        """What it hands to a later stage, under the names that stages ask for."""
        return {"left_prior": self.left, "right_prior": self.right}


def locate(
    volume: Volume,
    folder: ModelFolder,
    *,
    device: str = "auto",
    progress: Progress | ProgressCallback | None = None,
) -> Location:
    """Find heart and coarse priors with the stage "locator" of a model.

    Raises NotACoronaryCTError when the heart found is smaller than 150 ml or neither coronary tree shows.
    """
    progress = as_progress(progress)
    progress(0.0, "Finding the heart")
    stage = folder.card.stage("locator")
    channels = {name: stage.output(name) for name in ("heart", "left", "right")}
    grid = isotropic_grid(volume.geometry, stage.spacing_mm)
    coarse = resample(volume, grid, interpolation="linear", fill=AIR_HU)
    inputs = hu_window(coarse.array, *stage.hu_window)[None]
    progress(0.2, "Finding the heart")
    engine = choose_engine(load_stage(folder, "locator"), stage.patch_zyx, device=device)
    answer = predict_patches(
        engine, inputs, patch_zyx=stage.patch_zyx, overlap=OVERLAP, progress=progress.part(0.4, 1.0),
        text="Finding the heart",
    )
    outputs = {name: Volume(answer[channel], grid) for name, channel in channels.items()}
    mask = _largest_component(outputs["heart"].array > 0.5)
    heart_ml = float(mask.sum()) * grid.voxel_mm3 / 1000
    if heart_ml < SMALLEST_HEART_ML:
        found = f"only {heart_ml:.0f} ml" if heart_ml >= 1 else "nothing"
        raise NotACoronaryCTError(
            f"No heart was found in this volume ({found} looks like one, a heart has several hundred). "
            "Give a contrast CT of the whole heart; for a larger scan, check that the chest is part of it."
        )
    near = grown(mask, NEAR_HEART_MM, stage.spacing_mm)
    trees = np.maximum(outputs["left"].array, outputs["right"].array)
    return Location(
        outputs["heart"], outputs["left"], outputs["right"], mask, near, heart_ml, engine.name,
        (*_check_priors(outputs["left"], outputs["right"], near), *engine.warnings), artery_hu(coarse.array, trees),
    )


def _largest_component(mask: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()


def _check_priors(left: Volume, right: Volume, near_heart: np.ndarray) -> tuple[str, ...]:
    found = {
        side: float(((prior.array > 0.5) & near_heart).sum()) * prior.geometry.voxel_mm3 >= SMALLEST_PRIOR_MM3
        for side, prior in (("left", left), ("right", right))
    }
    if not any(found.values()):
        raise NotACoronaryCTError(
            "A heart was found, but no coronary artery in it. The scan may be without contrast, too early or too late "
            "after the injection, or too noisy. Give a coronary CT angiogram (arterial phase)."
        )
    return tuple(
        f"The {side} coronary tree hardly shows in the overview; check that the {side} tree of the result is complete."
        for side, there in found.items() if not there
    )
