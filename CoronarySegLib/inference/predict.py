"""A volume and a model to a prediction, whatever the model's profile."""

from __future__ import annotations

from ..models import ModelFolder
from ..progress import Progress, ProgressCallback
from ..volume import Volume
from .prediction import Prediction


def predict(
    volume: Volume,
    model_folder: ModelFolder,
    *,
    device: str = "auto",
    quality: str = "standard",
    progress: Progress | ProgressCallback | None = None,
) -> Prediction:
    """Predict a CT in HU. ``device`` as in ``choose_engine``; ``quality`` "fast", "standard" or "best" (a paper model
    has only one way and ignores it). Raises NotACoronaryCTError, ModelError, MissingPackageError, Cancelled.
    """
    if model_folder.card.profile == "paper":
        from .whole import predict_whole

        return predict_whole(volume, model_folder, device=device, progress=progress)
    from .two_step import predict_two_step

    return predict_two_step(volume, model_folder, device=device, quality=quality, progress=progress)
