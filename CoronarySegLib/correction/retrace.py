"""Centrelines of a piece of lumen alone, by the same steps as those of a whole tree, in a fraction of a second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from ..centreline.extract import branches_of
from ..centreline.fitting import fitted
from ..centreline.loops import trace_without_loops
from ..centreline.options import CentrelineOptions
from ..centreline.systems import field_of_mask
from ..centreline.tree import CentrelineBranch
from ..centreline.voxel_graph import voxel_graph
from ..postprocessing.boxes import Box, bounding_box, cropped_geometry
from ..volume import Volume
from .state import CaseState

OPTIONS = CentrelineOptions()
PAD = 3


def local_field(state: CaseState, box: Box, mask: np.ndarray) -> tuple[np.ndarray, Volume]:
    """A mask (z, y, x) of ``box`` cropped to itself and padded, and the lumen field of nothing but it."""
    inner = bounding_box(mask)
    likely = state.local_probability(box)
    field = field_of_mask(mask[inner], None if likely is None else likely[inner], OPTIONS.threshold)
    geometry = cropped_geometry(state.local_geometry(box), inner)
    wide = replace(
        geometry, shape_zyx=tuple(n + 2 * PAD for n in field.shape),
        origin_lps_mm=tuple(float(v) for v in geometry.points_lps(np.full(3, -float(PAD)))),
    )
    return np.pad(mask[inner], PAD), Volume(np.pad(field, PAD), wide)


def traced_branches(
    state: CaseState, box: Box, mask: np.ndarray, root_lps_mm: np.ndarray
) -> tuple[CentrelineBranch, ...]:
    """Branches of the connected ``mask`` of ``box`` from the voxel next to ``root_lps_mm`` on, parents first; empty
    when the mask is too short for a vessel."""
    inside, field = local_field(state, box, mask)
    graph = voxel_graph(inside, field)
    graph = graph.part(graph.components() == _component_near(graph, root_lps_mm))
    if len(graph) < 4:
        return ()
    root = int(cKDTree(graph.points_lps_mm).query(root_lps_mm)[1])
    traced, _, _, _ = trace_without_loops(graph, root, OPTIONS)
    if len(traced.nodes) < 3:
        return ()
    return branches_of(fitted(traced.nodes, field, OPTIONS, keep_root=True), ())


def _component_near(graph, place_lps_mm: np.ndarray) -> int:
    return int(graph.components()[int(cKDTree(graph.points_lps_mm).query(place_lps_mm)[1])])
