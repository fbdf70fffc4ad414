"""The locator's answers on prepared phantoms, kept as the vessels stage's prior inputs.

The second stage then learns with the very mistakes the first one makes, not with a perfect prior it will never get.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..preparation.window import hu_window
from ..progress import Progress, ProgressCallback, as_progress
from .phantom_cases import read_card


def store_priors(
    cases: Sequence[Path],
    locator: torch.nn.Module,
    *,
    progress: Progress | ProgressCallback | None = None,
    again: bool = False,
) -> None:
    """Write ``prior_<look>.npy`` (uint8 left and right probability, (2, z, y, x) at 1 mm) beside every look of
    ``cases``.

    ``locator`` gives logits of heart, left and right, and may give more. Looks that have their priors are passed over
    unless ``again``.
    """
    report = as_progress(progress)
    for number, case in enumerate(cases):
        for look in range(read_card(case).looks):
            path = case / f"prior_{look}.npy"
            if path.exists() and not again:
                continue
            image = hu_window(np.load(case / f"coarse_look_{look}.npy").astype("f4"))
            np.save(path, (255.0 * locate_trees(locator, image) + 0.5).astype(np.uint8))
        report((number + 1) / len(cases), f"Locating trees in phantom {number + 1} of {len(cases)}")


def locate_trees(locator: torch.nn.Module, image: np.ndarray) -> np.ndarray:
    """Left and right probability (2, z, y, x) of one windowed 1 mm field (z, y, x), in one piece."""
    pad = [(-n) % getattr(locator, "size_factor", 1) for n in image.shape]
    tensor = torch.from_numpy(np.pad(image, [(0, p) for p in pad], mode="edge"))[None, None]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        probability = torch.sigmoid(locator(tensor).float())[0, 1:3].numpy()
    return probability[:, : image.shape[0], : image.shape[1], : image.shape[2]]
