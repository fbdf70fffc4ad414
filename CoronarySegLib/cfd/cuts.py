"""Where the ends of a tree are to be cut: proposals along the centreline, each with the name of its cap."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from ..centreline.tree import UNKNOWN, CentrelineBranch, CentrelineTree

UNEVEN_MM = 0.5
"""Tangents are taken over at least this much of the curve to either side: less follows the voxels."""


@dataclass(frozen=True)
class Cut:
    """One plane across one vessel. Frame LPS, lengths in mm.

    ``kind`` is "inlet" or "outlet". ``position_lps_mm`` (3,) lies on the centreline at ``arc_mm`` of branch ``branch``;
    ``normal`` (3,) is the centreline's direction there, out of what is kept. ``radius_mm`` is the lumen's there.
    ``reason`` says why the cut is at this place.
    """

    name: str
    kind: str
    branch: int
    arc_mm: float
    position_lps_mm: np.ndarray
    normal: np.ndarray
    radius_mm: float
    reason: str


@dataclass(frozen=True)
class CutOptions:
    """How cuts are proposed.

    An outlet is cut ``end_mm`` or ``end_diameters`` before the end of its branch, whichever is less: segmented ends
    taper and their last millimetres are no lumen. What is thinner than ``smallest_diameter_mm`` all the way to the end
    is cut away (0 keeps all). The inlet is cut ``ostium_mm`` or half a diameter behind the ostium, whichever is more,
    so that the plane is across the vessel and not across the funnel of the aorta.
    """

    end_mm: float = 5.0
    end_diameters: float = 2.0
    smallest_diameter_mm: float = 0.0
    ostium_mm: float = 1.0

    def __post_init__(self) -> None:
        if min(self.end_mm, self.end_diameters, self.smallest_diameter_mm, self.ostium_mm) < 0:
            raise ValueError("distances and diameters of cuts must not be negative")


@dataclass(frozen=True)
class Proposal:
    """``cuts``: the inlet first. ``closed``: branches too short to be cut across; they stay blind, as wall."""

    cuts: tuple[Cut, ...]
    closed: tuple[int, ...] = ()


def propose_cuts(tree: CentrelineTree, options: CutOptions = CutOptions()) -> Proposal:
    """One inlet behind the ostium and one outlet before every end of ``tree``, named after the branches they close."""
    gone = _too_thin(tree, options.smallest_diameter_mm)
    ends = [i for i in range(len(tree.branches)) if i not in gone and all(d in gone for d in tree.children[i])]
    # Where a trunk goes on, a thin side branch is left open just behind its origin: its flow is lost, not blocked.
    stubs = [i for i in sorted(gone) if tree.branches[i].parent not in gone and tree.branches[i].parent not in ends]
    root = tree.branches[0]
    inlet = _inlet(root, options, alone=0 in ends)
    cuts, closed = [replace(inlet, name=_inlet_name(tree))], []
    for index in sorted([*ends, *stubs]):
        found = _stub(tree, index) if index in stubs else _end(tree, index, options, inlet if index == 0 else None)
        if found is None:
            closed.append(index)
        else:
            cuts.append(found)
    return Proposal(_named(tree, cuts), tuple(closed))


def cut_at(branch: CentrelineBranch, index: int, arc_mm: float, kind: str, reason: str, name: str = "") -> Cut:
    """The plane across ``branch`` (number ``index`` of its tree) at ``arc_mm``, exactly normal to the curve there.

    The direction is that of the curve over one radius to either side, fitted so that no single step decides it.
    """
    arc_mm = float(np.clip(arc_mm, 0.0, branch.length_mm))
    position = _at(branch, arc_mm)
    radius = float(np.interp(arc_mm, branch.arc_mm, branch.radius_mm))
    reach = max(UNEVEN_MM, radius)
    places = np.linspace(max(0.0, arc_mm - reach), min(branch.length_mm, arc_mm + reach), 13)
    around = np.stack([_at(branch, place) for place in places])
    offsets = places - arc_mm
    if offsets[-1] > 0.25 * reach and offsets[0] < -0.25 * reach:
        # A parabola through the neighbourhood: its slope in the middle is the tangent of a bent vessel, too.
        direction = np.polynomial.polynomial.polyfit(offsets, around, 2)[1]
    else:
        direction = np.polynomial.polynomial.polyfit(offsets, around, 1)[1]
    direction = direction / np.linalg.norm(direction)
    outward = -direction if kind == "inlet" else direction
    return Cut(name, kind, index, arc_mm, position, outward, radius, reason)


def moved(cut: Cut, tree: CentrelineTree, shift_mm: float) -> Cut:
    """The same cut ``shift_mm`` further along its branch."""
    branch = tree.branches[cut.branch]
    reason = f"{cut.reason}, moved by {shift_mm:+.1f} mm to cross the vessel alone"
    return cut_at(branch, cut.branch, cut.arc_mm + shift_mm, cut.kind, reason, cut.name)


def safe_name(text: str) -> str:
    """A name that every solver takes: letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")


def _at(branch: CentrelineBranch, arc_mm: float) -> np.ndarray:
    return np.array([np.interp(arc_mm, branch.arc_mm, branch.points_lps_mm[:, i]) for i in range(3)])


