"""The heart phases of a DICOM stack: one volume per phase, and which one to take.

A retrospectively gated series holds every slice position several times. Which header field tells the phases apart
differs by maker, so the first field that splits the stack into complete, non-repeating sets decides.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .dicom_headers import SliceHeader

# Mid-diastole: the phase in which the coronaries move least at usual heart rates.
PREFERRED_PERCENT = 75.0
PERCENT_TOLERANCE = 2.5
SAME_POSITION_MM = 0.01

Key = Callable[[SliceHeader], "float | str | None"]
PHASE_KEYS: tuple[Key, ...] = (
    lambda s: s.percent,
    lambda s: percent_in_text(s.comments),
    lambda s: s.temporal_position,
    lambda s: s.trigger_ms,
    lambda s: s.acquisition,
    lambda s: s.acquisition_time or None,
    lambda s: s.content_time or None,
)


@dataclass(frozen=True)
class Phase:
    """One complete volume of a stack. ``number`` counts from 1, ``percent`` is that of the R-R interval if known."""

    number: int
    label: str
    percent: float | None
    slices: tuple[SliceHeader, ...]


def percent_in_text(text: str) -> float | None:
    """The percentage in a description such as "CorCTA 0.75 B26f 75 %"; None if there is none up to 100."""
    found = [float(v) for v in re.findall(r"(\d{1,3}(?:\.\d+)?)\s*%", text)]
    return next((v for v in reversed(found) if v <= 100), None)


def split_phases(slices: tuple[SliceHeader, ...], along_mm: np.ndarray) -> tuple[tuple[Phase, ...], int]:
    """Phases of a stack, and how many slices were left out because their position was there already.

    ``along_mm`` is each slice's position along the normal. A stack with every position once is one phase.
    """
    position = np.rint(np.asarray(along_mm) / SAME_POSITION_MM).astype(int)
    counts = np.bincount(np.unique(position, return_inverse=True)[1])
    if counts.max() == 1:
        return (_phase(1, slices, single=True),), 0
    if np.median(counts) == 1:
        # Overlapping slabs or a slice exported twice: no second heart phase is there to choose.
        first = [slices[i] for i in np.unique(position, return_index=True)[1]]
        return (_phase(1, tuple(first), single=True),), len(slices) - len(first)
    groups = next((g for g in (_groups(slices, position, key) for key in PHASE_KEYS) if g), None)
    groups = groups or _by_order(slices, position)
    return tuple(_phase(i + 1, tuple(group), single=False) for i, group in enumerate(groups)), 0


def choose_phase(phases: tuple[Phase, ...], wanted: float | str | None) -> tuple[Phase, str]:
    """The phase asked for (percent, number or label), or the one near 75 %, or the middle; and a warning or "".

    Raises InputError, listing the phases, when the one asked for is not there.
    """
    listed = ", ".join(phase.label for phase in phases)
    if wanted is not None:
        return _wanted(phases, wanted, listed), ""
    if len(phases) == 1:
        return phases[0], ""
    known = [phase for phase in phases if phase.percent is not None]
    if known:
        chosen = min(known, key=lambda phase: abs(phase.percent - PREFERRED_PERCENT))
        why = f"nearest to {PREFERRED_PERCENT:g} % of the R-R interval"
    else:
        chosen = phases[len(phases) // 2]
        why = "the middle one, as no header states the R-R percentage"
    return chosen, (
        f"The series holds {len(phases)} heart phases ({listed}); {chosen.label} was taken ({why}). "
        "Choose another with the phase option."
    )


def _wanted(phases: tuple[Phase, ...], wanted: float | str, listed: str) -> Phase:
    text = str(wanted).replace("%", "").strip()
    by_label = [phase for phase in phases if phase.label == str(wanted).strip()]
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    known = [phase for phase in phases if phase.percent is not None]
    nearest = min(known, key=lambda phase: abs(phase.percent - number)) if known else None
    if by_label:
        return by_label[0]
    if nearest is not None and abs(nearest.percent - number) <= PERCENT_TOLERANCE:
        return nearest
    if nearest is None and number in [phase.number for phase in phases]:
        return phases[int(number) - 1]
    raise InputError(f"There is no heart phase {wanted} in this series. It has: {listed}. Choose one of these.")


def _groups(slices: tuple[SliceHeader, ...], position: np.ndarray, key: Key) -> list[list[SliceHeader]] | None:
    values = [key(s) for s in slices]
    if any(value is None for value in values):
        return None
    groups: dict[float | str, list[int]] = defaultdict(list)
    for index, value in enumerate(values):
        groups[value].append(index)
    positions = len(set(position.tolist()))
    if len(groups) < 2 or any(len(set(position[g].tolist())) < len(g) for g in groups.values()):
        return None
    # A field that also varies along z (acquisition time of a slab) makes many incomplete groups.
    if min(len(g) for g in groups.values()) < 0.5 * positions:
        return None
    return [[slices[i] for i in groups[value]] for value in sorted(groups)]


def _by_order(slices: tuple[SliceHeader, ...], position: np.ndarray) -> list[list[SliceHeader]]:
    """No field tells them apart: the n-th slice at each position, by instance number, belongs to the n-th phase."""
    seen: dict[int, int] = defaultdict(int)
    groups: dict[int, list[SliceHeader]] = defaultdict(list)
    for index in sorted(range(len(slices)), key=lambda i: (slices[i].instance, slices[i].path.name)):
        nth = seen[int(position[index])]
        seen[int(position[index])] += 1
        groups[nth].append(slices[index])
    return [groups[nth] for nth in sorted(groups)]


def _phase(number: int, slices: tuple[SliceHeader, ...], single: bool) -> Phase:
    percent = _common_percent(slices)
    if percent is None and single:
        percent = percent_in_text(slices[0].description)
    if percent is not None:
        return Phase(number, f"{percent:g} %", percent, slices)
    return Phase(number, "single phase" if single else f"phase {number}", None, slices)


def _common_percent(slices: tuple[SliceHeader, ...]) -> float | None:
    """R-R percentage of a set of slices: stated, in the comments, or trigger time over the R-R interval (median)."""
    for values in (
        [s.percent for s in slices],
        [percent_in_text(s.comments) for s in slices],
        [100 * s.trigger_ms / s.interval_ms if s.trigger_ms is not None and s.interval_ms else None for s in slices],
    ):
        if all(value is not None and 0 <= value <= 100 for value in values):
            return float(np.round(np.median(values), 1))
    return None
