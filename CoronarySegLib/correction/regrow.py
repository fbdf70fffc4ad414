"""The lumen along a way: its calibre measured in the image where the image shows one, interpolated where not.

A voxel is lumen where the CT lies above the middle between the vessel's axis and its surroundings there (half maximum);
without a CT the probability is taken the same way. Sections of that field give the radius along the way, which keeps
within bounds of what is known at the ends; a tube of that radius, and the half-maximum voxels close to it, are the
lumen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..centreline.nodes import NodeTree
from ..centreline.sections import measured_sections
from ..centreline.smoothing import smoothed
from ..postprocessing.boxes import Box, points_of, sample
from ..volume import Volume
from .state import CaseState

STEP_MM = 0.4
REACH_MM = 4.0
"""Nothing further than this from the way is looked at."""
RING_MM = (2.2, 3.6)
"""Where the surroundings are looked at."""
AXIS_SIGMA_MM, RADIUS_SIGMA_MM = 2.5, 2.0
LEAST_DIFFERENCE_HU = 60.0
LEAST_RADIUS_MM, LARGEST_RADIUS_MM = 0.4, 2.5
LOOSE = 1.3
"""Voxels above half maximum belong to the lumen up to this many radii."""
COURSE_MM = 5.0
ROUNDS = 2


@dataclass(frozen=True)
class Regrown:
    """The lumen along a way: ``box`` with ``mask`` bool (z, y, x), the centred way (n, 3) LPS mm, its radius (n,), and
    the share of the way on which the image itself gave the radius."""

    box: Box
    mask: np.ndarray
    points_lps_mm: np.ndarray
    radius_mm: np.ndarray
    measured_share: float


def regrown(
    state: CaseState, way_lps_mm: np.ndarray, radius_at_start_mm: float | None, radius_at_end_mm: float | None
) -> Regrown:
    """The lumen along ``way_lps_mm`` (n, 3). The radii are those of the vessels at its two ends, None at an end where
    there is none: there the other one's is the upper bound."""
    nodes = _chain(way_lps_mm)
    expected = _expected(nodes, radius_at_start_mm, radius_at_end_mm)
    open_end = radius_at_start_mm is None or radius_at_end_mm is None
    box = state.box_round(nodes.points_lps_mm, REACH_MM)
    radius, share, field = expected, 0.0, None
    for _ in range(ROUNDS):
        field = _half_maximum(state, box, nodes)
        if field is None:
            break
        nodes, radius, share = _measured(nodes, field, expected, open_end)
        expected = _expected(nodes, radius_at_start_mm, radius_at_end_mm)
        radius = np.interp(np.linspace(0, 1, len(nodes)), np.linspace(0, 1, len(radius)), radius)
    mask = _tube(state, box, nodes, radius, field)
    return Regrown(box, mask, nodes.points_lps_mm, radius, share)


def _chain(points_lps_mm: np.ndarray) -> NodeTree:
    count = len(points_lps_mm)
    nodes = NodeTree(points_lps_mm, np.arange(-1, count - 1), np.ones(count)).resampled(STEP_MM)
    if len(nodes) < 4:
        return nodes
    weight = np.ones(len(nodes))
    weight[[0, -1]] = 100.0
    return smoothed(nodes, nodes.points_lps_mm, weight, COURSE_MM).resampled(STEP_MM)


def _expected(nodes: NodeTree, start_mm: float | None, end_mm: float | None) -> np.ndarray:
    """Radius (n,) that goes evenly from one end to the other; tapering by a third towards an end that is open."""
    first = start_mm if start_mm is not None else end_mm if end_mm is not None else 1.0
    last = end_mm if end_mm is not None else max(0.67 * first, LEAST_RADIUS_MM)
    share = np.linspace(0.0, 1.0, len(nodes))
    return np.clip(first + share * (last - first), LEAST_RADIUS_MM, LARGEST_RADIUS_MM)


def _half_maximum(state: CaseState, box: Box, nodes: NodeTree) -> Volume | None:
    """A field whose wall (0.5) lies half-way between the axis and the surroundings; None without an image."""
    geometry = state.local_geometry(box)
    if state.ct is not None:
        image = np.clip(state.ct.array[box].astype(np.float32), -150.0, 700.0)
        image = ndimage.gaussian_filter(image, 0.25 / state.spacing_zyx_mm)
        least = LEAST_DIFFERENCE_HU
    elif state.probability is not None:
        image, least = state.local_probability(box), 0.05
    else:
        return None
    volume = Volume(image, geometry)
    axis = _along(nodes, sample(volume, nodes.points_lps_mm), AXIS_SIGMA_MM, np.maximum)
    index = np.argwhere(np.ones(image.shape, bool))
    away, near = cKDTree(nodes.points_lps_mm).query(points_of(geometry, index), distance_upper_bound=REACH_MM)
    inside = np.isfinite(away)
    index, away, near = index[inside], away[inside], near[inside]
    labels = state.labels.array[box][tuple(index.T)]
    value = image[tuple(index.T)]
    ring = (away >= RING_MM[0]) & (away <= RING_MM[1]) & (labels == 0)
    around = _ring_level(near[ring], value[ring], len(nodes))
    around = _along(nodes, np.minimum(around, axis - least), AXIS_SIGMA_MM)
    level = 0.5 + 0.5 * (value - 0.5 * (axis + around)[near]) / np.maximum(0.5 * (axis - around)[near], 0.5 * least)
    level = np.clip(level, 0.0, 1.0)
    # Beyond the reach of a coronary nothing is its lumen, however bright.
    level *= np.clip((LARGEST_RADIUS_MM * LOOSE - away) / 0.5 + 0.5, 0.0, 1.0)
    field = np.zeros(image.shape, np.float32)
    field[tuple(index.T)] = level
    return Volume(field, geometry)


