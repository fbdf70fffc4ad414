"""Cross-sections of the lumen: its wall as seen from the centreline, and what follows from it.

From each point rays go out in the plane normal to the curve until the field falls below the threshold. The wall is
then a function of angle and arc length; smoothing that function is what makes a radius better than a voxel, because it
averages the stair-steps of the wall and not the vessel's calibre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..postprocessing.boxes import sample
from ..volume import Volume
from .nodes import NodeTree
from .smoothing import along_chains

RAYS = 32
RAY_STEP = 0.25
"""Of the shortest voxel side: the wall between two samples is found by linear interpolation."""
OPEN = 1.6
"""A ray this many times longer than the section's short ones left the vessel through a branch or a touching vessel."""
SHORT_PERCENTILE = 40.0
SMOOTH_DEGREES = 10.0
STAIRCASE = 0.16
STAIRCASE_CORNERS = 0.3
"""Height of the waves of a voxel staircase in voxels, below four waves a turn and from four on: a section of few
voxels is a square, and few vessels are."""
SMOOTH_MM = 0.4
SEVERAL = 1.2
"""Near another branch, a section this many times the circle of the inscribed sphere holds more than one vessel."""
OPEN_SHARE = 0.15


@dataclass(frozen=True)
class Sections:
    """One section per node. ``radius_mm`` (n,) of the largest sphere inside; ``area_mm2`` (n,), NaN where the section
    is not of one vessel; ``centre_lps_mm`` (n, 3) of the section; ``trust`` (n,) 0..1 in that centre;
    ``calibre_mm`` (n,) unsmoothed, 0 where the point lies outside of the lumen."""

    radius_mm: np.ndarray
    area_mm2: np.ndarray
    centre_lps_mm: np.ndarray
    trust: np.ndarray
    calibre_mm: np.ndarray


def measured_sections(nodes: NodeTree, field: Volume, threshold: float) -> Sections:
    """Cross-sections of the lumen ``field >= threshold`` at every node of an evenly sampled tree."""
    first, second = _frames(nodes)
    angle = np.arange(RAYS) * 2.0 * np.pi / RAYS
    way = np.cos(angle)[None, :, None] * first[:, None, :] + np.sin(angle)[None, :, None] * second[:, None, :]
    ray = _ray_lengths(nodes, way, field, threshold)
    short = np.percentile(ray, SHORT_PERCENTILE, axis=1)
    lost = short <= 0.0
    # Linear interpolation blurs the wall with a triangle of one voxel: of a cylinder it takes away the variance.
    blur = np.square(field.geometry.spacing_xyz_mm).mean() / 6.0
    ray = np.sqrt(np.square(ray) + blur)
    cap = OPEN * np.sqrt(np.square(short) + blur)
    is_open = ray > cap[:, None]
    ray[lost] = np.nan
    # Twice the smoothed minus the smoothed again keeps parabolas: one Gaussian alone would fill up a stenosis.
    once = along_chains(nodes, np.minimum(ray, cap[:, None]), SMOOTH_MM)
    wall = np.maximum(2.0 * once - along_chains(nodes, once, SMOOTH_MM), 0.0)
    rounded = _without_staircase(wall, float(np.mean(field.geometry.spacing_xyz_mm)))
    offset = (2.0 / 3.0) * (rounded[:, :, None] ** 3 * way).sum(axis=1) / np.square(rounded).sum(axis=1)[:, None]
    radius = _inscribed(nodes, rounded, way, first, second)
    area = 0.5 * (2.0 * np.pi / RAYS) * np.square(wall).sum(axis=1)
    open_share = is_open.mean(axis=1)
    several = near_others(nodes, radius, field) & (area > SEVERAL * np.pi * radius**2)
    unsure = lost | several | (open_share > OPEN_SHARE)
    trust = np.where(lost, 0.0, np.where(several, 0.05, np.clip(1.0 - 3.0 * open_share, 0.05, 1.0)))
    # A branch that has left the lumen with all of its points has no wall: it stays where it is until it is dropped.
    blind = ~np.isfinite(wall).all(axis=1)
    radius, offset, trust = np.where(blind, np.nan, radius), np.where(blind[:, None], 0.0, offset), trust * ~blind
    return Sections(radius, np.where(unsure, np.nan, area), nodes.points_lps_mm + offset, trust, short)


def _without_staircase(wall: np.ndarray, voxel_mm: float) -> np.ndarray:
    """The wall (n, RAYS) with each angular wave reduced by what the voxels' corners alone can cause (Wiener filter with
    known noise): ovals and openings stay, the corners of a section four voxels wide go."""
    waves = np.fft.rfft(wall, axis=1)
    power = np.square(np.abs(waves)) * (2.0 / RAYS) ** 2
    noise = voxel_mm * np.where(np.arange(waves.shape[1]) < 4, STAIRCASE, STAIRCASE_CORNERS)
    keep = np.maximum(1.0 - noise**2 / np.maximum(power, 1e-12), 0.0)
    keep[:, 0] = 1.0
    rounded = np.fft.irfft(waves * keep, RAYS, axis=1)
    return ndimage.gaussian_filter1d(rounded, SMOOTH_DEGREES / (360.0 / RAYS), axis=1, mode="wrap")


