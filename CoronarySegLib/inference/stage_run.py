"""A stage's network over its inputs, patch by patch, the same for every system."""

from __future__ import annotations

import numpy as np

from ..models import StageCard
from ..progress import Progress, ProgressCallback
from .engines import choose_engine
from .mirror import MirrorEngine
from .patches import predict_patches

TEXT = "Following the coronaries"
# By quality. Without overlap a vessel can break at the border of two patches: the mask-guided paper's own limitation.
OVERLAPS = {"fast": 0.0, "standard": 0.5, "best": 0.5}


def run_stage(
    network,
    stage: StageCard,
    inputs: np.ndarray,
    *,
    device: str,
    quality: str,
    region: np.ndarray | None = None,
    progress: Progress | ProgressCallback | None = None,
    text: str = TEXT,
) -> tuple[np.ndarray, str, tuple[str, ...]]:
    """:func:`run_patches` as the qualities of a published system ask for it.

    Slices never overlap along z: each is answered once.
    """
    return run_patches(
        network, stage, inputs, device=device, overlap=OVERLAPS[quality], mirror=quality == "best", region=region,
        progress=progress, text=text,
    )


def run_patches(
    network,
    stage: StageCard,
    inputs: np.ndarray,
    *,
    device: str,
    overlap: float,
    mirror: bool,
    region: np.ndarray | None = None,
    progress: Progress | ProgressCallback | None = None,
    text: str = TEXT,
) -> tuple[np.ndarray, str, tuple[str, ...]]:
    """Probabilities (K, z, y, x) of a stage on ``inputs`` (C, z, y, x), the engine's name and its warnings.

    ``mirror`` averages over the mirror images the stage was trained on; ``region`` (z, y, x) is where an answer is
    wanted.
    """
    engine = choose_engine(network, stage.patch_zyx, device=device)
    if mirror and stage.mirror_axes:
        engine = MirrorEngine(engine, stage.mirror_axes)
    answer = predict_patches(
        engine, inputs, patch_zyx=stage.patch_zyx, overlap=overlap, align=aligns_of(network), region=region,
        progress=progress, text=text,
    )
    return answer, engine.name, engine.warnings


def aligns_of(network) -> tuple[int, int, int]:
    """Voxels (z, y, x) by which a patch may move without the network answering otherwise."""
    factor = getattr(network, "size_factor", 1)
    return (factor,) * 3 if isinstance(factor, int) else tuple(factor)
