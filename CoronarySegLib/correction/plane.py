"""A leak into the aorta or a chamber is cut off at a plane normal to the vessel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ..errors import InputError
from ..postprocessing.boxes import Box, points_of
from .grafting import beginning_at, ending_at
from .picking import labelled_voxel, piece_at, place_at, required_place, wide_radius_mm
from .record import Correction, corrected
from .state import SYSTEMS, CaseState
from .territory import Core

SEED_RADII = 1.5
"""What lies behind the plane within so many radii of the vessel's axis begins what is cut off."""
CLEAR_MM = 1.0
"""The kept vessel's own lumen is guarded from this far behind the plane on."""
OWN_LUMEN = 1.15


@dataclass(frozen=True)
class _Plane:
    """``normal`` points to what goes. ``radius_mm`` is the vessel's at ``lps_mm``; ``kept`` is what stays."""

    system: str
    lps_mm: np.ndarray
    normal: np.ndarray
    radius_mm: float
    kept: Core


def cut(
    state: CaseState, click_lps_mm, towards_lps_mm=None, *, by: str = "", when: datetime | None = None
) -> tuple[CaseState, Correction]:
    """Take off everything beyond a plane normal to the vessel through a click: what lies towards the ostium, or, with a
    second click, what lies on that side.

    Only what is connected to the vessel behind the plane goes: another vessel that runs there stays. Where a mask has
    no centreline yet, because a chamber hangs on it, the second click gives the direction, and the centrelines count as
    out of date. Raises InputError when nothing lies beyond.
    """
    click = np.asarray(click_lps_mm, float)
    towards = None if towards_lps_mm is None else np.asarray(towards_lps_mm, float)
    clicks = [click] if towards is None else [click, towards]
    place = place_at(state, click)
    if place is None:
        return _without_centreline(state, click, towards, clicks, by, when)
    tree = state.trees[place.system]
    distal = towards is not None and float((towards - place.lps_mm) @ place.course) > 0.0
    point = place.point
    if distal:
        smaller = ending_at(tree, place.branch, point)
        normal, what = place.course, "distal"
    else:
        if point >= len(tree.branches[place.branch].points_lps_mm) - 1:
            raise InputError("The click is at the very end of the vessel: nothing would be left. Click further back.")
        smaller = beginning_at(tree, place.branch, point)
        normal, what = -place.course, "proximal"
    kept = Core.of(smaller, range(len(smaller.branches)))
    radius = float(wide_radius_mm(tree.branches[place.branch])[point])
    plane = _Plane(place.system, place.lps_mm, normal, radius, _clear_of(kept, place.lps_mm, normal))
    box, gone = _beyond(state, plane)
    after = np.where(gone, np.uint8(0), state.labels.array[box])
    name = tree.branches[place.branch].name or f"branch {place.branch}"
    mm3 = np.count_nonzero(gone) * state.geometry.voxel_mm3
    return corrected(
        state, "cut", place.system, f"Cut {name} at a plane: {mm3:.0f} mm³ on its {what} side removed", clicks, box=box,
        after=after, tree=smaller, by=by, when=when,
    )


def _without_centreline(state: CaseState, click, towards, clicks, by: str, when) -> tuple[CaseState, Correction]:
    voxel = labelled_voxel(state, click, tuple(SYSTEMS.values()))
    if voxel is None:
        required_place(state, click)  # says that nothing is there
    if towards is None:
        raise InputError("There is no centreline here. Click a second time, on the side that is to be removed.")
    value = state.labels.array[tuple(voxel)]
    system = next(key for key, own in SYSTEMS.items() if own == value)
    normal = (towards - click) / max(float(np.linalg.norm(towards - click)), 1e-6)
    nothing = Core(np.zeros((0, 3)), np.zeros(0))
    plane = _Plane(system, click, normal, 2.0, nothing)
    box, gone = _beyond(state, plane)
    after = np.where(gone, np.uint8(0), state.labels.array[box])
    mm3 = np.count_nonzero(gone) * state.geometry.voxel_mm3
    return corrected(
        state, "cut", system, f"Cut the {system} mask at a plane: {mm3:.0f} mm³ removed", clicks, box=box, after=after,
        stale=True, by=by, when=when,
    )


def _beyond(state: CaseState, plane: _Plane) -> tuple[Box, np.ndarray]:
    """The voxels behind the plane that hang together with the vessel's section there."""
    value = SYSTEMS[plane.system]
    depth = float(state.spacing_zyx_mm.max())

    def behind(box: Box) -> np.ndarray:
        index = np.argwhere(state.labels.array[box] == value)
        points = points_of(state.local_geometry(box), index)
        chosen = (points - plane.lps_mm) @ plane.normal > 0.0
        if len(plane.kept):
            near = np.flatnonzero(chosen)
            chosen[near] = plane.kept.scaled_distance(points[near]) > OWN_LUMEN
        mask = np.zeros(tuple(part.stop - part.start for part in box), bool)
        mask[tuple(index[chosen].T)] = True
        return mask

    local = state.box_round(plane.lps_mm, SEED_RADII * plane.radius_mm + 3.0 * depth)
    seeds = np.argwhere(behind(local))
    if len(seeds):
        away = np.linalg.norm(points_of(state.local_geometry(local), seeds) - plane.lps_mm, axis=1)
        seeds = seeds[away <= SEED_RADII * plane.radius_mm + 1.5 * depth]
        seeds = seeds + [part.start for part in local]
    if not len(seeds):
        raise InputError("Nothing lies beyond the plane. Click where the leak begins, on the vessel.")
    parts = []
    while len(seeds):  # corners of the section may be pieces of their own
        box, piece = piece_at(state, seeds[0], behind)
        parts.append((box, piece))
        seeds = seeds[~_inside(seeds, box, piece)]
    whole = tuple(
        slice(min(box[axis].start for box, _ in parts), max(box[axis].stop for box, _ in parts)) for axis in range(3)
    )
    gone = np.zeros(tuple(part.stop - part.start for part in whole), bool)
    for box, piece in parts:
        gone[tuple(slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, whole, strict=True))] |= piece
    return whole, gone


def _inside(index: np.ndarray, box: Box, piece: np.ndarray) -> np.ndarray:
    local = index - [part.start for part in box]
    valid = ((local >= 0) & (local < piece.shape)).all(axis=1)
    result = np.zeros(len(index), bool)
    result[valid] = piece[tuple(local[valid].T)]
    return result


def _clear_of(kept: Core, place_lps_mm: np.ndarray, normal: np.ndarray) -> Core:
    """The kept centrelines away from the cut, where they must not guard the end of their own vessel."""
    beyond = (kept.points_lps_mm - place_lps_mm) @ normal > CLEAR_MM
    return replace(kept, points_lps_mm=kept.points_lps_mm[beyond], radius_mm=kept.radius_mm[beyond])
