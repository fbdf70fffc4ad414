"""The queue: everything suspicious, entries at one place joined, the worst first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..progress import Progress, ProgressCallback, as_progress
from .apart import with_pieces_followed
from .doubt import low_confidence
from .ends import blunt_ends, spurs
from .ground import ground_of
from .pieces import FAR_MM, lumen_left_out, pieces_apart
from .suspects import Kind, ReviewCase, Suspect
from .veins import possible_veins
from .widths import radius_changes, unexplained_lumen

MOST_SUSPECTS = 60
"""Nobody looks at more; what is left out is the least suspicious."""
TOGETHER_MM = 4.0
"""Two entries closer than this show the same in the views."""
NEARBY_MM, WAITS = 8.0, 0.15
"""A place so close to a better one is in the views already when that one is looked at: it comes later by this score."""
SEARCHES = (
    ("Looking for pieces apart", pieces_apart), ("Looking for lumen left out", lumen_left_out),
    ("Looking for leaks", unexplained_lumen), ("Looking for veins", possible_veins), ("Looking for stubs", spurs),
    ("Looking at free ends", blunt_ends), ("Looking for changes of width", radius_changes),
    ("Looking at confidence", low_confidence),
)
ORDER = {kind: number for number, kind in enumerate(Kind)}


def find_suspects(
    case: ReviewCase, *, most: int = MOST_SUSPECTS, progress: Progress | ProgressCallback | None = None
) -> tuple[Suspect, ...]:
    """The suspicious places of a result, the most suspicious first; the same case gives the same queue.

    Empty for empty labels. Without centrelines only pieces that lie apart are found. Raises Cancelled.
    """
    report = as_progress(progress)
    ground = ground_of(case)
    if ground is None:
        return ()
    report(0.0, "Following the pieces")
    ground = with_pieces_followed(ground)
    found: list[Suspect] = []
    for number, (text, search) in enumerate(SEARCHES):
        report(number / len(SEARCHES), text)
        found += search(ground)
    report(1.0, f"{len(found)} places found")
    return merged(found)[:most]


def merged(found: list[Suspect]) -> tuple[Suspect, ...]:
    """Sorted by score; an entry close to a better one is only named there. A vein is a whole branch and stays, unless
    the better entry is about the same branch."""
    kept: list[Suspect] = []
    for suspect in sorted(found, key=_rank):
        near = next((number for number, one in enumerate(kept) if _same_place(one, suspect)), None)
        if near is None:
            kept.append(suspect)
        elif suspect.kind is not kept[near].kind and suspect.kind.value not in kept[near].also:
            kept[near] = replace(kept[near], also=(*kept[near].also, suspect.kind.value))
    return _spread(kept)


def _spread(kept: list[Suspect]) -> tuple[Suspect, ...]:
    """The entries with those near a better one put back. ``kept`` is sorted."""
    places = np.array([one.place_lps_mm for one in kept]).reshape(-1, 3)
    near = np.linalg.norm(places[:, None] - places[None], axis=2) <= NEARBY_MM
    waits = [bool(near[number, :number].any()) for number in range(len(kept))]
    order = sorted(range(len(kept)), key=lambda number: (-(kept[number].score - WAITS * waits[number]), number))
    return tuple(kept[number] for number in order)


def _same_place(one: Suspect, other: Suspect) -> bool:
    """Whether ``other`` shows nothing that the better entry ``one`` does not show."""
    distance = float(np.linalg.norm(np.subtract(one.place_lps_mm, other.place_lps_mm)))
    if distance <= TOGETHER_MM:
        return True
    same_branch = (one.system, one.branch) == (other.system, other.branch) and one.branch >= 0
    if not same_branch:
        return False
    if one.kind is Kind.VEIN:  # the whole branch is in doubt already
        return other.kind in (Kind.CONFIDENCE, Kind.RADIUS, Kind.GAP)
    return one.kind is other.kind is Kind.GAP and distance <= FAR_MM  # the end before the gap


def _rank(suspect: Suspect) -> tuple:
    return (-round(suspect.score, 6), ORDER[suspect.kind], *np.round(suspect.place_lps_mm, 3))
