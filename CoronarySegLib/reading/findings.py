"""What a check has to say about a volume that can be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """``code`` for programs, ``text`` for people, ``severity`` "warning" or "info", ``value`` the measured number."""

    code: str
    severity: str
    text: str
    value: float | None = None
    unit: str = ""
