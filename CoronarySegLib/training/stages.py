"""What a network stage eats and gives: the contract of patch source, training and model card."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import TrainingError

HU_WINDOW = (-500.0, 1000.0)


@dataclass(frozen=True)
class StageSpec:
    """One network stage.

    ``inputs`` and ``outputs`` name the channels in order. ``spacing_mm`` is the isotropic voxel size of the grid the
    stage works on, None when the whole volume is squeezed into ``patch_zyx`` voxels whatever its extent.
    ``profile`` is the model family the stage belongs to ("paper" or "recommended").
    """

    name: str
    profile: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    spacing_mm: float | None
    patch_zyx: tuple[int, int, int]
    hu_window: tuple[float, float] = HU_WINDOW


STAGES = {
    "locator": StageSpec("locator", "recommended", ("ct",), ("heart", "left", "right"), 2.0, (96, 96, 96)),
    "vessels": StageSpec(
        "vessels", "recommended", ("ct", "left_prior", "right_prior"), ("lumen", "calcium", "vein"), 0.5, (96, 96, 96)
    ),
    "whole": StageSpec("whole", "paper", ("ct",), ("lumen",), None, (64, 128, 128)),
}


def stage_spec(name: str) -> StageSpec:
    """The stage called ``name``; raises TrainingError listing the known ones otherwise."""
    if name not in STAGES:
        raise TrainingError(f"There is no stage {name!r}. Choose one of: {', '.join(STAGES)}.")
    return STAGES[name]