def _ring_level(near: np.ndarray, value: np.ndarray, count: int) -> np.ndarray:
    """Median of the values round each point (count,), filled where there are none."""
    order = np.argsort(near, kind="stable")
    near, value = near[order], value[order]
    starts = np.searchsorted(near, np.arange(count + 1))
    level = np.array([np.median(value[a:b]) if b > a else np.nan for a, b in pairwise(starts)])
    known = np.isfinite(level)
    if not known.any():
        return np.zeros(count)
    return np.interp(np.arange(count), np.flatnonzero(known), level[known])


def _along(nodes: NodeTree, values: np.ndarray, sigma_mm: float, at_least=None) -> np.ndarray:
    smooth = ndimage.gaussian_filter1d(np.asarray(values, float), sigma_mm / STEP_MM, mode="nearest")
    return smooth if at_least is None else at_least(smooth, ndimage.percentile_filter(values, 60, 7))


def _measured(
    nodes: NodeTree, field: Volume, expected: np.ndarray, open_end: bool
) -> tuple[NodeTree, np.ndarray, float]:
    sections = measured_sections(nodes.with_values(radius_mm=expected), field, 0.5)
    by_area = np.sqrt(sections.area_mm2 / np.pi)
    calibre = np.where(np.isfinite(by_area), by_area, sections.radius_mm)
    low, high = (0.3, 1.3) if open_end else (0.5, 1.5)
    good = np.isfinite(calibre) & (calibre > low * expected) & (calibre < high * expected + 0.2)
    radius = np.where(good, calibre, np.nan)
    share = float(good.mean())
    if good.any():
        at = np.flatnonzero(good)
        radius = np.interp(np.arange(len(nodes)), at, ndimage.median_filter(radius[at], 5, mode="nearest"))
        # Where the image is silent over a long way the ends are a better guess than the last value seen.
        silent = np.minimum(np.abs(np.arange(len(nodes))[:, None] - at[None]).min(axis=1) * STEP_MM / 4.0, 1.0)
        radius = (1.0 - silent) * radius + silent * expected
    else:
        radius = expected
    radius = np.clip(_along(nodes, radius, RADIUS_SIGMA_MM), LEAST_RADIUS_MM, LARGEST_RADIUS_MM)
    shift = np.linalg.norm(sections.centre_lps_mm - nodes.points_lps_mm, axis=1)
    trust = np.where(good & (shift < expected), sections.trust, 0.02)
    trust[0] = 50.0
    centred = smoothed(nodes, np.where((trust > 0.02)[:, None], sections.centre_lps_mm, nodes.points_lps_mm), trust,
                       4.0)
    return centred.resampled(STEP_MM), radius, share


def _tube(state: CaseState, box: Box, nodes: NodeTree, radius: np.ndarray, field: Volume | None) -> np.ndarray:
    """Voxels of the tube of that radius and, close to it, those above half maximum; in one piece along the way."""
    geometry, spacing = state.local_geometry(box), state.spacing_zyx_mm
    shape = state.labels.array[box].shape
    dense = nodes.resampled(0.25 * float(spacing.min()))
    reach = np.interp(np.linspace(0, 1, len(dense)), np.linspace(0, 1, len(nodes)), radius)
    index = np.argwhere(np.ones(shape, bool))
    away, near = cKDTree(dense.points_lps_mm).query(
        points_of(geometry, index), distance_upper_bound=LOOSE * float(reach.max()) + float(spacing.max())
    )
    inside = np.isfinite(away)
    index, away, reach = index[inside], away[inside], reach[near[inside]]
    if field is None:
        chosen = away <= reach
    else:
        bright = field.array[tuple(index.T)] >= 0.5
        chosen = (away <= 0.8 * reach) | (bright & (away <= LOOSE * reach))
    mask = np.zeros(shape, bool)
    mask[tuple(index[chosen].T)] = True
    line = np.rint(geometry.index_of(dense.points_lps_mm)).astype(int)[:, ::-1]
    line = line[((line >= 0) & (line < shape)).all(axis=1)]
    mask[tuple(line.T)] = True
    parts, _ = ndimage.label(mask, np.ones((3, 3, 3)))
    return np.isin(parts, np.unique(parts[tuple(line.T)]))
