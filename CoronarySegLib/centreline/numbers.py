"""Numbers of branches of one family: D1 is the first diagonal that leaves the LAD."""

from __future__ import annotations

import re

NUMBERED = ("D", "S", "OM", "RV")
NUMBERED_IF_SEVERAL = ("PLB",)


def numbered(family: str, count: int) -> list[str]:
    """The names of ``count`` branches of a family in the order in which they leave."""
    if family in NUMBERED or (family in NUMBERED_IF_SEVERAL and count > 1):
        return [f"{family}{number}" for number in range(1, count + 1)]
    return [family] * count


def family_of(name: str) -> str:
    """``D`` of ``D2``; names of anatomy only end in a number where they count."""
    return re.sub(r"\d+$", "", name)


def number_of(name: str) -> int:
    """2 of ``D2``, 0 without a number."""
    match = re.search(r"\d+$", name)
    return int(match.group()) if match else 0
