"""How exact diameters on X-ray angiograms are, and how long everything but the network takes.

    python Testing/Benchmarks/angiogram_measurement.py

Winding tubes of known width are measured from their coverage (what an ideal network would answer) and from the mask
alone, healthy and narrowed by half. Times are of the processor, for one 512² picture with one tree.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from helpers.angiograms import curved_tube, drawn_angiogram  # noqa: E402
from PIL import Image  # noqa: E402

from CoronarySegLib.angiogram import AngiogramImage  # noqa: E402
from CoronarySegLib.angiogram.measurement import measure_frame  # noqa: E402
from CoronarySegLib.angiogram.reading import read_angiogram  # noqa: E402

WIDTHS_PX = (3.0, 4.0, 6.0, 10.0, 16.0)
SIZE, STENOSIS = 512, 0.5


def main() -> None:
    sys.stdout.write("| width (px) | from | bias | SD | 95 % within | 50 % stenosis read as |\n" + 6 * "|---" + "|\n")
    for width in WIDTHS_PX:
        healthy, narrowed = (curved_tube(width, SIZE, stenosis=depth) for depth in (0.0, STENOSIS))
        for name in ("probability", "mask"):
            error = errors(healthy, name) - width
            found = [s.diameter_percent for s in measured(narrowed, name).systems["tree 1"].stenoses if s.evaluable]
            read = f"{max(found):.0f} %" if found else "not found"
            sys.stdout.write(
                f"| {width:g} | {name} | {error.mean():+.2f} | {error.std():.2f} | "
                f"{np.quantile(np.abs(error), 0.95):.2f} | {read} |\n"
            )
    sys.stdout.write(times())


def measured(likely: np.ndarray, source: str):
    mask = likely > 0.5
    image = AngiogramImage(np.where(mask, 0.3, 0.7).astype(np.float32))
    return measure_frame(image, mask, likely if source == "probability" else None)


def errors(likely: np.ndarray, source: str) -> np.ndarray:
    found = measured(likely, source)
    profile = found.systems["tree 1"].vessels[0].profile
    return profile.inscribed_diameter_mm[~profile.free_end & ~profile.junction] / found.per_unit


def times() -> str:
    likely = np.maximum(curved_tube(10.0, SIZE), curved_tube(6.0, SIZE, slope=0.35))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.png"
        Image.fromarray(np.rint(255 * drawn_angiogram(SIZE)).astype(np.uint8)).save(path)
        measured(likely, "probability")
        start = time.process_time()
        read_angiogram(path)
        read = time.process_time()
        measured(likely, "probability")
        end = time.process_time()
    return f"reading {read - start:.2f} s, measuring {end - read:.2f} s of processor time for {SIZE} x {SIZE} pixels\n"


if __name__ == "__main__":
    main()
