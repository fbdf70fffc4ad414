"""Pieces apart get a centreline of their own, so that a review sees the errors on them, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..centreline import extract_centrelines
from ..errors import CoronarySegError
from ..postprocessing.boxes import bounding_box, cropped
from .ground import PIECE, Ground

LEAST_MM3 = 30.0
"""Smaller pieces are looked at as a whole."""
PAD = 3


def with_pieces_followed(ground: Ground) -> Ground:
    """The ground with a tree for every larger piece that no centreline runs through. They are not named, and their
    keys say what they are."""
    labels, count = ground.pieces
    if count < 2 or not ground.case.trees:
        return ground
    index = ground.depths[0]
    followed = set(np.unique(labels[tuple(index[ground.followed].T)]).tolist())
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * ground.case.labels.geometry.voxel_mm3
    trees = dict(ground.case.trees)
    for piece in range(1, count + 1):
        if piece in followed or sizes[piece] < LEAST_MM3:
            continue
        mask = labels == piece
        alone = cropped(ground.case.labels.with_array(mask.astype(np.uint8)), bounding_box(mask, PAD))
        try:
            (tree,) = extract_centrelines(alone, values={"left": 1}).values()
        except CoronarySegError:  # no vessel has such a shape; that it lies apart is said anyway
            continue
        trees[f"{PIECE} {piece}"] = replace(tree, side="")
    return Ground(replace(ground.case, trees=trees))
