"""What can be chosen about a synthetic angiogram."""

from __future__ import annotations

from dataclasses import dataclass

from ...phantom.tree import Dominance, Side

VIEWS: dict[Side, tuple[tuple[float, float], ...]] = {
    "left": ((-30.0, -25.0), (-10.0, -30.0), (0.0, 32.0), (-25.0, 25.0), (45.0, 25.0), (45.0, -28.0), (-30.0, 0.0)),
    "right": ((45.0, 0.0), (-30.0, 0.0), (0.0, 28.0), (40.0, 20.0)),
}
"""Usual angulations of each system as (primary, secondary) degrees: LAO and cranial are positive, as in DICOM."""
VIEW_SPREAD_DEGREES = 6.0
FRAMES_PER_SECOND = 15.0


@dataclass(frozen=True)
class AngiogramSettings:
    """Settings of one synthetic run. Everything that is None is drawn from ``seed``.

    ``view`` counts runs of the same heart: another side, angle, injection and look for each. ``primary_degrees`` (LAO
    positive) and ``secondary_degrees`` (cranial positive) turn the C-arm. ``frames`` 1 gives a single well filled
    frame; more give a run of 15 frames a second from just before the injection on.
    ``least_labelled_mm`` is the diameter from which on a vessel belongs to the mask: readers leave out finer ones.
    ``clean`` leaves out noise, shutters and display processing.
    """

    seed: int = 0
    view: int = 0
    side: Side | None = None
    primary_degrees: float | None = None
    secondary_degrees: float | None = None
    size_px: int = 512
    frames: int = 1
    dominance: Dominance | None = None
    stenoses_per_trunk: int | None = None
    least_labelled_mm: float = 1.1
    clean: bool = False

    def __post_init__(self) -> None:
        if not 64 <= self.size_px <= 1024:
            raise ValueError(f"size_px is {self.size_px}: choose 64 to 1024")
        if not 1 <= self.frames <= 300:
            raise ValueError(f"frames is {self.frames}: choose 1 to 300")
