"""A volume and a model to a prediction, whatever the model's system."""

from __future__ import annotations

from importlib import import_module

from ..errors import ModelError
from ..models import ModelFolder
from ..models.systems import find_system
from ..progress import Progress, ProgressCallback
from ..volume import Volume
from .prediction import Prediction

# System of a model -> (module of this package, function).
_WAYS = {
    "two_step": ("two_step", "predict_two_step"),
    "whole": ("whole", "predict_whole"),
    "patches": ("patchwise", "predict_patchwise"),
    "patches_level_set": ("patchwise", "predict_patchwise"),
    "vesselness": ("patchwise", "predict_patchwise"),
    "slices": ("patchwise", "predict_patchwise"),
    "slices_refined": ("slices_refined", "predict_slices_refined"),
    "coarse_vote": ("coarse_vote", "predict_coarse_vote"),
}


def predict(
    volume: Volume,
    model_folder: ModelFolder,
    *,
    device: str = "auto",
    quality: str = "standard",
    progress: Progress | ProgressCallback | None = None,
) -> Prediction:
    """Predict a CT in HU. ``device`` as in ``choose_engine``; ``quality`` "fast", "standard" or "best" (the system
    "whole" has only one way and ignores it). Raises NotACoronaryCTError, EmptyResultError, ModelError,
    MissingPackageError, Cancelled.
    """
    if find_system(model_folder.card.system).modality != "ct":
        raise ModelError(
            f"The model {model_folder.card.name!r} reads X-ray angiograms, no CT. Choose a model for CT."
        )
    module, function = _WAYS[model_folder.card.system]
    way = getattr(import_module(f".{module}", __package__), function)
    return way(volume, model_folder, device=device, quality=quality, progress=progress)
