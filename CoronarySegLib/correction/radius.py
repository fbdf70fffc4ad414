"""The calibre set by hand at a point of a centreline: the lumen there grows or shrinks, evenly into its neighbours.

The section keeps its shape: a voxel is lumen afterwards when the place it comes from was, at the same angle and at a
distance scaled by the old and the new radius.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..centreline.nodes import NodeTree
from ..centreline.sections import measured_sections
from ..centreline.tree import CentrelineTree
from ..errors import InputError
from ..postprocessing.boxes import Box, points_of, sample
from ..volume import Volume
from .picking import Place, required_place
from .record import Correction, corrected
from .retrace import OPTIONS, local_field
from .state import SYSTEMS, CaseState
from .territory import Core

REACH_MM = 4.0
LEAST_MM, LARGEST_MM = 0.25, 4.0
MARGIN_MM = 3.0
STEP_MM = 0.1
LEAST_CHANGE_MM = 1e-3


def set_radius(
    state: CaseState, click_lps_mm, radius_mm: float, *, reach_mm: float = REACH_MM, by: str = "",
    when: datetime | None = None,
) -> tuple[CaseState, Correction]:
    """Make the lumen ``radius_mm`` wide (inscribed) at the centreline next to a click.

    The change fades out over ``reach_mm`` along the vessel to either side, as a raised cosine, also through junctions
    along its main course. Calcium and other vessels are not overwritten. Raises InputError for a radius that no
    coronary has, or where no vessel is.
    """
    if not LEAST_MM <= radius_mm <= LARGEST_MM:
        raise InputError(f"A lumen radius lies between {LEAST_MM:g} and {LARGEST_MM:g} mm, not {radius_mm:.2f} mm.")
    place = required_place(state, click_lps_mm)
    tree = state.trees[place.system]
    chain, arc, at = _chain(tree, place)
    weight = 0.5 + 0.5 * np.cos(np.pi * np.clip(np.abs(arc - arc[at]) / reach_mm, 0.0, 1.0))
    points = np.array([tree.branches[b].points_lps_mm[k] for b, k in chain])
    old = np.array([tree.branches[b].radius_mm[k] for b, k in chain])
    new = np.maximum(old + weight * (radius_mm - place.radius_mm), LEAST_MM)
    box, after = _resized(state, place, points, old, new, {b for b, _ in chain})
    tree = _remeasured(state, place, box, after, chain, points, old, new)
    name = state.trees[place.system].branches[place.branch].name or f"branch {place.branch}"
    what = f"Radius of {name} set from {place.radius_mm:.2f} to {radius_mm:.2f} mm"
    return corrected(
        state, "radius", place.system, what, [click_lps_mm], box=box, after=after, tree=tree, by=by, when=when
    )


def _chain(tree: CentrelineTree, place: Place) -> tuple[list[tuple[int, int]], np.ndarray, int]:
    """(branch, point) along the vessel through a place, from its parent into its main daughter, with the arc length and
    the position of the place. Junction points occur once, as the last of the upper branch."""
    branches = [place.branch]
    above = tree.branches[place.branch].parent
    if above >= 0 and _main_daughter(tree, above) == place.branch:
        branches.insert(0, above)
    below = _main_daughter(tree, place.branch)
    if below >= 0:
        branches.append(below)
    chain = []
    for b in branches:
        first = 1 if chain else 0
        chain += [(b, k) for k in range(first, len(tree.branches[b].points_lps_mm))]
    points = np.array([tree.branches[b].points_lps_mm[k] for b, k in chain])
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    at = int(np.argmin(np.linalg.norm(points - place.lps_mm, axis=1)))
    near = np.abs(arc - arc[at]) <= 3.0 * REACH_MM
    keep = np.flatnonzero(near)
    return [chain[i] for i in keep], arc[keep], int(np.flatnonzero(keep == at)[0])


def _main_daughter(tree: CentrelineTree, index: int) -> int:
    """The daughter that carries the vessel on: of its name, else the thickest; -1 at an end."""
    daughters = tree.children[index]
    if not daughters:
        return -1
    same = [c for c in daughters if tree.branches[c].name and tree.branches[c].name == tree.branches[index].name]
    return max(same or daughters, key=lambda c: float(np.median(tree.branches[c].radius_mm)))


def _resized(
    state: CaseState, place: Place, points: np.ndarray, old: np.ndarray, new: np.ndarray, own: set[int]
) -> tuple[Box, np.ndarray]:
    """The box round the stretch that changes, and its labels afterwards."""
    value, tree = SYSTEMS[place.system], state.trees[place.system]
    dense, was, wanted = _dense(points, old, new)
    changing = np.abs(wanted - was) > LEAST_CHANGE_MM
    if not changing.any():
        raise InputError("The lumen has this radius already.")
    reach = 1.7 * float(max(was.max(), wanted.max())) + MARGIN_MM
    box = state.box_round(dense[changing], reach)
    labels = state.labels.array[box]
    geometry = state.local_geometry(box)
    depth = _signed_depth(labels == value, state.spacing_zyx_mm)
    index = np.argwhere((labels == value) | (labels == 0))
    where = points_of(geometry, index)
    away, near = cKDTree(dense).query(where)
    stretch = changing[near] & (away <= 2.0 * np.maximum(was, wanted)[near] + 0.5)
    index, where, near = index[stretch], where[stretch], near[stretch]
    source = dense[near] + (where - dense[near]) * (was / wanted)[near][:, None]
    inside = sample(Volume(depth, geometry), source) > 0.0
    others = [i for i in range(len(tree.branches)) if i not in own]
    lower, upper = where.min(axis=0) - 10.0, where.max(axis=0) + 10.0
    foreign = Core.of(tree, others).near(lower, upper).scaled_distance(where)
    mine = Core(points, np.maximum(old, new)).scaled_distance(where)
    theirs = foreign < mine
    after = labels.copy()
    mine_index = tuple(index[~theirs].T)
    after[mine_index] = np.where(inside[~theirs], np.uint8(value), np.uint8(0))
    line = np.rint(geometry.index_of(dense[changing])).astype(int)[:, ::-1]  # never cut through
    line = line[((line >= 0) & (line < labels.shape)).all(axis=1)]
    on_line = tuple(line.T)
    after[on_line] = np.where(labels[on_line] == value, np.uint8(value), after[on_line])
    return box, after


def _dense(points: np.ndarray, old: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    fine = np.linspace(0.0, arc[-1], max(int(arc[-1] / STEP_MM), 2))
    line = np.stack([np.interp(fine, arc, column) for column in points.T], axis=1)
    return line, np.interp(fine, arc, old), np.interp(fine, arc, new)


def _signed_depth(mask: np.ndarray, spacing_zyx_mm: np.ndarray) -> np.ndarray:
    """Distance to the wall in mm, positive inside, float32 (z, y, x)."""
    inside = ndimage.distance_transform_edt(mask, sampling=spacing_zyx_mm)
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing_zyx_mm)
    return (inside - outside).astype(np.float32)


def _remeasured(
    state: CaseState, place: Place, box: Box, after: np.ndarray, chain: list[tuple[int, int]], points: np.ndarray,
    old: np.ndarray, new: np.ndarray,
) -> CentrelineTree:
    """The tree with radius and area of the stretch that changed measured anew in the corrected lumen."""
    part = CaseState(state.labels.with_array(_put(state.labels.array, box, after)), {}, state.probability)
    wide = part.box_round(points, MARGIN_MM + 2.0)
    _, field = local_field(part, wide, part.labels.array[wide] == SYSTEMS[place.system])
    nodes = NodeTree(points, np.arange(-1, len(points) - 1), new)
    sections = measured_sections(nodes, field, OPTIONS.threshold)
    branches = list(state.trees[place.system].branches)
    for position in np.flatnonzero(np.abs(new - old) > LEAST_CHANGE_MM):
        number, k = chain[position]
        branch, radius = branches[number], sections.radius_mm[position]
        radii, areas = branch.radius_mm.copy(), branch.area_mm2.copy()
        radii[k] = radius if np.isfinite(radius) else new[position]
        if np.isfinite(areas[k]):
            areas[k] = sections.area_mm2[position]
        branches[number] = replace(branch, radius_mm=radii, area_mm2=areas)
    return state.trees[place.system].with_branches(branches)


def _put(array: np.ndarray, box: Box, after: np.ndarray) -> np.ndarray:
    result = array.copy()
    result[box] = after
    return result


def wall_radius_mm(state: CaseState, centre_lps_mm, wall_lps_mm) -> float:
    """The radius that a second click on the wall means: its distance from the centreline at the first one."""
    place = required_place(state, centre_lps_mm)
    offset = np.asarray(wall_lps_mm, float) - place.lps_mm
    return float(np.linalg.norm(offset - (offset @ place.course) * place.course))
