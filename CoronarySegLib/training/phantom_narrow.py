"""The vessels' phantom patches as a stage sees them that asks for the CT alone, in a narrower window."""

from __future__ import annotations

import numpy as np

from ..preparation import ct_values
from .phantom_cases import FINE_MM
from .sources import Patch, PatchSource
from .stages import HU_WINDOW, StageSpec


class NarrowSource:
    """A PatchSource over another one of the stage "vessels": its CT and its lumen."""

    def __init__(self, source: PatchSource, spec: StageSpec):
        self._source, self._spec = source, spec

    def sample(self, rng: np.random.Generator) -> Patch:
        """One patch, decided by ``rng`` alone."""
        patch = self._source.sample(rng)
        low, high = HU_WINDOW
        image = ct_values(patch.image[:1] * (high - low) + low, self._spec.hu_window, sharpen=self._spec.sharpen)
        return Patch(image, patch.target[:1], None if patch.weight is None else patch.weight[:1])


def can_narrow(spec: StageSpec) -> bool:
    """True when everything ``spec`` asks for is in a patch of the stage "vessels"."""
    inside = HU_WINDOW[0] <= spec.hu_window[0] and spec.hu_window[1] <= HU_WINDOW[1]
    return (spec.inputs, spec.outputs, spec.spacing_mm, spec.normalisation) == (
        ("ct",), ("lumen",), FINE_MM, "window"
    ) and inside
