"""What a network stage eats and gives: the contract of patch source, training and model card."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from ..errors import TrainingError

CORRIDOR_MM = 2.0
"""By so much the trees that the locator learns are wider than the arteries."""
HU_WINDOW = (-500.0, 1000.0)
NORMALISATIONS = ("window", "minmax")
BINARISATIONS = ("half", "otsu")


@dataclass(frozen=True)
class StageSpec:
    """One network stage.

    ``inputs`` and ``outputs`` name the channels in order: "ct", "left_prior", "right_prior" (the locator's
    answers), "contrast" (in units of the scan's own arteries), "vesselness" (Frangi), "initial" (the mask of an earlier
    stage), "xray" (an angiogram, one slice). ``spacing_mm`` is the isotropic voxel size of the grid the stage works on;
    None squeezes the whole volume into ``patch_zyx`` voxels, or with ``native`` leaves it on the scanner's own voxels.
    ``normalisation`` "window" makes 0..1 of ``hu_window``, "minmax" of the volume's range.
    ``sharpen`` adds what a blur of one voxel takes away in each slice (unsharp masking).
    ``binarisation`` makes the mask: "half" cuts at one half, "otsu" where Otsu's method puts the threshold.
    ``profile`` is the model family the stage belongs to ("paper" or "recommended").
    """

    name: str
    profile: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    spacing_mm: float | None
    patch_zyx: tuple[int, int, int]
    hu_window: tuple[float, float] = HU_WINDOW
    native: bool = False
    normalisation: str = "window"
    sharpen: bool = False
    binarisation: str = "half"

    @property
    def of_angiograms(self) -> bool:
        """True for X-ray images, which know neither HU nor an axis z."""
        return "xray" in self.inputs

    @property
    def resized(self) -> bool:
        """True when the whole volume is squeezed into one patch."""
        return self.spacing_mm is None and not self.native


_WIDE, _SEG2REFINE = (-200.0, 1000.0), (-100.0, 500.0)
_ALL = (
    StageSpec("locator", "recommended", ("ct",), ("heart", "left", "right", "vein"), 1.0, (192, 192, 192)),
    StageSpec(
        "vessels", "recommended", ("ct", "left_prior", "right_prior", "contrast"), ("lumen", "calcium", "vein"), 0.5,
        (96, 96, 96),
    ),
    StageSpec("whole", "paper", ("ct",), ("lumen",), None, (64, 128, 128)),
    # One network on patches of the whole field: mask-guided coarse-to-refined, Huang, Shen.
    StageSpec("patches", "recommended", ("ct",), ("lumen",), 0.5, (64, 64, 64), _WIDE),
    # Chen: CT and Frangi vesselness.
    StageSpec("vesselness", "recommended", ("ct", "vesselness"), ("lumen",), 0.5, (32, 32, 32), _WIDE),
    # Seg2RefineNet: window centre 200, width 600, unsharp masking, slices of the scanner's grid; then patches of it.
    StageSpec("slices", "paper", ("ct",), ("lumen",), None, (1, 512, 512), _SEG2REFINE, native=True, sharpen=True),
    StageSpec(
        "refine", "paper", ("ct", "initial"), ("lumen",), None, (128, 128, 128), _SEG2REFINE, native=True, sharpen=True
    ),
    # ImageCAS baseline: a coarse look at the whole volume, then patches of three sizes along what it found.
    StageSpec("coarse", "recommended", ("ct",), ("lumen",), None, (64, 128, 128), _WIDE),
    StageSpec("fine16", "recommended", ("ct",), ("lumen",), 0.5, (16, 16, 16), _WIDE),
    StageSpec("fine32", "recommended", ("ct",), ("lumen",), 0.5, (32, 32, 32), _WIDE),
    StageSpec("fine64", "recommended", ("ct",), ("lumen",), 0.5, (64, 64, 64), _WIDE),
    # X-ray angiograms: the whole image, brought to 512 pixels.
    StageSpec("angiogram", "paper", ("xray",), ("lumen",), None, (1, 512, 512), (0.0, 1.0), native=True),
)
STAGES = {spec.name: spec for spec in _ALL}
# What a run may set otherwise than its stage does; names and order of the channels are no matter of taste.
CHANGEABLE = ("spacing_mm", "hu_window", "native", "normalisation", "sharpen", "binarisation", "patch_zyx", "profile")


def stage_spec(name: str, changes: dict[str, Any] | None = None) -> StageSpec:
    """The stage called ``name`` with ``changes`` to it; raises TrainingError listing what is known otherwise."""
    if name not in STAGES:
        raise TrainingError(f"There is no stage {name!r}. Choose one of: {', '.join(STAGES)}.")
    changes = dict(changes or {})
    unknown = sorted(set(changes) - set(CHANGEABLE))
    if unknown:
        raise TrainingError(
            f"A stage's {', '.join(unknown)} cannot be changed by a run. What can: {', '.join(CHANGEABLE)}."
        )
    for field in fields(StageSpec):
        if isinstance(changes.get(field.name), list):
            changes[field.name] = tuple(changes[field.name])
    spec = replace(STAGES[name], **changes)
    for what, known in (("normalisation", NORMALISATIONS), ("binarisation", BINARISATIONS)):
        if getattr(spec, what) not in known:
            raise TrainingError(f"{what} must be one of {', '.join(known)}, not {getattr(spec, what)!r}.")
    return spec
