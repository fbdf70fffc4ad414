"""A vessel called by its right name, and what hangs on it named after that."""

from __future__ import annotations

from datetime import datetime

from ..centreline.renaming import renamed
from .picking import required_place
from .record import Correction, corrected
from .state import CaseState


def rename(
    state: CaseState, click_lps_mm, name: str, *, by: str = "", when: datetime | None = None
) -> tuple[CaseState, Correction]:
    """Call the vessel under a click ``name``; downstream names follow as in ``centreline.renaming``.

    A name given so stays when centrelines are computed anew. Raises InputError where no vessel is, or for a text that
    is no name.
    """
    place = required_place(state, click_lps_mm)
    tree = state.trees[place.system]
    before = tree.branches[place.branch].name or f"branch {place.branch}"
    tree = renamed(tree, place.branch, name)
    now = tree.branches[place.branch].name or "no name"
    return corrected(state, "rename", place.system, f"{before} is {now}", [click_lps_mm], tree=tree, by=by, when=when)
