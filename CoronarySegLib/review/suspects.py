"""The values of a review: what is looked at, and what is found suspicious."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import Enum

import numpy as np

from ..centreline.tree import CentrelineTree
from ..errors import InputError
from ..volume import Volume


class Kind(Enum):
    """What a place is suspected of."""

    GAP = "gap"
    LEAK = "leak"
    VEIN = "vein"
    PIECE = "isolated piece"
    SPUR = "spur"
    RADIUS = "radius change"
    CONFIDENCE = "low confidence"


@dataclass(frozen=True)
class ReviewCase:
    """A result as it is now, all volumes on one grid.

    ``labels`` uint8: 1 left, 2 right, 3 calcium; ``trees`` by system in LPS mm. The rest makes the search better where
    it is there: ``probability`` of lumen 0..1 before any piece was dropped, ``ct`` in HU, ``vein`` probability 0..1,
    ``variance`` 0..0.25 of several models' probabilities.
    """

    labels: Volume
    trees: Mapping[str, CentrelineTree] = field(default_factory=dict)
    probability: Volume | None = None
    ct: Volume | None = None
    vein: Volume | None = None
    variance: Volume | None = None

    def __post_init__(self) -> None:
        for name in ("probability", "ct", "vein", "variance"):
            volume = getattr(self, name)
            if volume is not None and not volume.geometry.same_grid(self.labels.geometry, tolerance_mm=1e-2):
                raise InputError(
                    f"The labels and the {name} of a review lie on different grids. Resample one onto the other."
                )


@dataclass(frozen=True)
class Suspect:
    """One place to look at. ``place_lps_mm`` is where, ``score`` 0..1 how likely and how costly an error there is.

    ``system`` and ``branch`` (index in that tree, -1 for none) say on what it lies, ``vessel`` names that for people;
    ``text`` is one sentence on what to look at; ``also`` names further kinds that were found at the same place.
    """

    kind: Kind
    place_lps_mm: tuple[float, float, float]
    score: float
    text: str
    system: str = ""
    branch: int = -1
    vessel: str = ""
    also: tuple[str, ...] = ()

    def as_dict(self) -> dict:
        """Plain values for a JSON file."""
        return {**asdict(self), "kind": self.kind.value, "place_lps_mm": list(self.place_lps_mm)}

    @staticmethod
    def of_dict(about: Mapping) -> Suspect:
        """The suspect that :meth:`as_dict` gave; names that this version does not know are passed over. Raises
        KeyError, TypeError or ValueError for anything else."""
        known = {one.name for one in fields(Suspect)}
        values = {name: value for name, value in about.items() if name in known}
        x, y, z = (float(value) for value in values.pop("place_lps_mm"))
        also = tuple(values.pop("also", ()))
        return Suspect(**{**values, "kind": Kind(values["kind"]), "place_lps_mm": (x, y, z), "also": also})


def place_of(point: np.ndarray) -> tuple[float, float, float]:
    """A point (3,) as plain numbers."""
    x, y, z = (float(value) for value in point)
    return x, y, z
