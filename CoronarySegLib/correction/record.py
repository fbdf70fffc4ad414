"""What a correction changed: enough to say it, to take it back and to do it again, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

import numpy as np

from ..centreline.tree import CentrelineTree
from ..errors import InputError
from ..postprocessing.boxes import Box, bounding_box
from .state import CaseState


@dataclass(frozen=True)
class VoxelChange:
    """Labels of a box before and after, uint8 (z, y, x); ``start_zyx`` is the box's first voxel in the whole grid."""

    start_zyx: tuple[int, int, int]
    before: np.ndarray
    after: np.ndarray

    @property
    def box(self) -> Box:
        return tuple(
            slice(first, first + count) for first, count in zip(self.start_zyx, self.before.shape, strict=True)
        )

    @property
    def changed(self) -> np.ndarray:
        """Which voxels of the box changed, bool (z, y, x)."""
        return self.before != self.after

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.changed))


@dataclass(frozen=True)
class Correction:
    """One correction. ``what`` is a sentence; ``places_lps_mm`` are the clicks; ``when`` is ISO time in UTC.

    ``kind``: "bridge", "add branch", "remove branch", "mark vein", "cut", "rename" or "radius". ``by`` is whoever did
    it, "" when not told. ``voxels`` is None where only centrelines changed; ``added_mm3`` and ``removed_mm3`` are
    lumen.
    """

    kind: str
    system: str
    what: str
    places_lps_mm: tuple[tuple[float, float, float], ...]
    when: str
    by: str = ""
    voxels: VoxelChange | None = None
    added_mm3: float = 0.0
    removed_mm3: float = 0.0
    trees_before: Mapping[str, CentrelineTree] = field(default_factory=dict, repr=False)
    trees_after: Mapping[str, CentrelineTree] = field(default_factory=dict, repr=False)
    stale_before: frozenset[str] = frozenset()
    stale_after: frozenset[str] = frozenset()


def corrected(
    state: CaseState, kind: str, system: str, what: str, places_lps_mm, *, box: Box | None = None,
    after: np.ndarray | None = None, tree: CentrelineTree | None = None, stale: bool = False, by: str = "",
    when: datetime | None = None,
) -> tuple[CaseState, Correction]:
    """The state with ``after`` in ``box`` and ``tree`` as the centrelines of ``system``, and the record of it.

    ``tree`` None leaves the centrelines as they are; with ``stale`` they count as out of date.
    """
    change = None if box is None else _change(state.labels.array, box, after)
    trees = state.trees if tree is None else {**state.trees, system: tree}
    out_of_date = state.stale | {system} if stale else state.stale
    labels = state.labels if change is None else state.labels.with_array(_written(state.labels.array, change, "after"))
    added, removed = (0.0, 0.0) if change is None else _lumen_mm3(change, state.geometry.voxel_mm3)
    moment = (when or datetime.now(timezone.utc)).isoformat(timespec="seconds")
    places = tuple(tuple(round(float(v), 3) for v in place) for place in places_lps_mm)
    record = Correction(
        kind, system, what, places, moment, by, change, added, removed, state.trees, trees, state.stale, out_of_date
    )
    return replace(state, labels=labels, trees=trees, stale=out_of_date), record


def undone(state: CaseState, correction: Correction) -> CaseState:
    """The state before a correction, bit for bit. Raises InputError when its voxels were edited since."""
    return _set(state, correction, "after", "before")


def redone(state: CaseState, correction: Correction) -> CaseState:
    """The state after a correction that was undone. Raises InputError when its voxels were edited since."""
    return _set(state, correction, "before", "after")


def _set(state: CaseState, correction: Correction, now: str, then: str) -> CaseState:
    labels, change = state.labels, correction.voxels
    if change is not None:
        touched = change.changed
        if (labels.array[change.box][touched] != getattr(change, now)[touched]).any():
            raise InputError(
                f"Voxels of this step ({correction.kind}) were edited by other means since. Undo that edit first, "
                "where it was made."
            )
        labels = labels.with_array(_written(labels.array, change, then))
    return replace(
        state, labels=labels, trees=getattr(correction, f"trees_{then}"), stale=getattr(correction, f"stale_{then}")
    )


def _written(array: np.ndarray, change: VoxelChange, which: str) -> np.ndarray:
    """A copy in which the voxels that the change touched have its values; an edit beside them stays."""
    result = array.copy()
    part = result[change.box]
    part[change.changed] = getattr(change, which)[change.changed]
    return result


def _change(array: np.ndarray, box: Box, after: np.ndarray) -> VoxelChange | None:
    inner = bounding_box(array[box] != after)
    if inner is None:
        return None
    start = tuple(int(outer.start + part.start) for outer, part in zip(box, inner, strict=True))
    return VoxelChange(start, array[box][inner].copy(), np.ascontiguousarray(after[inner]))


def _lumen_mm3(change: VoxelChange, voxel_mm3: float) -> tuple[float, float]:
    was, is_now = (np.isin(part, (1, 2)) for part in (change.before, change.after))
    return float(np.count_nonzero(is_now & ~was) * voxel_mm3), float(np.count_nonzero(was & ~is_now) * voxel_mm3)
