"""From the mask of one frame to its measured vessels: the story of the folder.

Lengths are measured in mm where the picture's scale is known. Where it is not, the methods below still need a scale for
what is short and what is long: pixels then count as :data:`ASSUMED_MM`, and everything is given back in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...centreline.nodes import NodeTree
from ...centreline.smoothing import smoothed
from ...centreline.tree import CentrelineBranch, CentrelineTree
from ...measurement import MeasurementOptions, TreeMeasurements, measure_tree
from ...volume import Geometry
from ..image import AngiogramImage
from .skeleton import vessel_trees
from .widths import measured_widths, outline_field

ASSUMED_MM = 0.3
"""A pixel of a 512² coronary run at the heart, when the file does not say it."""
STEP_PX = 1.0
SMOOTHING_PX = 14.0
WIDTH_WINDOW = 5
ROUNDS = 2
END_SHARE = 0.8
"""The outline closes round a free end; the course begins and ends where the width has this share of what follows."""
OPTIONS = MeasurementOptions(smoothing_mm=2.5, least_percent=30.0)
"""An outline in one plane wavers more than a section in space, so more is smoothed and less is listed."""


@dataclass(frozen=True)
class FrameMeasurements:
    """Vessels of one frame. ``trees`` and ``systems`` by key ("tree 1" is the longest) lie in the picture's plane:
    x to the right, y down, z 0, in ``scale_mm`` a pixel. ``unit`` is what figures are given in, "mm" or "px"."""

    trees: dict[str, CentrelineTree]
    systems: dict[str, TreeMeasurements]
    scale_mm: float
    unit: str

    @property
    def per_unit(self) -> float:
        """Millimetres of the trees in one :attr:`unit`."""
        return 1.0 if self.unit == "mm" else self.scale_mm

    def pixels(self, points_lps_mm: np.ndarray) -> np.ndarray:
        """Points (n, 3) of a tree as pixels (n, 2) in (y, x)."""
        return np.asarray(points_lps_mm)[:, 1::-1] / self.scale_mm


def measure_frame(
    image: AngiogramImage, mask: np.ndarray, probability: np.ndarray | None = None, *, threshold: float = 0.5
) -> FrameMeasurements:
    """Centrelines, diameters and stenoses of a mask (y, x). Without any vessel long enough, no tree."""
    scale = image.spacing_mm or ASSUMED_MM
    field = outline_field(mask, probability, threshold)
    trees, systems = {}, {}
    grid = Geometry((1, *mask.shape), (scale, scale, scale))
    for number, nodes in enumerate(vessel_trees(mask), start=1):
        tree = _centreline_tree(_fitted(nodes, field), scale)
        key = f"tree {number}"
        trees[key] = tree
        systems[key] = measure_tree(tree, grid=grid, options=OPTIONS)
    return FrameMeasurements(trees, systems, scale, image.unit)


def _fitted(nodes: NodeTree, field: np.ndarray) -> NodeTree:
    """Smooth and centred between the outlines, with half the width as radius; lengths still in pixels."""
    nodes = nodes.resampled(STEP_PX)
    nodes = smoothed(nodes, nodes.points_lps_mm, np.ones(len(nodes)), SMOOTHING_PX)
    for _ in range(ROUNDS):
        width, middle = measured_widths(nodes, field)
        trust = np.where(np.isfinite(width) & (width < 3.0 * nodes.radius_mm + 2.0), 1.0, 0.1)
        nodes = smoothed(nodes, np.where(trust[:, None] == 1.0, middle, nodes.points_lps_mm), trust, SMOOTHING_PX)
    width, _ = measured_widths(nodes, field)
    nodes = nodes.with_values(radius_mm=0.5 * _without_spikes(nodes, width))
    return nodes.keeping(~_closing(nodes))


def _without_spikes(nodes: NodeTree, width: np.ndarray) -> np.ndarray:
    """Widths (n,) with the running median of each vessel; where none was found, the skeleton's own."""
    result = np.where(np.isfinite(width), width, 2.0 * nodes.radius_mm)
    half = WIDTH_WINDOW // 2
    for chain in nodes.chains():
        own = chain[0 if chain[0] == 0 else 1 :]
        if len(own) < WIDTH_WINDOW:
            continue
        padded = np.pad(result[own], half, mode="edge")
        result[own] = np.median(np.lib.stride_tricks.sliding_window_view(padded, WIDTH_WINDOW), axis=1)
    return result


def _closing(nodes: NodeTree) -> np.ndarray:
    """Which nodes (n,) bool are the closing outline of a free end; no branch loses more than a third."""
    gone = np.zeros(len(nodes), bool)
    for run in nodes.branches():
        ends = [run[::-1]] if nodes.child_count[run[-1]] == 0 else []
        if nodes.parent[run[0]] < 0 and nodes.child_count[run[0]] == 1:
            ends.append(run)
        for end in ends:
            arc = np.abs(nodes.arc_mm[end] - nodes.arc_mm[end[0]])
            calibre = 2.0 * float(np.median(nodes.radius_mm[end[arc <= max(24.0, 0.3 * arc[-1])]]))
            most = min(int((arc <= calibre).sum()), len(end) // 3)
            small = np.flatnonzero(2.0 * nodes.radius_mm[end[:most]] < END_SHARE * calibre)
            gone[end[: int(small[-1]) + 1 if len(small) else 0]] = True
    return gone


def _centreline_tree(nodes: NodeTree, scale_mm: float) -> CentrelineTree:
    """The tree in mm. Vessels that run on through junctions carry one name, "vessel 1" the one at the root."""
    name = np.empty(len(nodes), object)
    for number, chain in enumerate(nodes.chains(), start=1):
        name[chain[0 if chain[0] == 0 else 1 :]] = f"vessel {number}"
    runs = nodes.branches()
    ends = {int(run[-1]): number for number, run in enumerate(runs)}
    points, radius = nodes.points_lps_mm * scale_mm, nodes.radius_mm * scale_mm
    return CentrelineTree("", tuple(
        CentrelineBranch(
            ends.get(int(run[0]), -1), points[run], radius[run], np.full(len(run), np.nan), name[run[-1]], 0.0
        )
        for run in runs
    ))
