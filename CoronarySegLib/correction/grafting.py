"""Surgery on centreline trees: branches taken off, put on, cut. Trees stay rooted, and a branch ends at a junction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..centreline.tree import UNKNOWN, CentrelineBranch, CentrelineTree

AT_END_MM = 1.5
"""What is put on a free end, or so much before it, carries the vessel on."""


def without_subtree(tree: CentrelineTree, index: int) -> CentrelineTree:
    """The tree without branch ``index`` and all that is distal of it; the vessel it left goes on in one piece."""
    gone = set(tree.subtree(index))
    return _joined(_renumbered(tree, [i for i in range(len(tree.branches)) if i not in gone]))


def beginning_at(tree: CentrelineTree, index: int, point: int) -> CentrelineTree:
    """The part of the tree distal of ``point`` of branch ``index``, which becomes its root."""
    kept = tree.subtree(index)
    point = min(point, len(tree.branches[index].points_lps_mm) - 2)
    first = part_of(tree.branches[index], point, None)
    branches = [replace(first, parent=-1)]
    number = {index: 0}
    for old in kept[1:]:
        number[old] = len(branches)
        branches.append(replace(tree.branches[old], parent=number[tree.branches[old].parent]))
    return tree.with_branches(branches)


def ending_at(tree: CentrelineTree, index: int, point: int) -> CentrelineTree:
    """The tree without what is distal of ``point`` of branch ``index``."""
    gone = set(tree.subtree(index)[1:])
    branches = list(tree.branches)
    branches[index] = part_of(branches[index], 0, max(point, 1) + 1)
    return _joined(_renumbered(tree.with_branches(branches), [i for i in range(len(branches)) if i not in gone]))


def grafted(tree: CentrelineTree, index: int, point: int, graft: tuple[CentrelineBranch, ...]) -> CentrelineTree:
    """The tree with the branches of ``graft`` put on at ``point`` of branch ``index``.

    ``graft[0]`` begins at that point; the parents of the others count within ``graft``. On the last stretch of a free
    end the vessel goes on, under its name.
    """
    host = tree.branches[index]
    at_end = not tree.children[index] and host.length_mm - host.arc_mm[point] <= AT_END_MM
    if at_end and point > 0:
        tree = ending_at(tree, index, point)
    elif 0 < point < len(host.points_lps_mm) - 1:
        tree = _split(tree, index, point)
    above = host.parent if point == 0 and host.parent >= 0 else index
    count = len(tree.branches)
    added = [replace(branch, parent=above if n == 0 else branch.parent + count) for n, branch in enumerate(graft)]
    return _joined(tree.with_branches([*tree.branches, *added]))


def part_of(branch: CentrelineBranch, start: int | None, stop: int | None) -> CentrelineBranch:
    """A stretch of a branch by its points."""
    stretch = slice(start, stop)
    return replace(
        branch, points_lps_mm=branch.points_lps_mm[stretch], radius_mm=branch.radius_mm[stretch],
        area_mm2=branch.area_mm2[stretch],
    )


def _split(tree: CentrelineTree, index: int, point: int) -> CentrelineTree:
    """Branch ``index`` as two, the second right after the first."""
    branch = tree.branches[index]
    moved = [*tree.branches[:index], part_of(branch, 0, point + 1), replace(part_of(branch, point, None), parent=index)]
    for old in tree.branches[index + 1:]:
        moved.append(replace(old, parent=old.parent + (old.parent >= index)))
    return tree.with_branches(moved)


def _renumbered(tree: CentrelineTree, kept: list[int]) -> CentrelineTree:
    number = {-1: -1} | {old: new for new, old in enumerate(kept)}
    return tree.with_branches(replace(tree.branches[i], parent=number[tree.branches[i].parent]) for i in kept)


def _joined(tree: CentrelineTree) -> CentrelineTree:
    """The tree in which a branch with a single daughter of its name, or of none, is one with it."""
    for index, daughters in enumerate(tree.children):
        if len(daughters) != 1:
            continue
        upper, lower = tree.branches[index], tree.branches[daughters[0]]
        if lower.name not in (upper.name, UNKNOWN):
            continue
        both = replace(
            upper, points_lps_mm=np.concatenate([upper.points_lps_mm, lower.points_lps_mm[1:]]),
            radius_mm=np.concatenate([upper.radius_mm, lower.radius_mm[1:]]),
            area_mm2=np.concatenate([upper.area_mm2, lower.area_mm2[1:]]),
            warnings=tuple(dict.fromkeys((*upper.warnings, *lower.warnings))),
        )
        kept = [i for i in range(len(tree.branches)) if i != daughters[0]]
        branches = list(tree.branches)
        branches[index] = both
        for i, branch in enumerate(branches):
            if branch.parent == daughters[0]:
                branches[i] = replace(branch, parent=index)
        number = {-1: -1} | {old: new for new, old in enumerate(kept)}
        moved = tuple(replace(branches[i], parent=number[branches[i].parent]) for i in kept)
        return _joined(replace(tree, branches=moved))
    return tree
