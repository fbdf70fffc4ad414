"""How long a run will take on this machine, from how long earlier ones took: remembered in the settings.

A quality that was never run here is estimated from one that was, by how many patches each sends through the network.
Before the first run there is no estimate, and the panel says so.
"""

from __future__ import annotations

import json

# Patches of the fine network, counted on one phantom (240 x 230 x 200 voxels of 0.65 mm); "best" mirrors each to eight.
PATCHES = {"fast": 34, "standard": 34, "best": 169 * 8}
# What inference takes of a whole standard run: 26.6 of 42 s, by Testing/Benchmarks/inference_speed.py on two CPU cores.
INFERENCE_SHARE = 0.63
RATIO = {
    quality: 1 - INFERENCE_SHARE + INFERENCE_SHARE * patches / PATCHES["standard"]
    for quality, patches in PATCHES.items()
}
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
