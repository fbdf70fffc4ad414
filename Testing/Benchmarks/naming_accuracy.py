"""How often branches of phantoms get their name: share of length right, without a name and wrong, by name.

    python Testing/Benchmarks/naming_accuracy.py --first 300 --count 20 --turn 30

Names are compared by family (D1 and D2 are both diagonals). Beyond the posterior descending artery the phantom goes on
calling the trunk RCA where the library, as SCCT, calls it PLB; that counts as right. One anatomy costs a few seconds.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from CoronarySegLib.centreline import CentrelineTree
from CoronarySegLib.centreline.naming import name_trees
from CoronarySegLib.centreline.numbers import family_of
from CoronarySegLib.centreline.of_phantom import centrelines_of
from CoronarySegLib.phantom.anatomy import make_anatomy


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--first", type=int, default=300, help="first seed")
    options.add_argument("--count", type=int, default=20)
    options.add_argument("--turn", type=float, default=0.0, help="turn the patient by so many degrees")
    options.add_argument("--dominance", choices=("right", "left", "co-dominant"), help="drawn from the seed by default")
    given = options.parse_args()
    lengths: dict[str, Counter] = defaultdict(Counter)
    dominances: Counter = Counter()
    for seed in range(given.first, given.first + given.count):
        truth = centrelines_of(make_anatomy(seed, dominance=given.dominance).tree)
        named = name_trees(_unnamed(truth, given.turn, np.random.default_rng(seed)))
        dominances[(truth["left"].dominance, next(iter(named.values())).dominance or "not stated")] += 1
        for side, tree in truth.items():
            _count(tree, named.get(side, tree), lengths)
    print(f"{'name':6}{'mm':>8}{'right %':>9}{'none %':>8}{'wrong %':>9}   called instead")
    for name, found in sorted(lengths.items()):
        whole, right = sum(found.values()), found["right"]
        others = ", ".join(f"{k} {100 * v / whole:.0f}" for k, v in found.most_common() if k not in ("right", ""))
        wrong = sum(length for said, length in found.items() if said not in ("right", ""))
        print(f"{name:6}{whole:8.0f}{100 * right / whole:9.0f}{100 * found[''] / whole:8.0f}{100 * wrong / whole:9.0f}"
              f"   {others}")
    for (is_so, said), number in sorted(dominances.items()):
        print(f"{number} hearts that are {is_so} dominant: {said}")


def _unnamed(trees: dict[str, CentrelineTree], degrees: float, rng: np.random.Generator) -> dict[str, CentrelineTree]:
    axis = rng.normal(size=3)
    turn = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis)).as_matrix()
    return {
        f"tree_{number}": CentrelineTree("", tuple(
            replace(b, name="", confidence=0.0, points_lps_mm=b.points_lps_mm @ turn.T) for b in tree.branches
        ))
        for number, tree in enumerate(trees.values(), start=1)
    }


def _count(truth: CentrelineTree, named: CentrelineTree, lengths: dict[str, Counter]) -> None:
    for index, (is_so, said) in enumerate(zip(truth.branches, named.branches, strict=True)):
        name, other = family_of(is_so.name), family_of(said.name)
        if not name:
            continue
        beyond = name == "RCA" and other == "PLB" and _past_descending(truth, index)
        lengths[name]["right" if other == name or beyond else other] += is_so.length_mm


def _past_descending(tree: CentrelineTree, index: int) -> bool:
    before = set(tree.path_from_ostium(index)[:-1])
    return any(branch.name == "PDA" and branch.parent in before for branch in tree.branches)


if __name__ == "__main__":
    main()
