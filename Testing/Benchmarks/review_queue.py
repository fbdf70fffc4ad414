"""How many planted defects the review queue shows early: one row a phantom.

    python Testing/Benchmarks/review_queue.py --seeds 910-919

Each phantom has twenty defects of known place: five gaps, five veins on an artery, five leaks, five spurs
(`Testing/review/planted.py` says how they are made and what the probability is). A defect counts as found when an entry
lies within 4 mm of it. ``first 30``: found among the first thirty entries, and by kind; ``with veins``: the same when
the network also gives a vein probability; ``all``: among all entries; ``entries`` and how many of the first thirty show
no defect. Ends with 1 when fewer than 90 % of all defects are among the first thirty.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "review"))

from planted import found_among, plant

from CoronarySegLib.review import Kind, find_suspects

FIRST, AIM = 30, 0.9
KINDS = (Kind.GAP, Kind.VEIN, Kind.LEAK, Kind.SPUR)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="910-919", help="first-last, or numbers with commas")
    given = parser.parse_args()
    print(f"{'seed':>5}{'first 30':>10}{'gap':>5}{'vein':>6}{'leak':>6}{'spur':>6}{'with veins':>12}{'all':>5}"
          f"{'entries':>9}{'no defect':>11}{'s':>7}")
    rows = []
    for seed in _seeds(given.seeds):
        row = measured(seed)
        rows.append(row)
        print(_line(str(seed), row), flush=True)
    total = [sum(values) for values in zip(*rows, strict=True)]
    print(_line("all", total))
    share = total[0] / (20 * len(rows))
    print(f"{100 * share:.1f} % of {20 * len(rows)} defects are among the first {FIRST} entries.")
    return int(share < AIM)


def measured(seed: int) -> tuple:
    planted = plant(seed)
    began = time.process_time()
    queue = find_suspects(planted.case)
    seconds = time.process_time() - began
    found = found_among(planted.defects, queue, FIRST)
    by_kind = [
        sum(hit for defect, hit in zip(planted.defects, found, strict=True) if defect.kind is kind) for kind in KINDS
    ]
    with_veins = found_among(planted.defects, find_suspects(replace(planted.case, vein=planted.vein)), FIRST)
    at_all = found_among(planted.defects, queue, len(queue))
    idle = sum(not any(defect.hit_by(one) for defect in planted.defects) for one in queue[:FIRST])
    return (sum(found), *by_kind, sum(with_veins), sum(at_all), len(queue), idle, seconds)


def _line(name: str, row) -> str:
    first, gap, vein, leak, spur, with_veins, at_all, entries, idle, seconds = row
    return (f"{name:>5}{first:>10}{gap:>5}{vein:>6}{leak:>6}{spur:>6}{with_veins:>12}{at_all:>5}{entries:>9}{idle:>11}"
            f"{seconds:>7.1f}")


def _seeds(text: str) -> list[int]:
    if "-" in text:
        first, last = text.split("-")
        return list(range(int(first), int(last) + 1))
    return [int(one) for one in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
