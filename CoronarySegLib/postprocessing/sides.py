"""Left or right: by the coarse priors where the network gave them, by anatomy where it did not.

Anatomy, checked on 25 real pairs of trees: the centre of the left tree lies 30 mm and more further to the patient's
left than that of the right tree, and its proximal end also lies further left; both hold in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..volume import Geometry
from .boxes import bounding_box, box_of_points, corner, mask_of_points, points_of, ridge, spacing_zyx
from .components import component_sizes, label_components
from .gather import Priors

LEFT, RIGHT = 1, 2
MIXED_SHARE = 0.1
"""A tree that gives more than this share of its prior mass to the other side holds both trees and is split."""
TOUCHING_MM = 15.0
"""A part changes to the other tree, where that is a piece of its own, over no longer gap than this."""
MARKER_PRIOR = 0.4
MARKER_MM3 = 20.0
ISLAND_MM3 = 100.0
FUSED_THRESHOLDS = (0.6, 0.7, 0.8, 0.9)
FUSED_SHARE = 0.15
FUSED_APART_MM = 25.0


@dataclass(frozen=True)
class Sided:
    """``side`` (z, y, x) uint8: 1 left, 2 right, 0 elsewhere; ``split`` when one piece held both trees."""

    side: np.ndarray
    split: bool
    warnings: tuple[str, ...] = ()


def name_sides(
    tree: np.ndarray, field: np.ndarray, threshold: float, geometry: Geometry, priors: Priors | None
) -> Sided:
    """Left and right for a ``tree`` array of roots 1 and 2 (uint8, z, y, x); ``field`` is the lumen probability."""
    if priors is not None:
        sided = _by_priors(tree, field, geometry, priors)
        if sided is not None:
            return sided
    if tree.max() >= 2:
        return _by_anatomy(tree, geometry)
    parts = _split_fused(tree > 0, field, threshold, geometry)
    if parts is None:
        return _single(tree, geometry)
    sided = _by_anatomy(parts, geometry)
    return Sided(sided.side, True, (*sided.warnings, "Left and right tree touched each other and were separated."))


def _by_priors(tree, field, geometry, priors) -> Sided | None:
    side = np.zeros_like(tree)
    roots = {root: np.argwhere(tree == root) for root in range(1, int(tree.max()) + 1)}
    seen = {root: priors.at(geometry, index) for root, index in roots.items()}
    masses = {root: np.array([left.sum(), right.sum()], float) for root, (left, right) in seen.items()}
    masses = {root: mass for root, mass in masses.items() if mass.sum() >= 0.02 * len(roots[root])}
    if not masses:
        return None
    split = False
    for root, own in _own_sides(masses).items():
        index = roots[root]
        side[tuple(index.T)] = own
        if not _is_mixed(masses[root]):
            continue
        parts = _split_by_markers(index, *seen[root], field, geometry)
        if parts is None:
            continue
        others = [points_of(geometry, index) for other, index in roots.items() if other != root]
        parts = _far_ones_stay(parts, own, index, others, field.shape, geometry)
        side[tuple(index.T)] = parts
        split |= bool((parts != own).any())
    _undecided_follow(tree, side)
    warnings = ("Left and right tree touched each other and were separated.",) if split else ()
    return Sided(side, split, warnings)


def _is_mixed(mass: np.ndarray) -> bool:
    return bool(mass.min() > MIXED_SHARE * mass.sum())


def _own_sides(masses: dict[int, np.ndarray]) -> dict[int, int]:
    """The side that most of each root's prior names; of two that want the same one the more mixed takes the other."""
    own = {root: LEFT if mass[0] >= mass[1] else RIGHT for root, mass in masses.items()}
    if len(own) == 2 and len(set(own.values())) == 1:
        torn = max(masses, key=lambda root: masses[root].min() / masses[root].sum())
        if _is_mixed(masses[torn]):
            own[torn] = LEFT + RIGHT - own[torn]
    return own


def _far_ones_stay(parts, own, index, others, shape, geometry) -> np.ndarray:
    """What a prior gives to the other tree goes there only where that tree is near; ``parts`` (n,) of ``index``.

    Touching trees touch. Where the other tree is a piece of its own and ends far away, the prior has misread the side
    of a vessel, as it does in hearts that lie unusually.
    """
    if not others:
        return parts
    box = box_of_points(index, 1, shape)
    local = tuple((index - corner(box)).T)
    labels, count = label_components(mask_of_points(index[parts != own], box))
    piece = labels[local]
    distance, _ = cKDTree(np.concatenate(others)).query(points_of(geometry, index))
    parts = parts.copy()
    for number in range(1, count + 1):
        inside = piece == number
        if distance[inside].min() > TOUCHING_MM:
            parts[inside] = own
    return parts


def _undecided_follow(tree: np.ndarray, side: np.ndarray) -> None:
    """A root without any prior takes the side the other root left free."""
    open_voxels = (tree > 0) & (side == 0)
    if open_voxels.any():
        side[open_voxels] = RIGHT if (side == LEFT).any() else LEFT


