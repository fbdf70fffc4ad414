"""Branches that carry less contrast than arteries as wide as they: cardiac veins that hang on a tree.

In an arterial phase a vein is dimmer than the arteries beside it, often by a third, and still the network may call it
lumen, since it has the shape and lies in the groove of one. Two weak signs together decide: along some millimetres the
vessel is dimmer than this volume's own arteries of that width usually are, and the network half sees a vein in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ..volume import Geometry
from .boxes import ridge, spacing_zyx
from .gather import Priors
from .usual_contrast import DEPTH_REACH_MM, UsualContrast, contrast_at

ALONG_MM = 5.0
"""To either side: single places lose their contrast to noise, plaque and motion."""
NO_WIDER = 1.6
"""A place is judged by neighbours up to so many times as deep, so that a twig is not judged by its mother."""
SURE_ARTERY = {"vein": 0.2, "lumen": 0.85, "prior": 0.5}
LEAST_SURE = 60
"""Places on sure arteries: fewer do not tell what is usual."""
LEAST_SPREAD = 0.03
STRONG, WEAK = (2.0, 0.3), (1.0, 0.25)
"""Spreads below the usual, and vein probability; a weak place goes where it hangs together with strong ones."""
OWN_VEIN = 0.1
"""A place in which the network sees no vein at all stays, whatever lies beside it: an artery that touches a vein."""
LINK_MM = 2.0
LEAST_STRONG, STRONG_SHARE = 8, 0.3
"""Places (half a millimetre each) and their share in a stretch: fewer are a stain, no vessel."""
THICK_MM, CLEAR_VEIN = 0.62, 0.8
"""On the mean of a stretch: the middle of a thinner vessel has no HU of its own, so there the network must be sure. On
thirteen phantoms kept for such choices 12 of the 14 dim, half veined stretches that held artery alone were thinner."""


@dataclass(frozen=True)
class _Places:
    """Places on the vessels' axes: array index (n, 3), position in mm (n, 3) and distance to the wall in mm (n,)."""

    index_zyx: np.ndarray
    position_mm: np.ndarray
    depth_mm: np.ndarray

    def values(self, array: np.ndarray) -> np.ndarray:
        return array[tuple(self.index_zyx.T)]


def dim_branches(
    mask: np.ndarray, lumen: np.ndarray, vein: np.ndarray, ct_hu: np.ndarray, geometry: Geometry, priors: Priors | None,
) -> np.ndarray:
    """The part of ``mask`` (bool, z, y, x) that is vein by its contrast and by ``vein``, a probability.

    All arrays share the grid ``geometry``. Empty where too little of the mask is surely artery to say what is usual.
    """
    gone = np.zeros(mask.shape, bool)
    if not mask.any():
        return gone
    spacing = spacing_zyx(geometry)
    index, depth = ridge(mask, spacing)
    places = _Places(index, index * spacing, depth)
    mean_of = _averages(places)
    own_vein = places.values(vein)
    veined, believed = mean_of(own_vein), mean_of(places.values(lumen))
    seen = np.ones(len(index)) if priors is None else mean_of(np.maximum(*priors.at(geometry, index)))
    sure = (veined < SURE_ARTERY["vein"]) & (believed > SURE_ARTERY["lumen"]) & (seen > SURE_ARTERY["prior"])
    if np.count_nonzero(sure) < LEAST_SURE:
        return gone
    lack = _lack(places, ct_hu, sure, mean_of)
    strong, weak = ((lack > least_lack) & (veined > least_vein) for least_lack, least_vein in (STRONG, WEAK))
    cut = _stretches(places, strong, strong | weak, veined) & (own_vein > OWN_VEIN)
    if cut.any():
        voxels = np.argwhere(mask)
        nearest = cKDTree(places.position_mm).query(voxels * spacing)[1]
        gone[tuple(voxels[cut[nearest]].T)] = True
    return gone


def _averages(places: _Places):
    """A function that averages values (n,) over the places ``ALONG_MM`` around that are not much deeper."""
    pairs = cKDTree(places.position_mm).query_pairs(ALONG_MM, output_type="ndarray")
    here, there = np.concatenate([pairs, pairs[:, ::-1], np.arange(len(places.depth_mm))[:, None].repeat(2, 1)]).T
    depth = places.depth_mm
    near = depth[there] < NO_WIDER * depth[here] + DEPTH_REACH_MM
    here, there = here[near], there[near]
    # Thin places see little of their own HU.
    weight = np.clip(depth[there] / np.maximum(depth[here], 0.5), 0.2, 1.0)
    total = np.bincount(here, weight, len(depth))
    return lambda values: np.bincount(here, weight * values[there], len(depth)) / total


def _lack(places: _Places, ct_hu: np.ndarray, sure: np.ndarray, mean_of) -> np.ndarray:
    """How far below the usual contrast of its width each place is, in the spread of sure arteries (n,)."""
    contrast = contrast_at(ct_hu, places.index_zyx)
    usual = UsualContrast.of(places.depth_mm[sure], contrast[sure])
    if usual is None:
        return np.zeros(len(contrast))
    ratio = mean_of(usual.shares(places.depth_mm, contrast))
    low, middle = np.quantile(ratio[sure], (0.16, 0.5))
    return (middle - ratio) / max(middle - low, LEAST_SPREAD)


def _stretches(places: _Places, strong: np.ndarray, either: np.ndarray, veined: np.ndarray) -> np.ndarray:
    """Places of those connected stretches that hold enough strong ones and are wide enough to be judged (bool, n)."""
    chosen = np.flatnonzero(either)
    cut = np.zeros(len(strong), bool)
    if not strong.any():
        return cut
    links = cKDTree(places.position_mm[chosen]).query_pairs(LINK_MM, output_type="ndarray")
    graph = coo_array((np.ones(len(links)), tuple(links.T)), shape=(len(chosen),) * 2)
    count, stretch = connected_components(graph, directed=False)
    size = np.bincount(stretch, minlength=count)
    strongly, depth_mm, vein = (
        np.bincount(stretch, values[chosen], count) for values in (strong, places.depth_mm, veined)
    )
    vessel = (strongly >= LEAST_STRONG) & (strongly >= STRONG_SHARE * size)
    cut[chosen] = (vessel & ((depth_mm > THICK_MM * size) | (vein > CLEAR_VEIN * size)))[stretch]
    return cut
