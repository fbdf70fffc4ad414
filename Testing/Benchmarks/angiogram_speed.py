"""How long one X-ray angiogram takes, step by step: reading, network, cleaning, measuring; opening the model aside.

    python Testing/Benchmarks/angiogram_speed.py [--model FOLDER] [--side 512] [--repeat 7]

A synthetic angiogram is segmented again and again; the table shows medians by the clock. Ends with 1 when the whole
takes longer than a second.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from CoronarySegLib.angiogram.inference import AngiogramPredictor
from CoronarySegLib.angiogram.phantom import AngiogramSettings, make_angiogram
from CoronarySegLib.angiogram.reading import read_angiogram
from CoronarySegLib.angiogram.segmentation import model_for_angiograms, segment_angiogram

AIM_S = 1.0
STEPS = ("reading", "network", "postprocess", "measure", "together")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="folder or name, the shipped one by default")
    parser.add_argument("--side", type=int, default=512, help="pixels")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    began = time.perf_counter()
    predict = AngiogramPredictor(model_for_angiograms(given.model), device=given.device)
    sys.stdout.write(f"{predict.engine}; model opened in {time.perf_counter() - began:.1f} s\n")
    frame = make_angiogram(AngiogramSettings(seed=90_000, size_px=given.side)).frames[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "angiogram.png"
        Image.fromarray(np.rint(255 * frame).astype(np.uint8)).save(path)
        rows = [_timed(path, predict) for _ in range(given.repeat + 1)][1:]
    medians = {step: statistics.median(row[step] for row in rows) for step in STEPS}
    sys.stdout.write("".join(f"{step:<12}{seconds:6.2f} s\n" for step, seconds in medians.items()))
    return int(medians["together"] > AIM_S)


def _timed(path: Path, predict: AngiogramPredictor) -> dict[str, float]:
    start = time.perf_counter()
    run = read_angiogram(path)
    read = time.perf_counter()
    result = segment_angiogram(run, predict=predict)
    end = time.perf_counter()
    return {"reading": read - start, **result.timings, "together": end - start}


if __name__ == "__main__":
    sys.exit(main())
