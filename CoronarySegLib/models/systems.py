"""The systems a model folder can hold: which stages each needs and what is done with them.

A system is a way from a CT, or from an X-ray angiogram, to a probability; the networks in its stages may be any of the
library's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..errors import ModelError


@dataclass(frozen=True)
class System:
    """``stages`` it cannot do without, ``optional`` ones it can use, what it does in one sentence, and the ``modality``
    it does it on: "ct" or "xray"."""

    name: str
    stages: tuple[str, ...]
    text: str
    optional: tuple[str, ...] = ()
    modality: str = "ct"


_ALL = (
    System("two_step", ("locator", "vessels"), "heart and coarse priors, then patches along them"),
    System("whole", ("whole",), "the whole volume squeezed into one patch (ResUNet3D paper)"),
    System("patches", ("patches",), "patches of the whole field, or of the heart where a locator is there",
           ("locator",)),
    System("patches_level_set", ("patches",), "patches, then a level set on their probability (Shen 2019)",
           ("locator",)),
    System("vesselness", ("vesselness",), "patches of the CT and of its Frangi vesselness (Chen 2019)", ("locator",)),
    System("slices", ("slices",), "slice by slice (first stage of Seg2RefineNet)"),
    System("slices_refined", ("slices", "refine"), "slice by slice, then corrected in 3D (Seg2RefineNet)"),
    System("coarse_vote", ("coarse", "fine16", "fine32", "fine64"),
           "a coarse look, then three patch sizes along it and their majority (ImageCAS baseline, Zeng 2023)"),
    System("angiogram", ("angiogram",), "an X-ray angiogram at once", modality="xray"),
)
SYSTEMS = {system.name: system for system in _ALL}
OF_PROFILE = {"recommended": "two_step", "paper": "whole"}
"""What a card means that names no system."""


def system_of_stages(stages: Collection[str]) -> System | None:
    """The first system that ``stages`` make up completely, None when they make up none."""
    given = set(stages)
    for system in _ALL:
        if set(system.stages) <= given <= {*system.stages, *system.optional}:
            return system
    return None


def find_system(name: str) -> System:
    """The system called ``name``; raises ModelError listing the known ones."""
    if name not in SYSTEMS:
        raise ModelError(f"There is no system {name!r}. Known systems: {', '.join(SYSTEMS)}.")
    return SYSTEMS[name]