def _too_thin(tree: CentrelineTree, smallest_mm: float) -> set[int]:
    """Branches that, with all that is distal of them, stay below ``smallest_mm``; never the root."""
    gone: set[int] = set()
    for index in reversed(range(1, len(tree.branches))):
        branch = tree.branches[index]
        thin = 2.0 * float(np.max(branch.radius_mm[len(branch.radius_mm) // 4 :])) < smallest_mm
        if thin and all(daughter in gone for daughter in tree.children[index]):
            gone.add(index)
    return gone


def _inlet(root: CentrelineBranch, options: CutOptions, alone: bool) -> Cut:
    diameter = 2.0 * float(np.median(root.radius_mm))
    # A left main may be 3 mm long: the plane must stay clear of its bifurcation.
    room = root.length_mm * (0.3 if alone else 0.5)
    arc = min(max(options.ostium_mm, 0.5 * diameter), room)
    return cut_at(root, 0, arc, "inlet", f"{arc:.1f} mm behind the ostium")


def _end(tree: CentrelineTree, index: int, options: CutOptions, inlet: Cut | None) -> Cut | None:
    branch = tree.branches[index]
    arc, radius = branch.arc_mm, branch.radius_mm
    last = branch.length_mm
    # Over the last diameters, the end itself tapers to nothing: the calibre is that of the stretch before.
    tail = radius[arc >= last - 6.0 * radius.max()]
    diameter = 2.0 * float(np.percentile(tail, 60))
    wanted = last - min(options.end_mm, options.end_diameters * diameter)
    reason = f"{last - wanted:.1f} mm before the end"
    first = _clear_of_parent(tree, index) if inlet is None else inlet.arc_mm + diameter
    if 2.0 * np.interp(wanted, arc, radius) < options.smallest_diameter_mm:
        wide = np.flatnonzero((2.0 * radius >= options.smallest_diameter_mm) & (arc <= wanted))
        wanted = arc[wide[-1]] if len(wide) else first
        reason = f"diameter below {options.smallest_diameter_mm:g} mm from here on"
    daughters = tree.children[index]
    latest = last - (0.5 * diameter if not daughters else diameter)
    if first > latest:
        return None
    if wanted < first:
        wanted, reason = first, f"{last - first:.1f} mm before the end, as the branch is short"
    return cut_at(branch, index, min(wanted, latest), "outlet", reason)


def _stub(tree: CentrelineTree, index: int) -> Cut | None:
    branch = tree.branches[index]
    arc = _clear_of_parent(tree, index)
    if arc > branch.length_mm - float(np.median(branch.radius_mm)):
        return None
    return cut_at(branch, index, arc, "outlet", "behind its origin, as it is thinner than wanted")


def _clear_of_parent(tree: CentrelineTree, index: int) -> float:
    """Arc at which a plane across the branch is out of the parent's lumen and of its sisters': mm."""
    branch = tree.branches[index]
    if branch.parent < 0:
        return 0.0
    parent = tree.branches[branch.parent]
    others = [tree.branches[i] for i in tree.children[branch.parent] if i != index]
    if not _goes_straight_on(parent, branch):  # the lumen of a trunk that only goes on is its own
        others.append(parent)
    distance = np.full(len(branch.points_lps_mm), np.inf)
    for other in others:
        gap = np.linalg.norm(branch.points_lps_mm[:, None] - other.points_lps_mm[None], axis=2) - other.radius_mm[None]
        distance = np.minimum(distance, gap.min(axis=1))
    # A plane is clear when the whole cross-section is: one own radius outside of the others, and some wall to spare.
    clear = distance > 1.2 * branch.radius_mm
    stuck = np.flatnonzero(~clear)
    return float(branch.arc_mm[min(stuck[-1] + 1, len(clear) - 1)]) if len(stuck) else 0.0


def _goes_straight_on(parent: CentrelineBranch, branch: CentrelineBranch) -> bool:
    reach = float(parent.radius_mm[-1])
    before = parent.points_lps_mm[-1] - _at(parent, max(0.0, parent.length_mm - reach))
    after = _at(branch, min(branch.length_mm, reach)) - branch.points_lps_mm[0]
    return float(before @ after) > 0.9 * float(np.linalg.norm(before) * np.linalg.norm(after))


def _inlet_name(tree: CentrelineTree) -> str:
    name = safe_name(tree.branches[0].name)
    return f"inlet_{name}" if name else f"inlet_{tree.side}" if tree.side else "inlet"


def _named(tree: CentrelineTree, cuts: list[Cut]) -> tuple[Cut, ...]:
    """Outlets get their branch's name; a name that occurs twice is counted, a missing one is a number."""
    names = {cut.branch: safe_name(tree.branches[cut.branch].name) for cut in cuts if cut.kind == "outlet"}
    often = Counter(name for name in names.values() if name != UNKNOWN)
    seen: Counter[str] = Counter()
    named = []
    for cut in cuts:
        if cut.kind == "outlet":
            name = names[cut.branch]
            seen[name] += 1
            number = f"_{seen[name]}" if name == UNKNOWN or often[name] > 1 else ""
            cut = replace(cut, name=f"outlet_{name}{number}" if name else f"outlet{number}")
        named.append(cut)
    return tuple(named)