def near_others(nodes: NodeTree, radius_mm: np.ndarray, field: Volume) -> np.ndarray:
    """Which nodes (n,) lie so close to another vessel that both lumens can meet in one section."""
    result = np.zeros(len(nodes), bool)
    chains = nodes.chains()
    owner = np.empty(len(nodes), int)
    for number, chain in enumerate(chains):
        owner[chain if number == 0 else chain[1:]] = number
    slack = 0.5 * max(field.geometry.spacing_xyz_mm)
    for number in range(len(chains)):
        own, other = np.flatnonzero(owner == number), np.flatnonzero(owner != number)
        if not len(other):
            continue
        distance, nearest = cKDTree(nodes.points_lps_mm[other]).query(nodes.points_lps_mm[own])
        result[own] = distance < radius_mm[own] + radius_mm[other[nearest]] + slack
    return result


def _frames(nodes: NodeTree) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors (n, 3) each, normal to the curve and to each other, that do not twist along a vessel, or
    smoothing along it would mix angles (double reflection, Wang et al. 2008)."""
    first, second = np.zeros((len(nodes), 3)), np.zeros((len(nodes), 3))
    for chain in nodes.chains():
        points = nodes.points_lps_mm[chain]
        tangent = np.gradient(points, axis=0)
        tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
        side = np.cross(tangent[0], np.eye(3)[np.argmin(np.abs(tangent[0]))])
        side /= np.linalg.norm(side)
        sides = [side]
        for k in range(1, len(chain)):
            sides.append(_transported(sides[-1], points[k] - points[k - 1], tangent[k - 1], tangent[k]))
        own = slice(0 if chain[0] == 0 else 1, None)
        first[chain[own]], second[chain[own]] = sides[own], np.cross(tangent, sides)[own]
    return first, second


def _transported(side: np.ndarray, course: np.ndarray, tangent: np.ndarray, next_tangent: np.ndarray) -> np.ndarray:
    length = max(float(course @ course), 1e-18)
    side = side - (2.0 / length) * (course @ side) * course
    tangent = tangent - (2.0 / length) * (course @ tangent) * course
    turn = next_tangent - tangent
    size = float(turn @ turn)
    if size > 1e-18:
        side = side - (2.0 / size) * (turn @ side) * turn
    side = side - (side @ next_tangent) * next_tangent
    return side / max(float(np.linalg.norm(side)), 1e-12)


def _ray_lengths(nodes: NodeTree, way: np.ndarray, field: Volume, threshold: float) -> np.ndarray:
    """Length (n, RAYS) at which each ray leaves the lumen; 0 where it begins outside."""
    step = RAY_STEP * min(field.geometry.spacing_xyz_mm)
    reach = 2.5 * nodes.radius_mm + 2.0 * max(field.geometry.spacing_xyz_mm)
    result = np.zeros(way.shape[:2])
    order = np.argsort(reach)
    for block in np.array_split(order, max(len(order) // 256, 1)):
        along = np.arange(int(reach[block].max() / step) + 2) * step
        places = nodes.points_lps_mm[block][:, None, None, :] + way[block][:, :, None, :] * along[None, None, :, None]
        value = sample(field, places.reshape(-1, 3)).reshape(places.shape[:3]) - threshold
        outside = value < 0.0
        outside[:, :, -1] = True
        last = np.argmax(outside, axis=2)
        high = np.take_along_axis(value, np.maximum(last - 1, 0)[:, :, None], axis=2)[:, :, 0]
        low = np.take_along_axis(value, last[:, :, None], axis=2)[:, :, 0]
        part = np.clip(high / np.maximum(high - low, 1e-6), 0.0, 1.0)
        result[block] = np.where(last == 0, 0.0, (last - 1 + part) * step)
    return result


def _inscribed(nodes, wall, way, first, second) -> np.ndarray:
    """Radius (n,) of the largest sphere inside the wall round each node: its centre may leave the node by a sixth of
    the radius in the plane, because a node is a little off, and the wall before and behind counts too."""
    seen = wall[:, :, None] * way
    shift = [(0.0, 0.0)] + [(np.cos(a), np.sin(a)) for a in np.arange(8) * np.pi / 4.0]
    best = np.zeros(len(nodes))
    size = wall.min(axis=1)
    for share in (0.08, 0.16):
        for u, v in shift:
            centre = share * size[:, None] * (u * first + v * second)
            best = np.fmax(best, np.linalg.norm(seen - centre[:, None, :], axis=2).min(axis=1))
    result = best.copy()
    for chain in nodes.chains():
        arc = np.r_[0.0, np.cumsum(nodes.step_mm[chain][1:])]
        own = slice(0 if chain[0] == 0 else 1, None)
        reached = np.sqrt(np.square(best[chain])[None, :] + np.square(arc[:, None] - arc[None, :])).min(axis=1)
        result[chain[own]] = reached[own]
    return result
