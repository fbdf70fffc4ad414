"""The coronary tree of a phantom: the truth that centrelines, names and radii are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

Side = Literal["left", "right"]
Dominance = Literal["right", "left", "co-dominant"]
CALIBRES, MOST_TWIGS = (0.5, 2.0), 3.0
"""What a tree can be built of."""
USUAL_SHARE, DRAWN_CALIBRES, DRAWN_TWIGS, DRAWN_VEINS = 0.4, (0.95, 1.5), (0.1, 2.0), (0.85, 1.6)
"""What is drawn for training."""


@dataclass(frozen=True)
class TreeBuild:
    """How wide and how rich in small branches a coronary tree is, and how wide the veins of its heart.

    ``calibre`` multiplies every diameter; 1 is the mean of published angiography and CT figures. ``twigs`` is the range
    of small side branches along 26 mm of a vessel that the generator draws from. Masks of real trees hold two to three
    times the volume of the usual one; :meth:`draw` reaches there, for training. ``veins`` multiplies the diameters of
    the cardiac veins.
    """

    calibre: float = 1.0
    twigs: tuple[float, float] = (0.1, 0.5)
    veins: float = 1.0

    def __post_init__(self) -> None:
        low, high = self.twigs
        widths = all(CALIBRES[0] <= width <= CALIBRES[1] for width in (self.calibre, self.veins))
        if not (widths and 0.0 <= low <= high <= MOST_TWIGS):
            raise ValueError(
                f"The calibre of a tree and that of its veins must lie between {CALIBRES[0]:g} and {CALIBRES[1]:g}, "
                f"its twigs between 0 and {MOST_TWIGS:g}, the lower bound first; not {self.calibre:g}, {self.veins:g} "
                f"and {low:g} to {high:g}"
            )

    @staticmethod
    def draw(rng: np.random.Generator) -> TreeBuild:
        """The usual tree in two cases of five, else one of any calibre and richness; and, whatever the tree, the usual
        veins in two of five, else wider or thinner ones: width alone must not tell an artery from a vein."""
        tree = TreeBuild() if rng.random() < USUAL_SHARE else TreeBuild(_width(rng, DRAWN_CALIBRES), DRAWN_TWIGS)
        return tree if rng.random() < USUAL_SHARE else replace(tree, veins=_width(rng, DRAWN_VEINS))


def _width(rng: np.random.Generator, between: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(between))))


USUAL_BUILD = TreeBuild()


@dataclass(frozen=True)
class Branch:
    """One named vessel from its origin to its end.

    ``points_lps_mm`` (n, 3) and ``radius_mm`` (n,) run from proximal to distal, about 0.3 mm apart;
    ``healthy_radius_mm`` is the lumen without stenoses. ``parent`` is the index of the parent branch in the
    tree or -1 at an ostium.
    """

    name: str
    side: Side
    parent: int
    points_lps_mm: np.ndarray
    radius_mm: np.ndarray
    healthy_radius_mm: np.ndarray

    @property
    def length_mm(self) -> float:
        return float(np.linalg.norm(np.diff(self.points_lps_mm, axis=0), axis=1).sum())

    @property
    def tortuosity(self) -> float:
        """Arc length over chord."""
        return self.length_mm / max(float(np.linalg.norm(self.points_lps_mm[-1] - self.points_lps_mm[0])), 1e-6)

    def with_radius(self, radius_mm: np.ndarray) -> Branch:
        return replace(self, radius_mm=radius_mm)


@dataclass(frozen=True)
class Lesion:
    """A narrowing: ``branch`` index, arc position, depth as a share of the diameter, length (full width), calcified
    or not."""

    branch: int
    position_mm: float
    diameter_share: float
    length_mm: float
    calcified: bool


@dataclass(frozen=True)
class CalciumDeposit:
    """An ellipsoid of calcified plaque in the wall; ``axis`` is its long direction (unit, LPS)."""

    centre_lps_mm: np.ndarray
    axis: np.ndarray
    half_length_mm: float
    half_width_mm: float


@dataclass(frozen=True)
class CoronaryTree:
    """Both coronary trees with ostia, lesions and dominance. Frame LPS mm."""

    branches: tuple[Branch, ...]
    ostia_lps_mm: dict[str, np.ndarray]
    dominance: Dominance
    lesions: tuple[Lesion, ...] = ()
    calcium: tuple[CalciumDeposit, ...] = field(default=())

    def of_side(self, side: Side) -> tuple[Branch, ...]:
        return tuple(b for b in self.branches if b.side == side)

    def named(self, name: str) -> Branch:
        """The branch called ``name``; KeyError when this tree has none."""
        for branch in self.branches:
            if branch.name == name:
                return branch
        raise KeyError(name)
