"""Who can take part: each entrant is one way from CT or angiogram to mask, made of one or more trained stages."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import TrainingError
from ..training.published import PUBLISHED
from ..training.stages import stage_spec


@dataclass(frozen=True)
class Entrant:
    """``stages`` are names in ``training.published``, trained in this order; a refining one corrects the one before."""

    name: str
    stages: tuple[str, ...]

    @property
    def on_angiograms(self) -> bool:
        """True for the systems on X-ray images."""
        return stage_spec(PUBLISHED[self.stages[0]].paper["stage"]).of_angiograms


_JOINED = {
    "seg2refinenet": ("sfanet", "attention-gan"),
    "zeng": ("zeng-coarse", "zeng-16", "zeng-32", "zeng-64"),
}
_PARTS = {stage for stages in _JOINED.values() for stage in stages} - {"sfanet"}
ENTRANTS = {
    **{name: Entrant(name, (name,)) for name in PUBLISHED if name not in _PARTS},
    **{name: Entrant(name, stages) for name, stages in _JOINED.items()},
}


def find_entrants(names: tuple[str, ...], *, on_angiograms: bool = False) -> tuple[Entrant, ...]:
    """Those called ``names``; for none all on CT, or all on angiograms. Raises TrainingError listing the known ones."""
    unknown = [name for name in names if name not in ENTRANTS]
    if unknown:
        raise TrainingError(f"There is no entrant {', '.join(unknown)}. Choose among: {', '.join(ENTRANTS)}.")
    everybody = tuple(name for name, entrant in ENTRANTS.items() if entrant.on_angiograms == on_angiograms)
    return tuple(ENTRANTS[name] for name in (names or everybody))
