"""A mask that does not tell left from right: which voxels belong to which system."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..postprocessing.boxes import points_of, spacing_zyx
from ..postprocessing.components import component_sizes
from ..postprocessing.sides import LEFT, name_sides
from ..volume import Volume
from .fused import split_fused
from .options import CentrelineOptions
from .tracing import find_root
from .voxel_graph import VoxelGraph, voxel_graph

SYSTEM_SHARE = 0.1
"""A second part of at least this share of the first is a system of its own, unless it carries on the first."""


def by_component(
    mask: np.ndarray, field: Volume, options: CentrelineOptions, warnings: tuple[str, ...]
) -> Iterator[tuple[str, np.ndarray, tuple[str, ...]]]:
    """Side, mask (z, y, x) and warnings of the one or two systems in ``mask``; fragments go with the nearer one."""
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes = component_sizes(labels, count)
    order = np.argsort(-sizes, kind="stable")[:count]
    two = [int(k) for k in order[:2] if sizes[k] >= SYSTEM_SHARE * sizes[order[0]]]
    if len(two) == 2 and _one_carries_on_the_other(labels, two, field, options):
        two = two[:1]
    tree = np.zeros(mask.shape, np.uint8)
    for number, k in enumerate(two, start=1):
        tree[labels == k] = number
    fused = split_fused(mask, field, options) if len(two) == 1 else None
    if fused is not None:
        tree, text = fused
        warnings = (*warnings, text)
    _give_fragments(tree, labels, spacing_zyx(field.geometry))
    sided = name_sides(tree, field.array, options.threshold, field.geometry, None)
    for value in np.unique(sided.side[sided.side > 0]):
        yield ("left" if value == LEFT else "right"), sided.side == value, (*warnings, *sided.warnings)


def _one_carries_on_the_other(
    labels: np.ndarray, two: list[int], field: Volume, options: CentrelineOptions
) -> bool:
    """Whether two parts are one vessel with a gap: the thick end of one lies at the other. The ostia of two systems are
    farther apart, though their distal branches may come close."""
    points = [points_of(field.geometry, np.argwhere(labels == k)) for k in two]
    distance, nearest = cKDTree(points[0]).query(points[1], distance_upper_bound=options.gap_mm)
    closest = int(np.argmin(distance))
    if not np.isfinite(distance[closest]):
        return False
    gaps = points[0][nearest[closest]], points[1][closest]
    return any(
        _begins_at(voxel_graph(labels == k, field), gap, options) for k, gap in zip(two, gaps, strict=True)
    )


def _begins_at(graph: VoxelGraph, place: np.ndarray, options: CentrelineOptions) -> bool:
    root = find_root(graph, options)
    return bool(np.linalg.norm(graph.points_lps_mm[root] - place) <= options.gap_mm + 2.0 * graph.depth_mm.max())


def _give_fragments(tree: np.ndarray, labels: np.ndarray, spacing_mm: np.ndarray) -> None:
    """Each part of ``labels`` that is in no tree yet goes as a whole with the tree that lies nearest."""
    rest = np.argwhere((labels > 0) & (tree == 0))
    if not len(rest):
        return
    index = np.argwhere(tree > 0)
    distance, nearest = cKDTree(index * spacing_mm).query(rest * spacing_mm)
    number, part = tree[tuple(index[nearest].T)], labels[tuple(rest.T)]
    order = np.argsort(-distance, kind="stable")
    # Of equal keys the last assignment stays: the nearest voxel of each part decides.
    closest = np.zeros(int(labels.max()) + 1, np.uint8)
    closest[part[order]] = number[order]
    tree[tuple(rest.T)] = closest[part]
