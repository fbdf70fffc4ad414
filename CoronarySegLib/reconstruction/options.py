"""What a person may choose about surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SurfaceOptions:
    """Choices of :func:`~CoronarySegLib.reconstruction.reconstruct`.

    ``method``: "probability" (default, iso-surface of the probability at twice the sampling), "labels" (signed distance
    of the label voxels, for corrected segmentations) or "paper" (marching cubes on the mask, largest component,
    Laplacian; shrinks thin vessels, see the report). ``pass_band`` and ``iterations`` belong to the windowed sinc of
    the first two, ``laplacian_iterations`` and ``relaxation`` to the paper. ``keep_volume`` puts back what smoothing
    took. Closed parts below ``smallest_part_mm3`` are specks and go.
    """

    method: Literal["probability", "labels", "paper"] = "probability"
    pass_band: float = 0.1
    iterations: int = 30
    keep_volume: bool = True
    laplacian_iterations: int = 20
    relaxation: float = 0.1
    smallest_part_mm3: float = 1.0
    calcium: bool = True

    def __post_init__(self) -> None:
        if self.method not in ("probability", "labels", "paper"):
            raise ValueError(f'method must be "probability", "labels" or "paper", not {self.method!r}')
        if not 0.0 < self.pass_band < 2.0:
            raise ValueError(f"pass_band must lie between 0 and 2, not {self.pass_band}")
