"""The vessels of a truth mask by name, for telling where along the tree a result is good."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from ..errors import CoronarySegError
from ..volume import Volume
from .centreline import Centreline, centreline_of_branches


def named_centreline(truth: Volume) -> tuple[Centreline | None, tuple[str, ...]]:
    """The truth's vessels followed and named from its label map (1 left, 2 right, or 1 for both), and warnings.

    None, with the reason as a warning, where nothing can be followed.
    """
    from ..centreline import extract_centrelines
    from ..centreline.naming import name_trees

    lumen = truth.with_array(np.where(np.isin(truth.array, (1, 2)), truth.array, 0).astype(np.uint8))
    try:
        trees = name_trees(extract_centrelines(lumen))
    except CoronarySegError as error:
        return None, (f"The vessels of the truth could not be followed, so nothing is said by position: {error}",)
    branches = []
    for tree in trees.values():
        first = len(branches)
        branches += [
            SimpleNamespace(
                side=tree.side, name=branch.name, parent=branch.parent + first if branch.parent >= 0 else -1,
                points_lps_mm=branch.points_lps_mm, radius_mm=branch.radius_mm,
            )
            for branch in tree.branches
        ]
    return centreline_of_branches(branches), ()
