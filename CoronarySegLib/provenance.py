"""What made a result: version, model with checksums, engine, choices, timings. It travels with every result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import __version__

if TYPE_CHECKING:
    from .segmentation import CoronaryResult


@dataclass(frozen=True)
class Provenance:
    """``model_checksums`` are SHA-256 by stage, ``timings_s`` seconds by step; ``quality`` "" where nobody said."""

    version: str
    model: str
    model_checksums: dict[str, str]
    engine: str
    timings_s: dict[str, float]
    quality: str = ""
    warnings: tuple[str, ...] = field(default=())


def provenance_of(
    result: CoronaryResult, *, quality: str = "", warnings: tuple[str, ...] | None = None
) -> Provenance:
    """The provenance of a result of ``segmentation.segment``; ``warnings`` are its own when no others are given."""
    card = result.model_card
    return Provenance(
        version=__version__, model=f"{card.name} {card.version}",
        model_checksums={stage.name: stage.sha256 for stage in card.stages}, engine=result.prediction.engine,
        timings_s={step: round(seconds, 2) for step, seconds in result.timings.items()}, quality=quality,
        warnings=tuple(result.warnings) if warnings is None else warnings,
    )