def _split_by_markers(index, left, right, field, geometry) -> np.ndarray | None:
    """Flood a piece from where each prior is certain; the floods meet where the probability is lowest.

    Returns (n,) uint8 for ``index``, or None when one of the sides has no solid marker (a stray of the prior).
    """
    box = box_of_points(index, 1, field.shape)
    local, mask = tuple((index - corner(box)).T), mask_of_points(index, box)
    markers = np.zeros(mask.shape, np.int32)
    for label, own, other in ((LEFT, left, right), (RIGHT, right, left)):
        sure = np.zeros(mask.shape, bool)
        sure[local] = (own >= MARKER_PRIOR) & (own > 2.0 * other)
        labels, count = label_components(sure)
        sizes = component_sizes(labels, count) * geometry.voxel_mm3
        solid = np.isin(labels, np.flatnonzero(sizes >= MARKER_MM3))
        if not solid.any():
            return None
        markers[solid] = label
    parts = _flood(mask, markers, field[box])
    return _without_islands(parts, geometry.voxel_mm3)[local].astype(np.uint8)


def _flood(mask, markers, field) -> np.ndarray:
    from skimage.segmentation import watershed

    # In steps of 0.1: on a plateau the flood advances by distance, not along the noise of the probability.
    level = np.round((1.0 - field) * 10.0).astype(np.int16)
    return watershed(level, markers, mask=mask).astype(np.uint8)


def _without_islands(parts: np.ndarray, voxel_mm3: float) -> np.ndarray:
    """Small pieces of one side enclosed by the other change side."""
    parts = parts.copy()
    for label in (LEFT, RIGHT):
        labels, count = label_components(parts == label)
        if count < 2:
            continue
        sizes = component_sizes(labels, count)
        small = np.flatnonzero(sizes * voxel_mm3 < ISLAND_MM3)
        island = np.isin(labels, small[(small > 0) & (small != int(np.argmax(sizes)))])
        touches = ndimage.binary_dilation(parts == LEFT + RIGHT - label) & island
        parts[np.isin(labels, np.unique(labels[touches]))] = LEFT + RIGHT - label
    return parts


def _by_anatomy(tree: np.ndarray, geometry: Geometry) -> Sided:
    (centre_1, end_1), (centre_2, end_2) = (_landmarks(tree == root, geometry) for root in (1, 2))
    by_centre, by_end = centre_1[0] - centre_2[0], end_1[0] - end_2[0]
    first_is_left = by_centre + by_end > 0
    side = np.where(tree > 0, np.where((tree == 1) == first_is_left, LEFT, RIGHT), 0).astype(np.uint8)
    doubtful = np.sign(by_centre) != np.sign(by_end) or abs(by_centre) < 10.0
    text = "Left and right tree were told apart by position only and the position is unusual: check which is which."
    return Sided(side, False, (text,) if doubtful else ())


def _single(tree: np.ndarray, geometry: Geometry) -> Sided:
    """One tree alone: the left tree runs from its ostium to the left and forward, the right one backward."""
    centre, end = _landmarks(tree > 0, geometry)
    to_left, to_back = centre[0] - end[0], centre[1] - end[1]
    label = LEFT if to_left - to_back > 3.0 else RIGHT
    name = "left" if label == LEFT else "right"
    text = f"Which tree this is was guessed from its course ({name}): check it."
    return Sided((tree > 0).astype(np.uint8) * np.uint8(label), False, (text,))


def _landmarks(mask: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Centre and proximal end (the highest of the thick parts) of a tree, LPS mm."""
    box = bounding_box(mask)
    start = corner(box)
    index, depth = ridge(mask[box], spacing_zyx(geometry))
    thick = index[depth >= 0.6 * np.percentile(depth, 98)]
    points = points_of(geometry, thick + start)
    top = points[points[:, 2] >= np.percentile(points[:, 2], 90)]
    return points_of(geometry, np.argwhere(mask[box]) + start).mean(0), top.mean(0)


def _split_fused(mask, field, threshold, geometry) -> np.ndarray | None:
    """Both trees in one piece and no prior: cut a weak bridge if what it joins lies as far apart as two trees do."""
    box = bounding_box(mask, 1)
    inside, local = mask[box], np.where(mask[box], field[box], 0)
    for level in (t for t in FUSED_THRESHOLDS if t > threshold + 0.05):
        labels, count = label_components(local >= level)
        sizes = component_sizes(labels, count)
        if count < 2:
            continue
        two = np.argsort(-sizes, kind="stable")[:2]
        if sizes[two[1]] < FUSED_SHARE * inside.sum():
            continue
        markers = np.zeros(labels.shape, np.int32)
        markers[labels == two[0]], markers[labels == two[1]] = 1, 2
        parts = _flood(inside, markers, local)
        start = corner(box)
        centres = [points_of(geometry, np.argwhere(parts == p) + start).mean(0) for p in (1, 2)]
        if abs(centres[0][0] - centres[1][0]) >= FUSED_APART_MM:
            result = np.zeros(mask.shape, np.uint8)
            result[box] = parts
            # Pieces kept apart from the fused one are reached by no flood: they go with the nearer part.
            return _nearest_fill(result, mask)
    return None


def _nearest_fill(parts: np.ndarray, mask: np.ndarray) -> np.ndarray:
    missing = mask & (parts == 0)
    if missing.any():
        index = np.argwhere(parts)
        _, nearest = cKDTree(index).query(np.argwhere(missing))
        parts[missing] = parts[tuple(index[nearest].T)]
    return parts
