"""How much work a prediction is worth: three named levels instead of a handful of numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quality:
    """``overlap`` of neighbouring patches; ``whole_heart``: every patch of the heart instead of those near the coarse
    prior; ``mirror``: average over mirrored patches along the axes the model was trained for.
    """

    overlap: float
    whole_heart: bool = False
    mirror: bool = False


QUALITIES = {
    "fast": Quality(overlap=0.125),
    "standard": Quality(overlap=0.25),
    "best": Quality(overlap=0.5, whole_heart=True, mirror=True),
}


def quality_of(name: str) -> Quality:
    """The level called "fast", "standard" or "best". Raises ValueError for another name."""
    if name not in QUALITIES:
        raise ValueError(f"quality {name!r}; known are {', '.join(QUALITIES)}")
    return QUALITIES[name]
