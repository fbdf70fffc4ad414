"""Transfer learning between angiograms: an encoder that has learned on many gives the start to networks trained on few.

The paper on U-Net 3+ starts from ImageNet's weights. Where these cannot be had, or where their terms do not suit, the
same encoder learns from synthetic angiograms first, inside the cheapest of the paper's networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from ..errors import Cancelled, TrainingError
from ..in_place import file_in_place
from ..progress import Progress, ProgressCallback, as_progress
from ..training.opening import DataChoice
from ..training.published import published_config
from ..training.state import read_weights
from .run import train_within

CARRIER = "angiogram-unet"
"""The network around the encoder while it learns."""
ENCODER = "encoder.safetensors"


def pretrained_encoder(data: Path, work: Path, settings: Mapping[str, Any], *, minutes: float | None = None,
                       progress: Progress | ProgressCallback | None = None) -> Path:
    """Train the encoder on all angiograms in ``data``; returns a file that ``TrainConfig.encoder_weights`` takes.

    ``settings`` are laid over the recommended ones; ``minutes`` bounds the training (else the paper's epochs). What is
    there in ``work`` is not done again. Raises Cancelled when a signal stopped it (the same call goes on),
    TrainingError and MissingPackageError.
    """
    path = work / ENCODER
    if path.is_file():
        return path
    config = published_config(CARRIER, "recommended", **settings)
    run = work / "run"
    trained = train_within(minutes, config, DataChoice(data=str(data)), run, as_progress(progress))
    if trained.stopped:
        raise Cancelled(f"Stopped while the encoder learned, at step {trained.step}. Give the same command to go on.")
    return save_encoder(run, path)


def save_encoder(run: Path, path: Path) -> Path:
    """The encoder out of a training run's best weights. Raises TrainingError where its network has none."""
    state = read_weights(run, "best").state_dict
    found = {name.partition("encoder.")[2]: values.contiguous() for name, values in state.items()
             if name.startswith(("encoder.", "network.encoder."))}
    if not found:
        raise TrainingError(f"The network trained in {run} has no encoder to hand on. Train one of the baselines.")
    with file_in_place(path) as partial:
        save_file(found, partial)
    return path
