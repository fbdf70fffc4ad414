"""Units of exported coordinates. Inside the library everything is LPS mm; a file's unit is the user's choice."""

from __future__ import annotations

from typing import Literal

Unit = Literal["mm", "cm", "m"]
PER_MM: dict[str, float] = {"mm": 1.0, "cm": 0.1, "m": 0.001}


def per_mm(unit: str) -> float:
    """What a millimetre is in ``unit``. Raises ValueError for an unknown one."""
    if unit not in PER_MM:
        raise ValueError(f"the unit is one of {', '.join(PER_MM)}, not {unit!r}")
    return PER_MM[unit]


def header(unit: str) -> str:
    """What every exported file says about its coordinates."""
    return f"SPACE=LPS UNIT={unit}"
