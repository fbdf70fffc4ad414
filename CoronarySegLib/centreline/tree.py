"""The centreline tree that measuring, naming, correcting and flow export share.

A branch is the stretch between two junctions, so that cutting, renaming or removing one never has to split another. A
vessel such as the LAD passes several junctions: it is the chain of branches that carry its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

UNKNOWN = ""
"""The name of a branch whose anatomy is not certain."""


@dataclass(frozen=True)
class CentrelineBranch:
    """One stretch from a junction (or the ostium) to the next junction (or an end). Frame LPS mm.

    ``points_lps_mm`` (n, 3), n >= 2, runs from proximal to distal at even steps; the first point is the last one of the
    parent. ``radius_mm`` (n,) is the largest sphere inside the lumen. ``area_mm2`` (n,) is the cross-section normal to
    the curve, NaN where it was not or cannot be measured. ``parent`` is an index in the tree, -1 at the ostium.
    ``confidence`` 0..1 is that of the name; ``warnings`` say what about the course is doubtful.
    """

    parent: int
    points_lps_mm: np.ndarray
    radius_mm: np.ndarray
    area_mm2: np.ndarray
    name: str = UNKNOWN
    confidence: float = 0.0
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.points_lps_mm)
        if count < 2 or self.points_lps_mm.shape != (count, 3):
            raise ValueError(f"a branch needs at least two points (n, 3), not {self.points_lps_mm.shape}")
        if self.radius_mm.shape != (count,) or self.area_mm2.shape != (count,):
            raise ValueError("radius_mm and area_mm2 need one value a point")

    @cached_property
    def arc_mm(self) -> np.ndarray:
        """Distance along the branch from its first point (n,)."""
        return np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(self.points_lps_mm, axis=0), axis=1))]

    @property
    def length_mm(self) -> float:
        return float(self.arc_mm[-1])

    @property
    def area_diameter_mm(self) -> np.ndarray:
        """Diameter of the circle with the area of the cross-section (n,), NaN where there is none."""
        return 2.0 * np.sqrt(self.area_mm2 / np.pi)


@dataclass(frozen=True)
class Vessel:
    """A named chain of branches as one curve. ``indices`` in the tree, proximal first; junction points occur once."""

    name: str
    indices: tuple[int, ...]
    points_lps_mm: np.ndarray = field(repr=False)
    radius_mm: np.ndarray = field(repr=False)
    area_mm2: np.ndarray = field(repr=False)

    @cached_property
    def arc_mm(self) -> np.ndarray:
        return np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(self.points_lps_mm, axis=0), axis=1))]

    @property
    def length_mm(self) -> float:
        return float(self.arc_mm[-1])


@dataclass(frozen=True)
class CentrelineTree:
    """One coronary system, rooted at its ostium.

    ``branches``: parents come before their daughters and ``branches[0]`` starts at the ostium. ``side`` is "left",
    "right" or "" when not known. ``dominance`` is "right", "left", "co-dominant" or "" (a statement about the pair of
    systems, carried by both).
    """

    side: str
    branches: tuple[CentrelineBranch, ...]
    dominance: str = ""
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for index, branch in enumerate(self.branches):
            if not -1 <= branch.parent < index or (branch.parent == -1) != (index == 0):
                raise ValueError(f"branch {index} has parent {branch.parent}: parents come first, with one root")

    @property
    def ostium_lps_mm(self) -> np.ndarray:
        return self.branches[0].points_lps_mm[0]

    @property
    def length_mm(self) -> float:
        return sum(branch.length_mm for branch in self.branches)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Daughters of each branch, by index."""
        daughters: list[list[int]] = [[] for _ in self.branches]
        for index, branch in enumerate(self.branches[1:], start=1):
            daughters[branch.parent].append(index)
        return tuple(tuple(d) for d in daughters)

    @property
    def leaves(self) -> tuple[int, ...]:
        """Branches that end freely."""
        return tuple(index for index, daughters in enumerate(self.children) if not daughters)

    def path_from_ostium(self, index: int) -> tuple[int, ...]:
        """Branches from the ostium to ``index``, both included."""
        path = [index]
        while self.branches[path[-1]].parent >= 0:
            path.append(self.branches[path[-1]].parent)
        return tuple(reversed(path))

    def subtree(self, index: int) -> tuple[int, ...]:
        """``index`` and everything distal of it, parents first."""
        found, wanted = [], {index}
        for i in range(index, len(self.branches)):
            if i in wanted:
                found.append(i)
                wanted.update(self.children[i])
        return tuple(found)

    def curve(self, indices: Iterable[int], name: str = UNKNOWN) -> Vessel:
        """Consecutive branches as one curve."""
        indices = tuple(indices)
        parts = [self.branches[i] for i in indices]
        first, rest = parts[0], parts[1:]
        return Vessel(
            name, indices,
            np.concatenate([first.points_lps_mm, *(b.points_lps_mm[1:] for b in rest)]),
            np.concatenate([first.radius_mm, *(b.radius_mm[1:] for b in rest)]),
            np.concatenate([first.area_mm2, *(b.area_mm2[1:] for b in rest)]),
        )

    def vessels(self) -> tuple[Vessel, ...]:
        """Every chain of the same name, in the order of the tree; branches without a name are chains of their own."""
        chains: dict[int, list[int]] = {}
        head: dict[int, int] = {}
        for index, branch in enumerate(self.branches):
            above = branch.parent
            goes_on = above >= 0 and branch.name != UNKNOWN and branch.name == self.branches[above].name
            if goes_on and chains[head[above]][-1] == above:
                head[index] = head[above]
                chains[head[above]].append(index)
            else:
                head[index] = index
                chains[index] = [index]
        return tuple(self.curve(chain, self.branches[first].name) for first, chain in chains.items())

    def with_branches(self, branches: Iterable[CentrelineBranch]) -> CentrelineTree:
        return replace(self, branches=tuple(branches))

    def without(self, index: int) -> CentrelineTree:
        """The tree without ``index`` and what is distal of it. Raises ValueError for the root."""
        if index == 0:
            raise ValueError("the branch at the ostium cannot be taken away; remove the whole tree instead")
        gone = set(self.subtree(index))
        new_index, kept = {-1: -1}, []
        for i, branch in enumerate(self.branches):
            if i not in gone:
                new_index[i] = len(kept)
                kept.append(replace(branch, parent=new_index[branch.parent]))
        return self.with_branches(kept)
