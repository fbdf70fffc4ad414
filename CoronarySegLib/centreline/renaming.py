"""A name given by hand, and what follows from it downstream."""

from __future__ import annotations

from dataclasses import replace

from ..errors import InputError
from .numbers import NUMBERED, NUMBERED_IF_SEVERAL, family_of, number_of
from .paths import main_stem
from .tree import UNKNOWN, CentrelineTree

KNOWN_NAMES = (
    "LM", "LAD", "D1", "D2", "D3", "S1", "S2", "S3", "RI", "LCx", "OM1", "OM2", "OM3", "RCA", "CB", "SN", "RV1", "RV2",
    "AM", "PDA", "PLB",
)
"""What a list of names to choose from offers."""
SPELLINGS = {
    "LMCA": "LM", "LMS": "LM", "CX": "LCx", "LCX": "LCx", "CIRC": "LCx", "RIM": "RI", "IM": "RI", "R-PDA": "PDA",
    "RPDA": "PDA", "L-PDA": "PDA", "LPDA": "PDA", "PL": "PLB", "R-PLB": "PLB", "L-PLB": "PLB", "PLV": "PLB",
    "DIAG": "D", "OB": "AM",
}
DAUGHTERS = {
    "LM": {"LAD", "LCx", "RI", "D", "S", "OM", "PDA", "PLB"}, "LAD": {"D", "S", "PDA"}, "LCx": {"OM", "PLB", "PDA"},
    "RCA": {"CB", "SN", "RV", "AM", "PDA", "PLB"}, "PLB": {"PDA", "PLB"},
}
"""Families that may leave a vessel; all others have side branches without a name of their own."""
ELSEWHERE = {("LAD", "LCx"): {"D": "OM"}, ("LCx", "LAD"): {"OM": "D"}}
"""What side branches are called when their trunk turns out to be the other one."""


def renamed(tree: CentrelineTree, index: int, name: str) -> CentrelineTree:
    """The tree with branch ``index`` called ``name`` by the user (confidence 1), and the names that follow from it.

    The vessel goes on under the new name as far as it went under the old one (a branch without a name: along its main
    stem, as far as that has none). Side branches that cannot leave a vessel of the new name get the name they have
    there (diagonals of what is an LCx are marginals) or none. Branches of a family are numbered in order: later ones
    move up behind the number given, and an earlier one that had the same or a higher number loses its name. "" takes
    the name away, and with it those of side branches. Usual other spellings (LCX, Cx, LMCA) are understood; any other
    text is a name, too.

    Raises InputError for a text that is no name, IndexError for a branch that is not there.
    """
    if not 0 <= index < len(tree.branches):
        raise IndexError(f"there is no branch {index} in a tree of {len(tree.branches)}")
    name = spelled(name)
    names = [branch.name for branch in tree.branches]
    sure = [branch.confidence for branch in tree.branches]
    old = names[index]
    vessel = _vessel(tree, index)
    if family_of(name) in NUMBERED and number_of(name) == 0:
        name = f"{name}{1 + _number_before(tree, vessel, name)}"
    for i in vessel:
        names[i], sure[i] = name, 1.0 if name else 0.0
    _follow(tree, vessel, names, sure, family_of(old), family_of(name))
    _make_room(tree, vessel, names, sure, name)
    return tree.with_branches(
        branch if (branch.name, branch.confidence) == (n, c) else replace(branch, name=n, confidence=c)
        for branch, n, c in zip(tree.branches, names, sure, strict=True)
    )


def spelled(name: str) -> str:
    """The name as it is written here. Raises InputError when the text cannot be one."""
    name = " ".join(name.split())
    if len(name) > 40 or not name.isprintable():
        raise InputError(f"{name[:40]!r} is no name for a branch. Use up to 40 letters, such as {KNOWN_NAMES[1]}.")
    head, digits = family_of(name), name[len(family_of(name)):]
    known = {family_of(known).upper(): family_of(known) for known in KNOWN_NAMES} | SPELLINGS
    return known.get(head.upper(), head) + digits if head else name


def _vessel(tree: CentrelineTree, index: int) -> list[int]:
    """``index`` and the branches after it that are the same vessel."""
    name = tree.branches[index].name
    if name == UNKNOWN:
        stem = []
        for i in main_stem(tree, index):
            if tree.branches[i].name != UNKNOWN:
                break
            stem.append(i)
        return stem
    vessel = [index]
    while True:
        same = [child for child in tree.children[vessel[-1]] if tree.branches[child].name == name]
        if not same:
            return vessel
        stem = main_stem(tree, vessel[-1])
        vessel.append(stem[1] if len(stem) > 1 and stem[1] in same else same[0])


def _follow(tree: CentrelineTree, vessel: list[int], names, sure, old: str, new: str) -> None:
    """Names of all that hangs on the renamed vessel."""
    if old == new:
        return
    change = ELSEWHERE.get((old, new), {})
    allowed = DAUGHTERS.get(new, set()) if new in DAUGHTERS or new in _families() else None
    if new == UNKNOWN:
        allowed = set()
    kept = set(vessel)
    for i in tree.subtree(vessel[0])[1:]:
        if i in kept or not names[i]:
            continue
        family = family_of(names[i])
        if family in change:
            names[i] = change[family] + names[i][len(family):]
            sure[i] = min(sure[i], 0.5)
        elif allowed is not None and family not in allowed:
            names[i], sure[i] = UNKNOWN, 0.0


def _make_room(tree: CentrelineTree, vessel: list[int], names, sure, name: str) -> None:
    """Keep the numbers of a family in the order in which its branches leave."""
    family, number = family_of(name), number_of(name)
    if family not in NUMBERED + NUMBERED_IF_SEVERAL or not number:
        return
    heads = [
        i for i, n in enumerate(names)
        if family_of(n) == family and (tree.branches[i].parent < 0 or names[tree.branches[i].parent] != n)
    ]
    for head in heads:
        if head in vessel or number_of(names[head]) < number:
            continue
        chain = [i for i in tree.subtree(head) if names[i] == names[head] and i not in vessel]
        if not _leaves_before(tree, vessel[0], head):
            for i in chain:
                names[i], sure[i] = UNKNOWN, 0.0
    later = [h for h in heads if h not in vessel and names[h] and _leaves_before(tree, vessel[0], h)]
    chains = [[i for i in tree.subtree(h) if names[i] == names[h] and i not in vessel] for h in later]
    order = sorted(range(len(later)), key=lambda k: number_of(names[later[k]]))
    for k in order:
        number = max(number + 1, number_of(names[later[k]]))
        for i in chains[k]:
            names[i] = f"{family}{number}"


def _number_before(tree: CentrelineTree, vessel: list[int], family: str) -> int:
    """The highest number of a family among branches that leave before the vessel."""
    return max((
        number_of(branch.name) for i, branch in enumerate(tree.branches)
        if family_of(branch.name) == family and i not in vessel and not _leaves_before(tree, vessel[0], i)
    ), default=0)


def _leaves_before(tree: CentrelineTree, first: int, second: int) -> bool:
    """Whether ``first`` leaves the way both share before ``second`` does."""
    way = set(tree.path_from_ostium(tree.branches[second].parent)) if tree.branches[second].parent >= 0 else set()
    parent = tree.branches[first].parent
    if parent in way and parent != tree.branches[second].parent:
        return True
    other = set(tree.path_from_ostium(parent)) if parent >= 0 else set()
    if tree.branches[second].parent in other:
        return tree.branches[second].parent == parent and first < second
    return first < second


def _families() -> set[str]:
    return {family_of(name) for name in KNOWN_NAMES}
