"""What inference hands on: probabilities with the CT on the same grid, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..volume import Volume


@dataclass(frozen=True)
class Prediction:
    """Probabilities 0..1 (float32) of one volume.

    ``lumen``, ``calcium``, ``vein`` and ``ct`` (HU) share one grid: for a recommended model 0.5 mm, axis-aligned LPS,
    the box round the coronaries; for a paper model the input grid in canonical order. ``heart``, ``left_prior`` and
    ``right_prior`` share the coarse grid of the locator. None: the model has no such output.
    ``timings`` are seconds by step; ``engine`` names what ran the finest stage.
    """

    lumen: Volume
    ct: Volume
    engine: str
    calcium: Volume | None = None
    vein: Volume | None = None
    heart: Volume | None = None
    left_prior: Volume | None = None
    right_prior: Volume | None = None
    timings: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
