"""How long a run will take on this machine, from how long earlier ones took: remembered in the settings.

A quality that was never run here is estimated from one that was, by the ratio measured between them. Before the first
run there is no estimate, and the panel says so.
"""

from __future__ import annotations

import json

# Seconds of a whole run against "standard", measured on one phantom of 240 x 230 x 200 voxels on two CPU cores.
RATIO = {"fast": 0.9, "standard": 1.0, "best": 6.0}
KEY = "CoronarySeg/RunSeconds"


def remember(settings, quality: str, device: str, seconds: float) -> None:
    """Keep how long a run took. ``settings`` is a QSettings."""
    known = _known(settings)
    known[f"{device} {quality}"] = round(seconds, 1)
    settings.setValue(KEY, json.dumps(known))


def expected_seconds(settings, quality: str, device: str) -> float | None:
    """Seconds a run will take, None when nothing was run on this device yet."""
    known = _known(settings)
    if f"{device} {quality}" in known:
        return known[f"{device} {quality}"]
    for other, ratio in RATIO.items():
        if f"{device} {other}" in known:
            return known[f"{device} {other}"] * RATIO[quality] / ratio
    return None


def in_words(seconds: float) -> str:
    """Rounded as far as an estimate deserves: "20 s", "3 min"."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    return f"{round(seconds / 60)} min"


def _known(settings) -> dict[str, float]:
    try:
        known = json.loads(settings.value(KEY) or "{}")
        return {str(name): float(seconds) for name, seconds in known.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
